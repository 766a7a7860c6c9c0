package querytest

import (
	"encoding/json"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var changing = []rule{
	{name: "an update returns the keys of the rows it changed", test: func(s *subject) {
		s.insert("docs", numbered(1, 10)...)
		r := s.do(query.Change("docs").Set("y", 7).Set("n", nil).Where(query.Gt("n", 5), query.Eq("y", 1)))
		s.equal(r.IDs, []string{"00006", "00008", "00010"})
		s.equal(s.column(query.From("docs").Where(query.Eq("y", 7)), "n"), []any{nil, nil, nil})
		s.equal(s.column(query.From("docs").Where(query.Ne("y", 7)), "n"), ints(1, 2, 3, 4, 5, 7, 9))
	}},
	{name: "a change that finds no row returns none", test: func(s *subject) {
		s.insert("docs", numbered(1, 3)...)
		s.equal(s.do(query.Change("docs").Set("y", 7).Where(query.Gt("n", 100))).IDs, []string{})
		s.equal(s.do(query.Remove("docs").Where(query.Any())).IDs, []string{})
		s.equal(s.count("docs"), 3)
	}},
	{name: "a delete returns the keys of the rows it removed", test: func(s *subject) {
		s.insert("docs", numbered(1, 10)...)
		s.equal(s.do(query.Remove("docs").Where(query.Le("n", 2))).IDs, []string{"00001", "00002"})
		s.equal(s.count("docs"), 8)
		s.insert("docs", query.Row{"id": "00001", "n": 1})
		s.equal(s.count("docs"), 9)
	}},
	{name: "integer keys are returned in the order of numbers", test: func(s *subject) {
		s.insert("docs", query.Row{"id": 10, "n": 1}, query.Row{"id": 9, "n": 1}, query.Row{"id": -1, "n": 1})
		s.equal(s.do(query.Change("docs").Set("n", 2).All()).IDs, []string{"-1", "9", "10"})
		s.equal(s.do(query.Remove("docs").All()).IDs, []string{"-1", "9", "10"})
	}},
	{name: "every row is changed only when that is said", test: func(s *subject) {
		s.insert("docs", numbered(1, 3)...)
		s.field(errs.Invalid, "where", s.fails(query.Change("docs").Set("y", 7)))
		s.field(errs.Invalid, "where", s.fails(query.Remove("docs")))
		s.field(errs.Invalid, "where", s.fails(query.Remove("docs").All().Where(query.Eq("n", 1))))
		s.equal(len(s.do(query.Change("docs").Set("y", 7).All()).IDs), 3)
		s.equal(len(s.do(query.Remove("docs").All()).IDs), 3)
	}},
	{name: "what cannot be set is named", test: func(s *subject) {
		s.insert("docs", numbered(1, 3)...)
		where := query.Eq("n", 1)
		s.field(errs.Invalid, "set.id", s.fails(query.Change("docs").Set("id", "x").Where(where)))
		s.field(errs.Invalid, "set.z", s.fails(query.Change("docs").Set("z", 1).Where(where)))
		s.field(errs.Invalid, "set.n", s.fails(query.Change("docs").Set("n", "x").Where(where)))
		s.field(errs.Invalid, "set", s.fails(query.Change("docs").Where(where)))
		s.kind(errs.NotFound, s.fails(query.Change("nothing").Set("n", 1).All()))
		s.kind(errs.NotFound, s.fails(query.Remove("nothing").All()))
	}},
	{name: "a condition of any kind chooses what is changed", test: func(s *subject) {
		s.shelf()
		for i, c := range []holdsFor{
			{query.Eq("j.name", "Ada"), "a"}, {query.Containing("j", "red"), "c"}, {query.Eq("n", query.Col("m")), "ae"},
			{query.Negate(query.OneOf("id", "a", "b")), "cdef"}, {query.Matching("t", `a\%%`), "c"}, {query.IsNull("n"), "d"}, {query.Eq("docs.n", 2), "b"},
		} {
			ids := ""
			for _, id := range s.do(query.Change("docs").Set("f", file2).Set("j", json.RawMessage(`{"name":"Ada"}`)).Where(c.expr)).IDs {
				ids += id
			}
			s.equal([]any{i, ids}, []any{i, c.rows})
			s.do(query.Remove("docs").All())
			s.must(s.db.DropTable(s.ctx, "docs"))
			s.shelf()
		}
	}},
	{name: "a column that is set may be in the condition", test: func(s *subject) {
		s.insert("docs", numbered(1, 6)...)
		s.equal(len(s.do(query.Change("docs").Set("n", 5).Where(query.Lt("n", 5))).IDs), 4)
		s.equal(s.column(query.From("docs"), "n"), ints(5, 5, 5, 5, 5, 6))
	}},
}
