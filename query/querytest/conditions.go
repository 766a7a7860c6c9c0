package querytest

import (
	"encoding/json"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// shelf fills the table docs with one row of each kind of oddity.
func (s *subject) shelf() {
	s.Helper()
	s.declare("docs", "id text", "n integer", "m integer", "r real", "t text", "b boolean", "at time", "x bytes", "j json", "f file")
	s.insert("docs",
		query.Row{"id": "a", "n": 1, "m": 1, "r": 1.5, "t": "alpha", "b": true, "at": day(1), "x": []byte{1}, "f": file,
			"j": json.RawMessage(`{"tags":["red","blue"],"size":1,"deep":{"list":[{"k":"v"},2]},"name":"Ada","ok":true,"none":null}`)},
		query.Row{"id": "b", "n": 2, "m": 1, "r": -0.5, "t": "Alpha", "b": false, "at": day(2), "x": []byte{},
			"j": json.RawMessage(`{"tags":[],"size":7.5,"name":"Bob","ok":false}`)},
		query.Row{"id": "c", "n": 3, "m": nil, "r": 0, "t": "a%c_d\\e", "b": nil, "at": day(3), "x": []byte{0, 255},
			"j": json.RawMessage(`["red",1,true,null,["nested"]]`)},
		query.Row{"id": "d", "n": nil, "m": 4, "r": nil, "t": nil, "j": nil},
		query.Row{"id": "e", "n": -5, "m": -5, "r": 1e10, "t": "", "j": json.RawMessage(`"red"`)},
		query.Row{"id": "f", "n": 9, "m": 8, "r": 9, "t": "émile", "j": json.RawMessage(`{"tags":"red","size":"1","name":5}`)},
	)
}

// found are the rows that a condition lets through, one letter each.
func (s *subject) found(e query.Expr) string {
	s.Helper()
	var b strings.Builder
	for _, id := range s.column(query.From("docs").Where(e).Select("id"), "id") {
		b.WriteString(id.(string))
	}
	return b.String()
}

// holdsFor is a condition and the rows that it lets through.
type holdsFor struct {
	expr query.Expr
	rows string
}

func (s *subject) table(list []holdsFor) {
	s.Helper()
	s.shelf()
	for _, c := range list {
		if got := s.found(c.expr); got != c.rows {
			raw, _ := json.Marshal(c.expr)
			s.Errorf("%s lets through %q, want %q", raw, got, c.rows)
		}
	}
}

var conditions = []rule{
	{name: "every comparison", test: func(s *subject) {
		s.table([]holdsFor{
			{query.Eq("n", 2), "b"}, {query.Ne("n", 2), "acef"}, {query.Lt("n", 2), "ae"}, {query.Le("n", 2), "abe"},
			{query.Gt("n", 2), "cf"}, {query.Ge("n", 2), "bcf"}, {query.Eq("r", 0), "c"}, {query.Gt("r", -1), "abcef"}, {query.Le("r", -0.5), "b"},
			{query.Eq("t", "alpha"), "a"}, {query.Gt("t", "a"), "acf"}, {query.Eq("t", ""), "e"},
			{query.Eq("b", true), "a"}, {query.Eq("b", false), "b"}, {query.Gt("b", false), "a"}, {query.Ne("b", true), "b"},
			{query.Ge("at", day(2)), "bc"}, {query.Eq("at", day(1)), "a"}, {query.Lt("at", day(1)), ""},
			{query.Eq("x", []byte{}), "b"}, {query.Eq("x", []byte{0, 255}), "c"}, {query.Ne("x", []byte{1}), "bc"},
			{query.Eq("f", file), "a"}, {query.Eq("id", "c"), "c"},
		})
	}},
	{name: "a comparison with NULL is not true, nor is its opposite", test: func(s *subject) {
		s.table([]holdsFor{
			{query.IsNull("n"), "d"}, {query.NotNull("n"), "abcef"}, {query.Eq("n", nil), "d"},
			{query.Negate(query.Eq("n", 1)), "bcef"}, {query.Negate(query.IsNull("n")), "abcef"},
			{query.Negate(query.Any(query.Eq("n", 1), query.Eq("m", 4))), "bef"},
			{query.Negate(query.All(query.Eq("n", 1), query.Eq("m", 1))), "bcdef"},
			{query.All(query.Negate(query.Eq("m", 1)), query.NotNull("id")), "def"},
			{query.Differs("n", 1), "bcdef"}, {query.Expr{Op: query.Is, Column: "n", Value: 1}, "a"},
			{query.Negate(query.Expr{Op: query.Is, Column: "n", Value: 1}), "bcdef"},
		})
		s.field(errs.Invalid, "n", s.fails(query.From("docs").Where(query.Lt("n", nil))))
	}},
	{name: "and, or and not nest, and of nothing", test: func(s *subject) {
		s.table([]holdsFor{
			{query.All(), "abcdef"}, {query.Any(), ""}, {query.Negate(query.All()), ""}, {query.Negate(query.Any()), "abcdef"},
			{query.Any(query.Eq("n", 1), query.All(query.Gt("n", 1), query.Lt("n", 3)), query.Eq("id", "f")), "abf"},
			{query.All(query.Any(query.Eq("n", 1), query.Eq("n", 2)), query.Negate(query.Eq("id", "a"))), "b"},
			{query.Any(query.Eq("m", 1), query.IsNull("m")), "abc"},
		})
	}},
	{name: "one of several values, and of none", test: func(s *subject) {
		s.table([]holdsFor{
			{query.OneOf("n", 1, 3, 77), "ac"}, {query.OneOf[int]("n"), ""}, {query.Negate(query.OneOf[int]("n")), "abcdef"},
			{query.Negate(query.OneOf("n", 1, 3)), "bef"}, {query.OneOf("t", "alpha", ""), "ae"}, {query.OneOf("id", "a", "a", "f"), "af"},
			{query.OneOf("at", day(1), day(3)), "ac"}, {query.OneOf("b", true, false), "ab"}, {query.OneOf("x", []byte{1}, []byte{}), "ab"},
		})
		var many []string
		for _, row := range numbered(1, 5000) {
			many = append(many, row["id"].(string))
		}
		s.equal(s.found(query.OneOf("id", append(many, "e")...)), "e")
		s.kind(errs.TooLarge, s.fails(query.From("docs").Where(query.OneOf("id", append(many, many...)...))))
		s.field(errs.Invalid, "n", s.fails(query.From("docs").Where(query.OneOf[any]("n", 1, nil))))
	}},
	{name: "patterns: % and _ and what is before them", test: func(s *subject) {
		s.table([]holdsFor{
			{query.Matching("t", "alpha"), "a"}, {query.Matching("t", "al%"), "a"}, {query.Matching("t", "%l%"), "abf"}, {query.Matching("t", "%"), "abcef"},
			{query.Matching("t", "_lpha"), "ab"}, {query.Matching("t", "_____"), "abf"}, {query.Matching("t", ""), "e"},
			{query.Matching("t", `a\%c\_d\\e`), "c"}, {query.Matching("t", `a\%%`), "c"}, {query.Matching("t", `%\\e`), "c"}, {query.Matching("t", `%\e`), "c"},
			{query.Matching("t", `_mile`), "f"}, {query.Negate(query.Matching("t", "a%")), "bef"}, {query.Matching("t", "AL%"), ""},
		})
	}},
	{name: "a text contains another", test: func(s *subject) {
		s.table([]holdsFor{
			{query.Containing("t", "lph"), "ab"}, {query.Containing("t", "%"), "c"}, {query.Containing("t", "_"), "c"}, {query.Containing("t", `\`), "c"},
			{query.Containing("t", "LPH"), ""}, {query.Containing("t", ""), "abcef"}, {query.Containing("t", "é"), "f"}, {query.Negate(query.Containing("t", "l")), "ce"},
		})
	}},
	{name: "a list in JSON contains a value", test: func(s *subject) {
		s.table([]holdsFor{
			{query.Containing("j", "red"), "c"}, {query.Containing("j", 1), "c"}, {query.Containing("j", true), "c"}, {query.Containing("j", "nested"), ""},
			{query.Containing("j", "1"), ""}, {query.Containing("j.tags", "red"), "a"}, {query.Containing("j.tags", "RED"), ""}, {query.Containing("j.deep.list", 2), "a"},
			{query.Negate(query.Containing("j.tags", "red")), "bf"},
		})
	}},
	{name: "paths into JSON", test: func(s *subject) {
		s.table([]holdsFor{
			{query.Eq("j.name", "Ada"), "a"}, {query.Eq("j.name", 5), "f"}, {query.Ne("j.name", "Ada"), "b"}, {query.Gt("j.name", "A"), "ab"},
			{query.Eq("j.size", 1), "a"}, {query.Gt("j.size", 1), "b"}, {query.Eq("j.size", 7.5), "b"}, {query.Eq("j.size", "1"), "f"},
			{query.Eq("j.ok", true), "a"}, {query.Eq("j.ok", false), "b"}, {query.OneOf("j.name", "Ada", "Bob"), "ab"}, {query.Matching("j.name", "B%"), "b"},
			{query.Eq("j.deep.list.0.k", "v"), "a"}, {query.Eq("j.deep.list.1", 2), "a"}, {query.Eq("j.0", "red"), "c"}, {query.Eq("j.1", 1), "c"},
			{query.IsNull("j.none"), "abcdef"}, {query.IsNull("j.size"), "cde"}, {query.NotNull("j.deep.list.0"), "a"}, {query.NotNull("j.3"), ""}, {query.NotNull("j.4"), "c"},
			{query.Negate(query.Eq("j.name", "Ada")), "b"}, {query.Differs("j.name", "Ada"), "bcdef"}, {query.Eq("docs.j.name", "Bob"), "b"},
			{query.Eq("t", query.Col("j.name")), ""}, {query.Eq("n", query.Col("j.size")), "a"}, {query.Lt("n", query.Col("j.size")), "b"},
		})
		s.equal(s.column(query.From("docs").Select("j.name").Where(query.Le("id", "b")), "j.name"), []any{json.RawMessage(`"Ada"`), json.RawMessage(`"Bob"`)})
		s.equal(s.column(query.From("docs").SelectAs("j.none", "x").Where(query.Eq("id", "a")), "x"), []any{nil})
		s.field(errs.Invalid, "j.a..b", s.fails(query.From("docs").Where(query.Eq("j.a..b", 1))))
		s.field(errs.Invalid, `j."x`, s.fails(query.From("docs").Select(`j."x`)))
		s.field(errs.Invalid, "j.size", s.fails(query.From("docs").OrderBy("j.size")))
		s.field(errs.Invalid, "j", s.fails(query.From("docs").Where(query.Eq("j", "red"))))
	}},
	{name: "a column is compared with another", test: func(s *subject) {
		s.table([]holdsFor{
			{query.Eq("n", query.Col("m")), "ae"}, {query.Gt("n", query.Col("m")), "bf"}, {query.Ne("n", query.Col("m")), "bf"},
			{query.Lt("n", query.Col("r")), "ae"}, {query.Eq("n", query.Col("r")), "f"}, {query.Eq("docs.n", query.Col("docs.n")), "abcef"},
			{query.Expr{Op: query.IsNot, Column: "n", Other: "m"}, "bcdf"}, {query.Expr{Op: query.Is, Column: "t", Other: "t"}, "abcdef"},
		})
		s.field(errs.Invalid, "n", s.fails(query.From("docs").Where(query.Eq("n", query.Col("t")))))
	}},
	{name: "a value of another type is refused and its column named", test: func(s *subject) {
		s.shelf()
		for _, e := range []query.Expr{query.Eq("n", "x"), query.Gt("n", 1.5), query.Lt("n", true), query.Matching("n", "1%"), query.Containing("n", 1), query.OneOf[any]("n", "a")} {
			s.field(errs.Invalid, "n", s.fails(query.From("docs").Where(e)))
		}
		s.field(errs.Invalid, "f", s.fails(query.From("docs").Where(query.Gt("f", file))))
		s.field(errs.Invalid, "x", s.fails(query.From("docs").Where(query.Lt("x", []byte{1}))))
		s.field(errs.Invalid, "n", s.fails(query.From("docs").Where(query.Expr{Op: "~", Column: "n", Value: 1})))
	}},
}
