package querytest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var tables = []rule{
	{name: "a table is made once", test: func(s *subject) {
		made := s.declare("docs", "key text", "b integer", "a text")
		s.equal(kinds(made), map[string]string{"key": "text", "a": "text", "b": "integer", query.Fold: "text"})
		s.equal([]any{made.Name, made.Key, made.Created, made.Columns[0].Required, made.Columns[1].Name}, []any{"docs", "key", true, true, "b"})
		s.insert("docs", query.Row{"key": "x"})
		again := s.declare("docs", "key text", "a text", "b integer")
		s.equal(again, made)
		s.equal(s.count("docs"), 1)
		_, err := s.db.CreateTable(s.ctx, query.Table{Name: "docs", Key: "key", Columns: []query.Column{{Name: "key", Type: typed("text")}, {Name: "a", Type: typed("real")}, {Name: "b", Type: typed("integer")}}})
		s.field(errs.Exists, "a", err)
		_, err = s.db.CreateTable(s.ctx, query.Table{Name: "docs", Key: "key", Columns: []query.Column{{Name: "key", Type: typed("text")}, {Name: "a", Type: typed("text")}}})
		s.field(errs.Exists, "b", err)
		_, err = s.db.CreateTable(s.ctx, query.Table{Name: "docs", Key: "a", Columns: made.Columns})
		s.kind(errs.Exists, err)
	}},
	{name: "tables are listed in the order of their names", test: func(s *subject) {
		for _, name := range []string{"b", "a", "Z", "é"} {
			s.declare(name, "id text")
		}
		list, err := s.db.Tables(s.ctx)
		s.must(err)
		var own []string
		for i, t := range list {
			if i > 0 && list[i-1].Name >= t.Name {
				s.Errorf("%q comes after %q", t.Name, list[i-1].Name)
			}
			if strings.HasPrefix(t.Name, "varve_") {
				s.Errorf("%q is Varve's own", t.Name)
			}
			if t.Reserved == "" {
				own = append(own, t.Name)
			}
		}
		s.equal(own, []string{"Z", "a", "b", "é"})
	}},
	{name: "every type is described as it was declared", test: func(s *subject) {
		columns := []string{"id integer"}
		for typ := range extremes {
			columns = append(columns, typ+" "+typ)
		}
		columns = append(columns, "long vector[4096]", "deep tensor[f32:2,3,4,5]")
		made := s.declare("docs", columns...)
		for _, c := range columns {
			name := c[:strings.LastIndexByte(c, ' ')]
			s.equal(made.Columns[made.Index(name)].Type.String(), c[strings.LastIndexByte(c, ' ')+1:])
		}
		found, err := s.db.Describe(s.ctx, "docs")
		s.must(err)
		s.equal(found, made)
	}},
	{name: "no table has a name that is no text", test: func(s *subject) {
		for _, name := range []string{"\xff", "a\x00"} {
			_, err := s.db.Describe(s.ctx, name)
			s.kind(errs.NotFound, err)
			s.kind(errs.NotFound, s.db.DropTable(s.ctx, name))
		}
	}},
	{name: "a table is dropped with its rows", test: func(s *subject) {
		s.insert("docs", query.Row{"a": 1})
		s.must(s.db.DropTable(s.ctx, "docs"))
		s.kind(errs.NotFound, s.db.DropTable(s.ctx, "docs"))
		s.kind(errs.NotFound, s.fails(query.From("docs")))
		s.insert("docs", query.Row{"a": "now a text"})
		s.equal(s.column(query.From("docs"), "a"), []any{"now a text"})
	}},
	{name: "a table that is made again has the types that it has then, however often it was asked before", test: func(s *subject) {
		for i, v := range []any{int64(1), "a text", 0.5, true, int64(7)} {
			for n := range 8 {
				s.insert("docs", query.Row{"id": fmt.Sprint(n), "a": v})
				s.equal(s.column(query.From("docs").Where(query.Eq("a", v), query.Eq("id", fmt.Sprint(n))), "a"), []any{v})
				s.equal(s.do(query.Change("docs").Set("a", v).Where(query.Eq("a", v), query.Eq("id", fmt.Sprint(n)))).IDs, []string{fmt.Sprint(n)})
			}
			s.equal(len(s.do(query.Remove("docs").Where(query.Eq("a", v))).IDs), 8)
			s.must(s.db.DropTable(s.ctx, "docs"))
			key := any(i) // and the key too
			if i%2 == 0 {
				key = fmt.Sprint(i)
			}
			for range 4 {
				s.insert("keys", query.Row{"id": key, "n": 1})
				s.equal(s.do(query.Change("keys").Set("n", 2).Where(query.Eq("id", key))).IDs, []string{fmt.Sprint(key)})
				s.equal(s.do(query.Remove("keys").All()).IDs, []string{fmt.Sprint(key)})
			}
			s.must(s.db.DropTable(s.ctx, "keys"))
		}
	}},
	{name: "names that are taken are refused", test: func(s *subject) {
		for _, name := range []string{"", "varve_x", "VARVE_X", "sqlite_x", "pg_x", " a", "a ", "a\x00b", "a\nb", "🙂", "\xff", strings.Repeat("n", query.MaxName+1)} {
			_, err := s.db.CreateTable(s.ctx, query.Table{Name: name, Key: "id", Columns: []query.Column{{Name: "id", Type: typed("text")}}})
			s.field(errs.Invalid, "table", err)
			s.kind(errs.Invalid, s.fails(query.Into("docs").Rows(query.Row{name + "": 1, "b": 2})))
		}
		for _, name := range []string{"threads", "Steps", "USERS", "elements", "feedbacks"} {
			s.field(errs.Invalid, "table", errors.Join(s.create(name)))
		}
		s.declare(strings.Repeat("ä", query.MaxName/2), "id text", strings.Repeat("n", query.MaxName)+" text")
		s.insert("docs", query.Row{"a": 1})
		s.field(errs.Exists, "table", s.create("DOCS"))
		s.kind(errs.NotFound, s.fails(query.Into("Docs").Rows(query.Row{"a": 1})))
		s.field(errs.Invalid, "a", s.fails(query.Into("case").Rows(query.Row{"A": 1, "a": 2})))
	}},
	{name: "what is no table is refused", test: func(s *subject) {
		id := query.Column{Name: "id", Type: typed("text")}
		for field, t := range map[string]query.Table{
			"columns": {Name: "t", Key: "id"},
			"key":     {Name: "t", Key: "x", Columns: []query.Column{id}},
			"x":       {Name: "t", Key: "id", Columns: []query.Column{id, {Name: "x"}}},
			"v":       {Name: "t", Key: "id", Columns: []query.Column{id, {Name: "v", Type: query.Type{Kind: query.Vector}}}},
		} {
			_, err := s.db.CreateTable(s.ctx, t)
			if field == "columns" {
				field = "key" // _fold alone is left
			}
			s.field(errs.Invalid, field, err)
		}
		_, err := s.db.CreateTable(s.ctx, query.Table{Name: "t", Key: "r", Columns: []query.Column{{Name: "r", Type: typed("real")}}})
		s.field(errs.Invalid, "key", err)
	}},
	{name: "a table of many columns", test: func(s *subject) {
		n := 200
		if most := s.db.Features().MaxColumns; most > 0 {
			columns := []string{"id text"}
			for i := range most {
				columns = append(columns, fmt.Sprintf("c%d integer", i))
			}
			t := query.Table{Name: "wide", Key: "id"}
			for _, c := range columns {
				name, _, _ := strings.Cut(c, " ")
				t.Columns = append(t.Columns, query.Column{Name: name, Type: typed("text")})
			}
			_, err := s.db.CreateTable(s.ctx, t)
			s.field(errs.TooLarge, "columns", err)
			n = min(n, most-2)
		}
		row := query.Row{"id": "a"}
		for i := range n {
			row[fmt.Sprintf("c%03d", i)] = i
		}
		s.insert("docs", row)
		got := s.rows(query.From("docs"))[0]
		for i := range n {
			s.equal(got[fmt.Sprintf("c%03d", i)], int64(i))
		}
	}},
}

func (s *subject) create(name string) error {
	_, err := s.db.CreateTable(s.ctx, query.Table{Name: name, Key: "id", Columns: []query.Column{{Name: "id", Type: typed("text")}}})
	return err
}
