package querytest

import (
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var selects = []rule{
	{name: "a filter of two conditions in order", test: func(s *subject) {
		s.insert("docs", numbered(1, 10)...)
		q := query.From("docs").Where(query.Eq("y", 1), query.Gt("n", 5)).OrderBy("n")
		s.equal(s.column(q, "n"), ints(6, 8, 10))
		s.equal(s.rows(q.Select("n").Limit(1)), []query.Row{{"n": int64(6)}})
	}},
	{name: "the same with odd names", test: func(s *subject) {
		for _, prefix := range oddNames {
			y, n, table := prefix+"y", prefix+"n", prefix+"docs"
			var rows []query.Row
			for _, row := range numbered(1, 10) {
				rows = append(rows, query.Row{"id": row["id"], y: row["y"], n: row["n"]})
			}
			s.insert(table, rows...)
			q := query.From(table).Where(query.Eq(y, 1), query.Gt(n, 5)).OrderBy("-" + n)
			s.equal(s.column(q, n), ints(10, 8, 6))
			s.equal(s.rows(q.Select(n).Limit(1)), []query.Row{{n: int64(10)}})
			s.equal(s.do(query.Change(table).Set(n, 0).Where(query.Eq(n, 6))).IDs, []string{"00006"})
			s.equal(s.do(query.Remove(table).Where(query.Eq(n, 0))).IDs, []string{"00006"})
		}
	}},
	{name: "columns come in the order asked for, under the names asked for", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "a", "x": 1, "y": "b"})
		r := s.do(query.From("docs").Select("y").SelectAs("x", "number").Select("id"))
		s.equal(names(r), []string{"y", "number", "id"})
		for values, err := range r.Values() {
			s.must(err)
			s.equal(values, []any{"b", int64(1), "a"})
		}
		s.equal(names(s.do(query.From("docs").Select("docs.*"))), []string{"id", "x", "y", query.Fold})
		s.field(errs.Invalid, "x", s.fails(query.From("docs").Select("x", "x")))
	}},
	{name: "NULL comes last, and first when descending", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "a", "n": 2}, query.Row{"id": "b", "n": nil}, query.Row{"id": "c", "n": 1})
		s.equal(s.column(query.From("docs").OrderBy("n"), "id"), []any{"c", "a", "b"})
		s.equal(s.column(query.From("docs").OrderBy("-n"), "id"), []any{"b", "a", "c"})
	}},
	{name: "text is in the order of its bytes", test: func(s *subject) {
		words := []string{"", " ", "A", "B", "Z", "a", "a ", "aa", "b", "É", "é", "\ufffd", "🙂"}
		for i := range words {
			s.insert("docs", query.Row{"id": words[len(words)-1-i], "t": words[len(words)-1-i]})
		}
		want := []any{}
		for _, w := range words {
			want = append(want, w)
		}
		s.equal(s.column(query.From("docs").OrderBy("t"), "t"), want)
		s.equal(s.column(query.From("docs"), "id"), want)
		s.equal(s.column(query.From("docs").Where(query.Gt("t", "Z"), query.Lt("t", "b")).OrderBy("t"), "t"), []any{"a", "a ", "aa"})
	}},
	{name: "ties are in the order of the key", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "c", "n": 1}, query.Row{"id": "a", "n": 1}, query.Row{"id": "B", "n": 1}, query.Row{"id": "b", "n": 0})
		s.equal(s.column(query.From("docs").OrderBy("n"), "id"), []any{"b", "B", "a", "c"})
		s.equal(s.column(query.From("docs").OrderBy("-n"), "id"), []any{"B", "a", "c", "b"})
		s.equal(s.column(query.From("docs"), "id"), []any{"B", "a", "b", "c"})
		s.equal(s.column(query.From("docs").OrderBy("n", "-id"), "id"), []any{"b", "c", "a", "B"})
	}},
	{name: "booleans and times have an order", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "a", "b": true, "t": day(1)}, query.Row{"id": "b", "b": false, "t": day(2)})
		s.equal(s.column(query.From("docs").OrderBy("b"), "id"), []any{"b", "a"})
		s.equal(s.column(query.From("docs").OrderBy("-t"), "id"), []any{"b", "a"})
		s.equal(s.column(query.From("docs").Where(query.Gt("t", day(1))), "id"), []any{"b"})
		s.equal(s.column(query.From("docs").Where(query.Eq("t", day(1))), "id"), []any{"a"})
	}},
	{name: "a limit and an offset cut the order", test: func(s *subject) {
		s.insert("docs", numbered(1, 10)...)
		all := query.From("docs").OrderBy("-n").Select("n")
		s.equal(s.column(all.Limit(2), "n"), ints(10, 9))
		s.equal(s.column(all.Limit(2).Offset(8), "n"), ints(2, 1))
		s.equal(s.column(all.Offset(8), "n"), ints(2, 1))
		s.equal(s.column(all.Offset(100), "n"), ints())
		s.field(errs.Invalid, "limit", s.fails(all.Limit(-1)))
		s.field(errs.Invalid, "offset", s.fails(all.Offset(-1)))
	}},
	{name: "an answer may be broken off, and asked for again", test: func(s *subject) {
		s.insert("docs", numbered(1, 1000)...)
		r := s.do(query.From("docs").OrderBy("n"))
		seen := 0
		for _, err := range r.Rows() {
			s.must(err)
			if seen++; seen == 3 {
				break
			}
		}
		s.insert("docs", query.Row{"id": "late", "n": 0})
		all, err := r.All()
		s.must(err)
		s.equal(len(all), 1001)
	}},
	{name: "what is not there is named with what may be meant", test: func(s *subject) {
		s.insert("documents", query.Row{"title": "a", "meta": map[string]any{}})
		s.says(errs.NotFound, `did you mean "documents"?`, s.fails(query.From("dokuments")))
		s.says(errs.NotFound, `did you mean "documents"?`, s.fails(query.From("Documents")))
		s.field(errs.Invalid, "titel", s.fails(query.From("documents").Select("titel")))
		s.says(errs.Invalid, `did you mean "title"?`, s.fails(query.From("documents").Where(query.Eq("titel", "a"))))
		s.says(errs.Invalid, `did you mean "title"?`, s.fails(query.From("documents").OrderBy("Title")))
		s.says(errs.Invalid, "not json", s.fails(query.From("documents").Select("title.x")))
		s.says(errs.Invalid, "no order", s.fails(query.From("documents").OrderBy("meta")))
		s.field(errs.Invalid, "title", s.fails(query.From("documents").OrderBy("title", "-title")))
	}},
	{name: "what needs an engine is unsupported", test: func(s *subject) {
		s.insert("docs", query.Row{"a": 1})
		s.field(errs.Unsupported, "outputs", s.fails(query.Query{Select: &query.Select{From: "docs", Outputs: []string{"l"}}}))
		s.field(errs.Unsupported, "like", s.fails(query.Query{Select: &query.Select{From: "docs", Like: &query.Like{Index: "i"}}}))
		s.field(errs.Unsupported, "predict", s.fails(query.Query{Predict: &query.Predict{Model: "m"}}))
		s.field(errs.Invalid, "query", s.fails(query.Query{}))
		s.field(errs.Invalid, "query", s.fails(query.Query{Select: &query.Select{From: "docs"}, Delete: &query.Delete{From: "docs", All: true}}))
	}},
}

func names(r *query.Result) []string {
	var out []string
	for _, c := range r.Columns {
		out = append(out, c.Name)
	}
	return out
}

// oddNames are beginnings of names that only quoting makes names.
var oddNames = []string{"special-", "a b", "'", `"`, "`", "]", ";--", "a.b", "%s", "?", "$1", ":x", "@", "\\", "ä", "имя", "表", "select", "order", "table", "ORDER BY ", "0"}
