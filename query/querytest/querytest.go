// Package querytest is the suite that every store of the databackend passes,
// and every client of one. Its subtests are named after the rules they hold.
//
//	func TestQuery(t *testing.T) {
//		querytest.Run(t, func(t *testing.T) store.Store { return memory.Open() })
//	}
package querytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Open makes an empty database, for one subtest. What it opens is closed by
// t.Cleanup.
type Open func(t *testing.T) store.Store

// API is what callers of the databackend do. The service satisfies it, and a
// client of one may.
type API interface {
	// Execute answers a question; see [query.Service.Execute].
	Execute(ctx context.Context, q query.Question) (*query.Result, error)
	// Tables lists what may be read; see [query.Service.Tables].
	Tables(ctx context.Context) ([]query.Table, error)
	// Describe tells about one table, or errs.NotFound.
	Describe(ctx context.Context, name string) (query.Table, error)
	// CreateTable makes a table; see [query.Service.CreateTable].
	CreateTable(ctx context.Context, t query.Table) (query.Table, error)
	// DropTable drops one that was made here, or errs.NotFound.
	DropTable(ctx context.Context, name string) error
	// Features tells what the database can do.
	Features() query.Features
}

var _ API = (*query.Service)(nil)

type topic struct {
	name  string
	rules []rule
}

// asked are the topics that callers can see, of whatever API.
var asked = []topic{
	{"inserts", inserts}, {"selects", selects}, {"conditions", conditions}, {"joins", joins}, {"changes", changing},
	{"values", values}, {"tables", tables}, {"hostile", hostile}, {"bulk", bulk}, {"races", races}, {"raw", raws},
}

// RunAPI holds callers' view to the rules: a service, or a client of one. Topics
// are named where the others were held elsewhere.
func RunAPI(t *testing.T, open func(t *testing.T) API, topics ...string) {
	chosen := slices.DeleteFunc(slices.Clone(asked), func(t topic) bool { return len(topics) > 0 && !slices.Contains(topics, t.name) })
	run(t, chosen, func(t *testing.T) *subject { return &subject{T: t, db: open(t), ctx: t.Context()} })
}

// Run runs the whole suite on a database.
func Run(t *testing.T, open Open) {
	within := func(t *testing.T) *subject {
		st := open(t)
		return &subject{T: t, db: query.NewService(st.Query(), query.Options{}), ctx: t.Context(), store: st}
	}
	run(t, asked, within)
	run(t, []topic{{"notes", notes}, {"transactions", transactions}, {"reserved", reserved}, {"port", port}}, within)
}

func run(t *testing.T, topics []topic, within func(t *testing.T) *subject) {
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for _, r := range topic.rules {
				t.Run(r.name, func(t *testing.T) {
					s := within(t)
					if r.when != nil && !r.when(s.db.Features()) {
						t.Skip("the database says in its Features that it cannot")
					}
					r.test(s)
				})
			}
		})
	}
}

// rule is one sentence and what proves it.
type rule struct {
	name string
	test func(s *subject)
	when func(query.Features) bool // nil: always
}

// subject is the room under test with the words that tests are written in.
type subject struct {
	*testing.T
	db    API
	ctx   context.Context
	store store.Store // nil where only callers' view is tested
}

func (s *subject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *subject) kind(want errs.Kind, err error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got error %v, want kind %s", err, want)
	}
}

// field wants an error of a kind that names a field.
func (s *subject) field(want errs.Kind, field string, err error) {
	s.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != want || e.Field != field {
		s.Fatalf("got error %v, want kind %s about %q", err, want, field)
	}
}

// says wants an error of a kind whose text has some words.
func (s *subject) says(want errs.Kind, words string, err error) {
	s.Helper()
	s.kind(want, err)
	if !strings.Contains(err.Error(), words) {
		s.Fatalf("the error %q does not say %q", err, words)
	}
}

func (s *subject) equal(got, want any) {
	s.Helper()
	if reflect.DeepEqual(got, want) { // much faster, for megabytes
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("differs (-want +got):\n%s", diff)
	}
}

func (s *subject) do(q query.Question) *query.Result {
	s.Helper()
	r, err := s.db.Execute(s.ctx, q)
	s.must(err)
	return r
}

// fails is the error of a question, which may come with the first row.
func (s *subject) fails(q query.Question) error {
	s.Helper()
	r, err := s.db.Execute(s.ctx, q)
	if err == nil {
		_, err = r.All()
	}
	if err == nil {
		s.Fatalf("%+v: no error", q)
	}
	return err
}

func (s *subject) insert(table string, rows ...query.Row) []string {
	s.Helper()
	return s.do(query.Into(table).Rows(rows...)).IDs
}

func (s *subject) rows(q query.Question) []query.Row {
	s.Helper()
	rows, err := s.do(q).All()
	s.must(err)
	return rows
}

// column is one column of an answer.
func (s *subject) column(q query.Question, name string) []any {
	s.Helper()
	out := []any{}
	for _, row := range s.rows(q) {
		v, ok := row[name]
		if !ok {
			s.Fatalf("there is no %q in %v", name, row)
		}
		out = append(out, v)
	}
	return out
}

func (s *subject) count(table string) int {
	s.Helper()
	return len(s.rows(query.From(table)))
}

func typed(text string) query.Type {
	t, err := query.ParseType(text)
	if err != nil {
		panic(err)
	}
	return t
}

// declare makes a table of columns written as "name type"; its key is the
// first.
func (s *subject) declare(name string, columns ...string) query.Table {
	s.Helper()
	t := query.Table{Name: name}
	for _, c := range columns {
		cut := strings.LastIndexByte(c, ' ')
		t.Columns = append(t.Columns, query.Column{Name: c[:cut], Type: typed(c[cut+1:])})
	}
	t.Key = t.Columns[0].Name
	made, err := s.db.CreateTable(s.ctx, t)
	s.must(err)
	return made
}

// notes are what the change log says about a table after a position.
func (s *subject) notes(table string, after int64) []change.Event {
	s.Helper()
	events, err := s.store.Changes(s.ctx, after, 100_000)
	s.must(err)
	var out []change.Event
	for _, e := range events {
		if e.Table == table {
			out = append(out, e)
		}
	}
	return out
}

func (s *subject) head() int64 {
	s.Helper()
	head, err := s.store.Head(s.ctx)
	s.must(err)
	return head
}

// together runs functions at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	var wg sync.WaitGroup
	failed := make([]error, n)
	for i := range n {
		wg.Go(func() { failed[i] = fn(i) })
	}
	wg.Wait()
	return failed
}

// numbered are rows n=first…last with y=1 where n is even.
func numbered(first, last int) []query.Row {
	var rows []query.Row
	for n := first; n <= last; n++ {
		rows = append(rows, query.Row{"id": fmt.Sprintf("%05d", n), "n": n, "y": 1 - n%2})
	}
	return rows
}

func ints(n ...int64) []any {
	out := []any{}
	for _, i := range n {
		out = append(out, i)
	}
	return out
}
