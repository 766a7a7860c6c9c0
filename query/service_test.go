package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/memory"
)

// flighty is a store whose tables change meanwhile, a few times.
type flighty struct {
	query.Store
	left int
}

func (f *flighty) conflict() error {
	if f.left == 0 {
		return nil
	}
	f.left--
	return errs.New(errs.Conflict, "the table changed")
}

func (f *flighty) Insert(ctx context.Context, w query.Write, rows [][]any) ([]string, error) {
	if err := f.conflict(); err != nil {
		return nil, err
	}
	return f.Store.Insert(ctx, w, rows)
}

func (f *flighty) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	if err := f.conflict(); err != nil {
		return func(yield func([]any, error) bool) { yield(nil, err) }
	}
	return f.Store.Select(ctx, p)
}

// A path that is not UTF-8 has no meaning in JSON, and every database another
// error for it.
func TestAPathIsUTF8(t *testing.T) {
	db := query.NewService(memory.Open().Query(), query.Options{})
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(query.Row{"j": map[string]any{"a": 1}})); err != nil {
		t.Fatal(err)
	}
	var e *errs.Error
	if _, err := db.Execute(t.Context(), query.From("docs").Where(query.Eq("j.\xff", 1))); !errors.As(err, &e) || e.Kind != errs.Invalid || e.Field != "j.\xff" {
		t.Errorf("%v", err)
	}
}

func TestATableThatChangesMeanwhileIsLookedUpAgain(t *testing.T) {
	st := &flighty{Store: memory.Open().Query()}
	db := query.NewService(st, query.Options{})
	for _, c := range []struct {
		conflicts int
		want      error
	}{{0, nil}, {2, nil}, {3, errs.Conflict}} {
		st.left = c.conflicts
		_, err := db.Execute(t.Context(), query.Into("docs").Rows(query.Row{"n": 1}))
		if !errors.Is(err, c.want) {
			t.Errorf("after %d conflicts an insert gives %v", c.conflicts, err)
		}
		st.left = 0
		r, err := db.Execute(t.Context(), query.From("docs"))
		if err != nil {
			t.Fatal(err)
		}
		st.left = c.conflicts
		if _, err := r.All(); !errors.Is(err, c.want) {
			t.Errorf("after %d conflicts a select gives %v", c.conflicts, err)
		}
	}
}

// Folds must never change: a model that was trained is judged by them.
func TestFoldsArePinned(t *testing.T) {
	db := query.NewService(memory.Open().Query(), query.Options{Fold: 0.3})
	var rows []query.Row
	for i := range 40 {
		rows = append(rows, query.Row{"id": fmt.Sprintf("%02d", i)})
	}
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(rows...)); err != nil {
		t.Fatal(err)
	}
	r, err := db.Execute(t.Context(), query.From("docs").Where(query.Eq(query.Fold, query.FoldValid)))
	if err != nil {
		t.Fatal(err)
	}
	valid, err := r.All()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, row := range valid {
		ids = append(ids, row["id"].(string))
	}
	if got := strings.Join(ids, " "); got != pinned {
		t.Errorf("for validation are %s, want %s", got, pinned)
	}
}

const pinned = "00 02 05 07 11 12 17 23 26 35 37 39"

func TestFoldsCanBeSwitchedOff(t *testing.T) {
	db := query.NewService(memory.Open().Query(), query.Options{Fold: -1})
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(make([]query.Row, 200)...)); err != nil {
		t.Fatal(err)
	}
	r, err := db.Execute(t.Context(), query.From("docs").Where(query.Ne(query.Fold, query.FoldTrain)))
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := r.All(); err != nil || len(rows) != 0 {
		t.Error(rows, err)
	}
}

func TestKeysAreInTheOrderOfTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	db := query.NewService(memory.Open().Query(), query.Options{Now: func() time.Time { return now }})
	insert := func(n int) []string {
		r, err := db.Execute(t.Context(), query.Into("docs").Rows(make([]query.Row, n)...))
		if err != nil {
			t.Fatal(err)
		}
		return r.IDs
	}
	ids := insert(5000) // more than one millisecond has numbers for
	now = now.Add(-time.Hour)
	ids = append(ids, insert(3)...)
	now = now.Add(2 * time.Hour)
	ids = append(ids, insert(3)...)
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("they are not")
	}
	if want := "019b7ca9-8f2"; !strings.HasPrefix(ids[0], want) || ids[0][14] != '7' || strings.IndexByte("89ab", ids[0][19]) < 0 {
		t.Errorf("%s is no UUID of version 7", ids[0])
	}
}

