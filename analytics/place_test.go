//go:build cgo && !no_duckdb

package analytics_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/analytics/duckdb"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

// place is a database with a mirror that answers questions about it.
type place struct {
	*testing.T
	ctx    context.Context
	store  store.Store
	again  func() store.Store // another program's handle
	state  *state.Service
	chat   *chat.Service
	file   string // of the mirror
	opt    duckdb.Options
	mirror *duckdb.Mirror
	asked  *analytics.Service
}

// everywhere runs a rule on every kind of database.
func everywhere(t *testing.T, rule func(p *place)) {
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "varve.db")
		begin(t, rule, func() store.Store {
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{Relaxed: true})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := pgtest.New(t)
		begin(t, rule, func() store.Store {
			s, err := postgres.Open(t.Context(), url, postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
	t.Run("memory", func(t *testing.T) {
		s := memory.Open()
		begin(t, rule, func() store.Store { return s })
	})
}

func begin(t *testing.T, rule func(p *place), open func() store.Store) {
	p := &place{T: t, ctx: t.Context(), file: filepath.Join(t.TempDir(), "mirror.duckdb")}
	p.again = func() store.Store {
		s := open()
		t.Cleanup(func() { s.Close() })
		return s
	}
	p.store = p.again()
	p.state, p.chat = state.NewService(p.store.State(), state.Options{}), chat.NewService(p.store.Chat(), chat.Options{})
	p.opt.Path = p.file
	p.open("this")
	t.Cleanup(func() { p.mirror.Close() })
	rule(p)
}

// open opens a mirror of a database of a name, after the one before.
func (p *place) open(id string) {
	p.Helper()
	if p.mirror != nil {
		p.must(p.mirror.Close())
	}
	m, err := duckdb.Open(p.ctx, duckdb.Sources{State: p.store.State(), Chat: p.store.Chat(), Changes: p.store, ID: id}, p.opt)
	p.must(err)
	p.mirror = m
	p.asked = analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return m, nil }})
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *place) query(ctx context.Context, q analytics.Question) ([][]any, error) {
	rows, err := p.asked.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Slice()
}

func (p *place) ask(sql string, args ...any) [][]any {
	p.Helper()
	rows, err := p.query(p.ctx, analytics.Question{SQL: sql, Args: args})
	if err != nil {
		p.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// answers holds an answer against rows.
func (p *place) answers(sql string, want ...[]any) {
	p.Helper()
	if want == nil {
		want = [][]any{}
	}
	if diff := cmp.Diff(want, p.ask(sql)); diff != "" {
		p.Fatalf("%s: %s", sql, diff)
	}
}

var todos = state.Schema{Name: "Todos", Key: []string{"id"}, Owner: "owner", Columns: []state.Column{
	{Name: "id", Type: state.Text}, {Name: "owner", Type: state.Text}, {Name: "n", Type: state.Integer},
	{Name: "x", Type: state.Real}, {Name: "done", Type: state.Boolean}, {Name: "due", Type: state.Time},
	{Name: "raw", Type: state.Bytes}, {Name: "labels", Type: state.JSON},
}}

func (p *place) declare(s state.Schema) *state.Rows {
	p.Helper()
	r, err := p.state.Declare(p.ctx, s)
	p.must(err)
	return r
}

func (p *place) put(r *state.Rows, row state.Row) state.Record {
	p.Helper()
	rec, err := r.Put(p.ctx, row)
	p.must(err)
	return rec
}

// many writes n versions of a third as many rows.
func (p *place) many(r *state.Rows, n int) {
	p.Helper()
	for from := 0; from < n; from += 500 {
		var changes []state.Change
		for i := from; i < min(n, from+500); i++ {
			changes = append(changes, state.Change{Op: state.OpPut, Row: state.Row{"id": fmt.Sprintf("row %d", i%(n/3+1)), "n": i, "owner": fmt.Sprintf("a user with a long name %d", i%7), "labels": []any{"a,b", i}}})
		}
		_, err := r.Write(p.ctx, changes...)
		p.must(err)
	}
}

// same holds the rows of a view, and of the mirror's, against each other.
func (p *place) same(what string, read func(context.Context, state.Query) (page.Page[state.Record], error), from string) {
	p.Helper()
	want := [][]any{}
	q := state.Query{Order: []state.Order{{Column: "_seq"}}, Request: page.Request{First: 200}}
	for more := true; more; {
		got, err := read(p.ctx, q)
		p.must(err)
		for _, rec := range got.Data {
			want = append(want, []any{rec.Row["id"], rec.Row["owner"], rec.Row["n"], rec.Row["x"], rec.Row["done"], rec.Row["due"], rec.Row["labels"], rec.Seq, rec.Version, rec.At})
		}
		if more = got.Info.HasNextPage; more {
			q.Cursor = *got.Info.EndCursor
		}
	}
	if diff := cmp.Diff(want, p.ask(`SELECT id, owner, n, x, done, due, labels, _seq, _version, _at FROM `+from+` ORDER BY _seq`)); diff != "" {
		p.Fatalf("%s: %s", what, diff)
	}
}
