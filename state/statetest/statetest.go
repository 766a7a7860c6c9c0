// Package statetest is the suite that every store of versioned tables passes,
// and every client of one. Its subtests are named after the rules they hold.
//
//	func TestState(t *testing.T) {
//		statetest.Run(t, func(t *testing.T) state.Store { return memory.Open().State() })
//	}
package statetest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

// Open makes an empty store, for one subtest. What it opens is closed by
// t.Cleanup.
type Open func(t *testing.T) state.Store

// Run runs the suite on a store, or on a client of one.
func Run(t *testing.T, open Open) {
	for _, topic := range []struct {
		name  string
		rules []rule
	}{
		{"writes", writes}, {"values", values}, {"queries", queries}, {"past", past}, {"undo", undo},
		{"owners", owners}, {"declarations", declarations}, {"forgetting", forgetting}, {"batches", batches},
		{"watch", watching}, {"typed", typed}, {"races", races},
	} {
		t.Run(topic.name, func(t *testing.T) {
			for _, r := range topic.rules {
				t.Run(r.name, func(t *testing.T) { r.test(newSubject(t, open(t), state.Options{})) })
			}
		})
	}
}

// rule is one sentence and what proves it.
type rule struct {
	name string
	test func(s *subject)
}

// subject is the room under test with the words that tests are written in.
type subject struct {
	*testing.T
	store state.Store
	db    *state.Service
	ctx   context.Context
}

func newSubject(t *testing.T, store state.Store, opt state.Options) *subject {
	return &subject{T: t, store: store, db: state.NewService(store, opt), ctx: t.Context()}
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

func (s *subject) equal(got, want any) {
	s.Helper()
	if reflect.DeepEqual(got, want) { // much faster, for megabytes
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("differs (-want +got):\n%s", diff)
	}
}

var todos = state.Schema{Name: "todos", Key: []string{"id"}, Owner: "user_id", Columns: []state.Column{
	{Name: "id", Type: state.Text}, {Name: "user_id", Type: state.Text}, {Name: "body", Type: state.Text},
	{Name: "priority", Type: state.Integer}, {Name: "score", Type: state.Real}, {Name: "done", Type: state.Boolean},
	{Name: "due", Type: state.Time}, {Name: "data", Type: state.Bytes}, {Name: "labels", Type: state.JSON},
}}

// files has a key of several columns, of which NULL may be a part.
var files = state.Schema{Name: "files", Key: []string{"user_id", "path", "n"}, Owner: "user_id", Columns: []state.Column{
	{Name: "user_id", Type: state.Text}, {Name: "path", Type: state.Text}, {Name: "n", Type: state.Integer}, {Name: "size", Type: state.Integer},
}}

func (s *subject) declare(schema state.Schema) *state.Rows {
	s.Helper()
	r, err := s.db.Declare(s.ctx, schema)
	s.must(err)
	return r
}

func (s *subject) todos() *state.Rows { s.Helper(); return s.declare(todos) }

// rec takes the record of a call that must succeed.
func (s *subject) rec(r state.Record, err error) state.Record {
	s.Helper()
	s.must(err)
	return r
}

func (s *subject) append(r *state.Rows, id string, more state.Row) state.Record {
	s.Helper()
	row := state.Row{"id": id}
	for name, v := range more {
		row[name] = v
	}
	return s.rec(r.Append(s.ctx, row))
}

// all reads every page of a query, of a few rows each.
func (s *subject) all(q state.Query, read func(context.Context, state.Query) (page.Page[state.Record], error)) []state.Record {
	s.Helper()
	var out []state.Record
	for {
		p, err := read(s.ctx, q)
		s.must(err)
		if out = append(out, p.Data...); !p.Info.HasNextPage {
			return out
		}
		q.Cursor = *p.Info.EndCursor
	}
}

// column is one column of records.
func column(records []state.Record, name string) []any {
	out := []any{}
	for _, r := range records {
		out = append(out, r.Row[name])
	}
	return out
}

func (s *subject) history(r *state.Rows, key ...any) []state.Record {
	s.Helper()
	p, err := r.History(s.ctx, page.Request{First: page.MaxFirst}, key...)
	s.must(err)
	return p.Data
}

// together runs functions at once and returns their errors.
func together(fns ...func() error) []error {
	var wg sync.WaitGroup
	failed := make([]error, len(fns))
	for i, fn := range fns {
		wg.Go(func() { failed[i] = fn() })
	}
	wg.Wait()
	return failed
}

func times(n int, fn func(i int) error) []func() error {
	fns := make([]func() error, n)
	for i := range fns {
		fns[i] = func() error { return fn(i) }
	}
	return fns
}

func day(n int) time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).AddDate(0, 0, n) }