func TestQuestionsAreValues(t *testing.T) {
	base := query.From("docs").Where(query.Eq("a", 1)).OrderBy("a").Select("a")
	one := base.Where(query.Eq("b", 2)).OrderBy("-b").Select("b").Limit(1).Join("t", "x", "y")
	two := base.Where(query.Eq("c", 3)).OrderBy("c").Select("c").LeftJoin("u", "x", "y")
	for q, want := range map[query.Question]string{
		query.Question(&base): `{"select":{"from":"docs","columns":["a"],"where":{"a":1},"order":["a"]}}`,
		query.Question(&one):  `{"select":{"from":"docs","columns":["a","b"],"join":[{"table":"t","on":[["x","y"]]}],"where":{"a":1,"b":2},"order":["a","-b"],"limit":1}}`,
		query.Question(&two):  `{"select":{"from":"docs","columns":["a","c"],"join":[{"table":"u","left":true,"on":[["x","y"]]}],"where":{"a":1,"c":3},"order":["a","c"]}}`,
	} {
		if raw, err := json.Marshal(q.Query()); err != nil || string(raw) != want {
			t.Errorf("%s, %v\nwant %s", raw, err, want)
		}
	}
	set := query.Change("docs").Set("a", 1)
	more := set.Set("b", 2).All()
	if diff := cmp.Diff(query.Row{"a": 1}, set.Query().Update.Set); diff != "" || more.Query().Update.Set["b"] != 2 {
		t.Error(diff)
	}
}

func TestAnswersInJSON(t *testing.T) {
	db := query.NewService(memory.Open().Query(), query.Options{})
	pixel, err := query.ArrayOf([]uint8{1, 2}, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	row := query.Row{"id": "a<b", "bytes": []byte{1}, "at": time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), "v": []float32{1, 0.1}, "u": pixel, "j": json.RawMessage(`{"b":1,"a":2}`), "n": int64(1) << 60, "r": 0.1, "null": nil}
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(row)); err != nil {
		t.Fatal(err)
	}
	r, err := db.Execute(t.Context(), query.From("docs").Select("id", "bytes", "at", "v", "u", "j", "n", "r", "null"))
	if err != nil {
		t.Fatal(err)
	}
	for values, err := range r.Values() {
		if err != nil {
			t.Fatal(err)
		}
		raw, err := query.EncodeRow(r.Columns, values)
		want := `{"id":"a<b","bytes":"AQ==","at":"2026-01-02T03:04:05.000006Z","v":[1,0.1],"u":[[1,2]],"j":{"b":1,"a":2},"n":1152921504606846976,"r":0.1,"null":null}`
		if err != nil || string(raw) != want {
			t.Errorf("%s, %v", raw, err)
		}
	}
	raw, err := json.Marshal(r.Columns)
	if want := `[{"name":"id","type":"text"},{"name":"bytes","type":"bytes"},{"name":"at","type":"time"},{"name":"v","type":"vector[2]"},{"name":"u","type":"tensor[uint8:1,2]"},{"name":"j","type":"json"},{"name":"n","type":"integer"},{"name":"r","type":"real"},{"name":"null","type":"text"}]`; err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
}

func BenchmarkInsertTyped(b *testing.B) {
	rows := make([]query.Row, 10_000)
	for i := range rows {
		rows[i] = query.Row{"id": fmt.Sprintf("%06d", i), "title": "The title of a document", "n": i, "score": float64(i) / 7, "ok": i%2 == 0,
			"meta": json.RawMessage(`{"tags":["a","b"],"size":12}`), "v": []float32{1, 2, 3, 4}}
	}
	db := query.NewService(nothing{}, query.Options{})
	for b.Loop() {
		if _, err := db.Execute(b.Context(), query.Into("docs").Rows(rows...)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(rows)), "us/row")
}

func BenchmarkPlan(b *testing.B) {
	db := query.NewService(nothing{}, query.Options{})
	for b.Loop() {
		r, err := db.Execute(b.Context(), query.From("docs").Where(query.Eq("ok", true), query.Gt("n", 5)).OrderBy("n").Limit(10).Select("n", "title"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.All(); err != nil {
			b.Fatal(err)
		}
	}
}

// nothing is a store with one table that keeps nothing, so that the service
// alone is measured.
type nothing struct{ query.Unserved }

func (nothing) Table(context.Context, string) (query.Table, error) {
	column := func(name string, k query.Kind) query.Column {
		return query.Column{Name: name, Type: query.Type{Kind: k}}
	}
	return query.Table{Name: "docs", Key: "id", Columns: []query.Column{column("id", query.Text), column("title", query.Text), column("n", query.Integer), column("score", query.Real),
		column("ok", query.Boolean), column("meta", query.JSON), {Name: "v", Type: query.Type{Kind: query.Vector, Shape: []int{4}}}, column(query.Fold, query.Text)}}, nil
}

func (nothing) Insert(_ context.Context, _ query.Write, rows [][]any) ([]string, error) {
	return make([]string, len(rows)), nil
}

func (nothing) Select(context.Context, *query.Plan) iter.Seq2[[]any, error] {
	return func(func([]any, error) bool) {}
}
