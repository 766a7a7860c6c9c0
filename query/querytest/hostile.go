package querytest

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// attacks end a literal or a name of one language or another, and go on.
var attacks = []string{
	"'; DROP TABLE docs; --", `"; DROP TABLE docs; --`, "`; DROP TABLE docs; --", "') OR 1=1 --", `\'; DROP TABLE docs; --`, "1; DELETE FROM docs", "$1", "?", "?1", ":a", "@a",
	"$$; DROP TABLE docs; $$", "/* */", "{{now}}", "%s%d%n", "${x}", "x') UNION SELECT 1 --", "\\", "\\\\'", "'||(SELECT 1)||'", "[a]", "docs; --", "a\u2028b", "ʼ; DROP TABLE docs",
}

var hostile = []rule{
	{name: "what is in a value stays in it", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "first", "t": "untouched", "j": map[string]any{"k": "v"}})
		for _, a := range attacks {
			s.insert("docs", query.Row{"id": a, "t": a, "j": map[string]any{"k": a}})
			for _, e := range []query.Expr{query.Eq("t", a), query.Eq("id", a), query.OneOf("t", a), query.Containing("t", a), query.Eq("j.k", a)} {
				ids := s.column(query.From("docs").Where(e, query.Eq("id", a)), "id")
				s.equal(ids, []any{a})
			}
			s.equal(s.do(query.Change("docs").Set("t", a+a).Where(query.Eq("id", a))).IDs, []string{a})
			s.equal(s.do(query.Remove("docs").Where(query.Eq("t", a+a))).IDs, []string{a})
		}
		s.equal(s.column(query.From("docs"), "t"), []any{"untouched"})
	}},
	{name: "what is in a name stays in it", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "first", "t": "untouched"})
		for _, a := range attacks {
			if query.CheckName("name", a) != nil {
				s.Fatalf("%q is no name", a)
			}
			table := a + "t"
			s.insert(table, query.Row{a: 1, "id": "a"}, query.Row{a: 2, "id": "b"})
			s.equal(s.rows(query.From(table).Where(query.Gt(a, 1)).OrderBy(query.Order{Column: a}.Column).SelectAs(a, a+"x")), []query.Row{{a + "x": int64(2)}})
			s.equal(s.do(query.Change(table).Set(a, 3).Where(query.Eq(a, 1))).IDs, []string{"a"})
			s.equal(len(s.rows(query.From(table).As(a).Select(a+"."+a).Where(query.Eq(a+"."+a, 3)))), 1)
			s.equal(s.do(query.Remove(table).Where(query.Eq(a, 3))).IDs, []string{"a"})
			s.must(s.db.DropTable(s.ctx, table))
		}
		s.equal(s.column(query.From("docs"), "t"), []any{"untouched"})
	}},
	{name: "what is in a path stays in it", test: func(s *subject) {
		for _, part := range []string{"a'b", "a b", "$", "$.k", "[0]", "*", "%", "a-b", "ä", "0", "?", "@", "#-1", "last", "it''s", "{}", "a:b", "k)--"} {
			s.insert("docs", query.Row{"id": part, "j": map[string]any{"x": map[string]any{part: part}}})
			if part == "$.k" {
				continue // a dot goes one down
			}
			s.equal(s.column(query.From("docs").Where(query.Eq("j.x."+part, part)), "id"), []any{part})
		}
		s.equal(len(s.rows(query.From("docs").Where(query.NotNull("j.x.*")))), 1)
		s.equal(len(s.rows(query.From("docs").Where(query.NotNull("j.*")))), 0)
	}},
	{name: "what no table can be called is not there", test: func(s *subject) {
		for _, name := range []string{"\u2028", "😀", strings.Repeat("x", 5000)} {
			s.insert("docs", query.Row{"n": 1})
			s.kind(errs.NotFound, s.fails(query.From(name)))
			s.kind(errs.NotFound, s.fails(query.From("docs").Join(name, "id", "id")))
			s.kind(errs.NotFound, s.fails(query.Remove(name).All()))
		}
	}},
	{name: "an answer has so many columns and no more", test: func(s *subject) {
		s.insert("docs", query.Row{"id": "a", "n": 1})
		q := query.From("docs")
		for i := range 1600 {
			q = q.SelectAs("n", fmt.Sprintf("n%d", i))
		}
		s.equal(len(s.rows(q)[0]), 1600)
		s.field(errs.TooLarge, "columns", s.fails(q.Select("n")))
		s.field(errs.Invalid, "n7", s.fails(query.From("docs").SelectAs("n", "n7").SelectAs("id", "n7")))
	}},
	{name: "a comparison is one of those that there are", test: func(s *subject) {
		s.insert("docs", query.Row{"n": 1})
		for _, op := range []query.Op{"", "= 1 OR 1 =", "==", "LIKE", "; --", "between", "and 1"} {
			s.field(errs.Invalid, "n", s.fails(query.From("docs").Where(query.Expr{Op: op, Column: "n", Value: 1})))
		}
	}},
}
