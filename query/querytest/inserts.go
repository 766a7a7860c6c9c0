package querytest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var inserts = []rule{
	{name: "a table is made from the first row, and every row has a fold", test: func(s *subject) {
		r := s.do(query.Into("docs").Rows(query.Row{"x": 1.5, "name": "a"}))
		if r.Created == nil || r.Created.Name != "docs" || !r.Created.Created {
			s.Fatalf("created: %+v", r.Created)
		}
		again := s.do(query.Into("docs").Rows(query.Row{"x": 2, "name": "b", query.Fold: "mine"}, query.Row{"x": 3, "name": "c"}))
		if again.Created != nil {
			s.Fatalf("created again: %+v", again.Created)
		}
		rows := s.rows(query.From("docs").OrderBy("x"))
		s.equal(len(rows), 3)
		s.equal([]any{rows[0]["id"], rows[1]["id"], rows[2]["id"]}, []any{r.IDs[0], again.IDs[0], again.IDs[1]})
		for i, row := range rows {
			if fold := row[query.Fold]; i == 1 && fold != "mine" || i != 1 && fold != query.FoldTrain && fold != query.FoldValid {
				s.Fatalf("row %d is of fold %v", i, fold)
			}
		}
		t, err := s.db.Describe(s.ctx, "docs")
		s.must(err)
		s.equal(kinds(t), map[string]string{"id": "text", "name": "text", "x": "real", query.Fold: "text"})
		s.equal(t.Key, "id")
	}},
	{name: "the first row decides the types", test: func(s *subject) {
		s.insert("docs", query.Row{"text": "a", "whole": 1, "real": 0.5, "flag": true, "bytes": []byte{1}, "list": []string{"a"},
			"object": map[string]any{"a": 1}, "vector": []float32{1, 2}, "file": file, "time": day(0), "null": nil,
			"number": json.Number("7"), "exact": json.Number("7.0"), "mixed": 1},
			query.Row{"mixed": 1.5})
		t, err := s.db.Describe(s.ctx, "docs")
		s.must(err)
		s.equal(kinds(t), map[string]string{"id": "text", "text": "text", "whole": "integer", "real": "real", "flag": "boolean",
			"bytes": "bytes", "list": "json", "object": "json", "vector": "vector[2]", "file": "file", "time": "time", "null": "text",
			"number": "integer", "exact": "real", "mixed": "real", query.Fold: "text"})
	}},
	{name: "the fold follows from the key", test: func(s *subject) {
		var rows []query.Row
		for _, row := range numbered(1, 400) {
			rows = append(rows, query.Row{"id": row["id"], "n": row["n"]})
		}
		s.insert("docs", rows...)
		first := s.column(query.From("docs"), query.Fold)
		valid := 0
		for _, fold := range first {
			if fold == query.FoldValid {
				valid++
			}
		}
		if valid < 5 || valid > 45 { // of 400 with a probability of 0.05
			s.Fatalf("%d of 400 rows are for validation", valid)
		}
		s.do(query.Remove("docs").All())
		slices.Reverse(rows)
		s.insert("docs", rows...)
		s.equal(s.column(query.From("docs"), query.Fold), first)
	}},
	{name: "a row with a field that the table has not is refused, and all with it", test: func(s *subject) {
		if s.db.Features().Documents {
			return
		}
		s.field(errs.Invalid, "rows[1].b", s.fails(query.Into("docs").Rows(query.Row{"a": 1}, query.Row{"b": 2})))
		s.kind(errs.NotFound, s.fails(query.From("docs")))
		s.insert("docs", query.Row{"a": 1})
		s.field(errs.Invalid, "rows[2].b", s.fails(query.Into("docs").Rows(query.Row{"a": 2}, query.Row{"a": 3}, query.Row{"a": 4, "b": 5})))
		s.equal(s.count("docs"), 1)
	}},
	{name: "a value of another type is refused, and all with it", test: func(s *subject) {
		s.insert("docs", query.Row{"a": 1})
		s.field(errs.Invalid, "rows[1].a", s.fails(query.Into("docs").Rows(query.Row{"a": 2}, query.Row{"a": "x"})))
		s.field(errs.Invalid, "rows[0].a", s.fails(query.Into("docs").Rows(query.Row{"a": 2.5})))
		s.equal(s.count("docs"), 1)
	}},
	{name: "a key that is taken takes the whole insert back", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "b", "n": 1})
		s.taken("docs", "b", query.Row{"id": "b", "n": 2})
		s.taken("docs", "b", query.Row{"id": "a", "n": 2}, query.Row{"id": "b", "n": 3}, query.Row{"id": "c", "n": 4})
		s.taken("docs", "twice", query.Row{"id": "twice", "n": 5}, query.Row{"id": "twice", "n": 6})
		s.equal(s.column(query.From("docs"), "n"), ints(1))
		s.insert("numbers", query.Row{"id": 7, "x": "a"})
		s.taken("numbers", "7", query.Row{"id": 7, "x": "b"})
	}},
	{name: "keys are returned in the order of the rows", test: func(s *subject) {
		s.equal(s.insert("docs", query.Row{"id": "b"}, query.Row{"id": "a"}, query.Row{"id": "c"}), []string{"b", "a", "c"})
		made := s.insert("docs", query.Row{}, query.Row{}, query.Row{})
		if !slices.IsSorted(made) || made[0] == made[1] {
			s.Fatalf("keys that were made are not in order: %q", made)
		}
		s.equal(s.insert("numbers", query.Row{"id": 10, "x": "a"}, query.Row{"id": -2, "x": "b"}), []string{"10", "-2"})
		s.equal(s.column(query.From("numbers"), "id"), ints(-2, 10))
		s.field(errs.Invalid, "rows[0].id", s.fails(query.Into("numbers").Rows(query.Row{"x": "c"})))
	}},
	{name: "columns that are not given are NULL", test: func(s *subject) {
		s.insert("docs", query.Row{"a": 1, "b": "x"}, query.Row{"a": nil}, query.Row{"b": nil})
		s.equal(len(s.rows(query.From("docs").Where(query.IsNull("b")))), 2)
	}},
	{name: "a bare value is for the only column", test: func(s *subject) {
		s.field(errs.Invalid, "rows[0]", s.fails(query.Into("bare").Rows(query.Bare(1))))
		s.declare("bare", "id text", "x integer")
		s.insert("bare", query.Bare(1), query.Bare(2))
		s.equal(s.column(query.From("bare").OrderBy("x"), "x"), ints(1, 2))
		s.declare("two", "id text", "x integer", "y integer")
		s.field(errs.Invalid, "rows[1]", s.fails(query.Into("two").Rows(query.Row{"x": 1}, query.Bare(2))))
		s.equal(s.count("two"), 0)
	}},
	{name: "an insert of no rows does nothing", test: func(s *subject) {
		s.declare("docs", "id text", "x integer")
		s.equal(s.do(query.Into("docs")).IDs, []string{})
		s.field(errs.Invalid, "rows", s.fails(query.Into("new")))
	}},
	{name: "strict makes no table", test: func(s *subject) {
		s.kind(errs.NotFound, s.fails(query.Into("docs").Rows(query.Row{"a": 1}).Strict()))
	}},
}

func kinds(t query.Table) map[string]string {
	out := map[string]string{}
	for _, c := range t.Columns {
		out[c.Name] = c.Type.String()
	}
	return out
}

// taken holds an insert to be refused for a key, in the words in which every
// store says it, with nothing of its engine's.
func (s *subject) taken(table, key string, rows ...query.Row) {
	s.Helper()
	err := s.fails(query.Into(table).Rows(rows...))
	s.kind(errs.Exists, err)
	if want := fmt.Sprintf("id: the table %q cannot have two rows with the key %q", table, key); err.Error() != want {
		s.Fatalf("the error is %q, want %q", err, want)
	}
}
