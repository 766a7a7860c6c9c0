package statetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

func schema(columns ...state.Column) state.Schema {
	return state.Schema{Name: "things", Key: []string{columns[0].Name}, Columns: columns}
}

func col(name string, t state.Type, was ...string) state.Column {
	return state.Column{Name: name, Type: t, Was: was}
}

var declarations = []rule{
	{"a declaration can be repeated", func(s *subject) {
		a := s.todos()
		s.append(a, "a", nil)
		b := s.todos()
		s.equal(b.Table(), a.Table())
		s.equal(column(s.all(state.Query{}, b.All), "id"), []any{"a"})
		tables, err := s.db.Tables(s.ctx)
		s.must(err)
		s.equal(len(tables), 1)
		s.equal(tables[0].Schema, todos)
	}},
	{"tables are listed by name and opened without regard to case", func(s *subject) {
		for _, name := range []string{"zoo", "Apple", "mango"} {
			schema := todos
			schema.Name = name
			s.declare(schema)
		}
		tables, err := s.db.Tables(s.ctx)
		s.must(err)
		var names []string
		for _, t := range tables {
			names = append(names, t.Name)
		}
		s.equal(names, []string{"Apple", "mango", "zoo"})
		r, err := s.db.Open(s.ctx, "APPLE")
		s.must(err)
		s.append(r, "a", nil)
		_, err = s.db.Open(s.ctx, "pear")
		s.field(errs.NotFound, "table", err)
		schema := todos
		schema.Name = "aPPLE"
		s.equal(column(s.all(state.Query{}, s.declare(schema).All), "id"), []any{"a"})
	}},
	{"two programs on one database know each other's tables", func(s *subject) {
		mine := s.todos()
		other := state.NewService(s.store, state.Options{})
		theirs, err := other.Declare(s.ctx, files)
		s.must(err)
		s.rec(theirs.Append(s.ctx, state.Row{"user_id": "u", "path": "p", "n": 1}))
		seen, err := other.Open(s.ctx, "todos")
		s.must(err)
		want := s.append(mine, "a", nil)
		s.equal(s.rec(seen.Latest(s.ctx, "a")), want)
		s.must(s.db.Clear(s.ctx)) // theirs too, which this service never opened
		has, err := theirs.Contains(s.ctx, "u", "p", 1)
		s.must(err)
		s.equal(has, false)
		s.rec(theirs.Append(s.ctx, state.Row{"user_id": "u", "path": "p", "n": 1}))
	}},
	{"words of SQL are names like others", func(s *subject) {
		words := []string{"order", "group", "select", "table", "user", "index", "values", "null", "rowid", "oid", "ctid", "xmin", "tableoid", "limit", "default", "primary", "seq", "entity", "log", "version"}
		columns := []state.Column{col("key", state.Text)}
		for _, w := range words {
			columns = append(columns, col(w, state.Integer))
		}
		for _, name := range []string{"order", "group", "select", "table", "varvelog", "log", "entity", "sqlite_master", "pg_class", "t" + strings.Repeat("x", 47)} {
			r := s.declare(state.Schema{Name: name, Key: []string{"key"}, Columns: columns})
			row := state.Row{"key": "a"}
			for i, w := range words {
				row[w] = int64(i)
			}
			s.rec(r.Append(s.ctx, row))
			s.equal(s.rec(r.Latest(s.ctx, "a")).Row, row)
			p, err := r.All(s.ctx, state.Query{Where: where("order", state.Equal, 0), Order: []state.Order{{Column: "group"}, {Column: "rowid"}}})
			s.must(err)
			s.equal(len(p.Data), 1)
		}
	}},
	{"what is no name is refused", func(s *subject) {
		for _, name := range []string{"", "1a", "_a", "a b", "a;b", `a"b`, "a'b", "a.b", "ä", "a\x00", "varve_x", "Varve_x", "a" + strings.Repeat("x", 48), "a-b", "a\nb"} {
			schema := todos
			schema.Name = name
			_, err := s.db.Declare(s.ctx, schema)
			s.kind(errs.Invalid, err)
			schema = todos
			schema.Columns = append(slices.Clone(todos.Columns), col(name, state.Text))
			_, err = s.db.Declare(s.ctx, schema)
			s.kind(errs.Invalid, err)
		}
	}},
	{"a declaration that contradicts itself is refused", func(s *subject) {
		for _, bad := range []state.Schema{
			schema(col("a", "varchar")), schema(col("a", state.Text), col("A", state.Text)), schema(col("a", state.Real)), schema(col("a", state.JSON)),
			{Name: "things", Columns: []state.Column{col("a", state.Text)}}, {Name: "things", Key: []string{"b"}, Columns: []state.Column{col("a", state.Text)}},
			{Name: "things", Key: []string{"a", "a"}, Columns: []state.Column{col("a", state.Text)}}, {Name: "things", Key: []string{"a"}, Owner: "b", Columns: []state.Column{col("a", state.Text), col("b", state.Integer)}},
			{Name: "things", Key: []string{"a"}},
		} {
			_, err := s.db.Declare(s.ctx, bad)
			s.kind(errs.Invalid, err)
		}
	}},
	{"columns are added while an older program goes on", func(s *subject) {
		older := s.declare(schema(col("id", state.Text), col("a", state.Integer)))
		s.append(older, "1", state.Row{"a": 1})
		newer := s.declare(schema(col("id", state.Text), col("a", state.Integer), col("b", state.JSON)))
		s.append(newer, "2", state.Row{"a": 2, "b": []int{2}})
		s.append(older, "3", state.Row{"a": 3})
		s.rec(older.Update(s.ctx, state.Row{"id": "2", "a": 22}))
		got := s.all(state.Query{Order: []state.Order{{Column: "id"}}}, newer.All)
		s.equal(column(got, "a"), []any{int64(1), int64(22), int64(3)})
		s.equal(column(got, "b"), []any{nil, json.RawMessage(`[2]`), nil})
		again := s.declare(schema(col("id", state.Text), col("a", state.Integer))) // the older program starts again
		s.equal(again.Table(), newer.Table())
	}},
	{"a column is renamed while an older program goes on", func(s *subject) {
		older := s.declare(schema(col("id", state.Text), col("text", state.Text)))
		first := s.append(older, "1", state.Row{"text": "x"})
		newer := s.declare(schema(col("id", state.Text), col("body", state.Text, "text")))
		s.equal(s.rec(newer.Latest(s.ctx, "1")).Row, state.Row{"id": "1", "body": "x"})
		s.append(newer, "2", state.Row{"body": "y"})
		s.append(older, "3", state.Row{"text": "z"})
		s.rec(older.Update(s.ctx, state.Row{"id": "2", "text": "yy"}))
		s.equal(column(s.all(state.Query{Order: []state.Order{{Column: "id"}}}, newer.All), "body"), []any{"x", "yy", "z"})
		s.equal(s.rec(newer.AsOf(state.AtPosition(first.Seq)).Latest(s.ctx, "1")).Row["body"], "x")
		s.equal(column(s.all(state.Query{Where: where("text", state.Equal, "z")}, newer.All), "id"), []any{"3"})
		again := s.declare(schema(col("id", state.Text), col("text", state.Text)))
		s.equal(again.Table(), newer.Table())
		taken := s.declare(schema(col("id", state.Text), col("body", state.Text), col("other", state.Text, "x")))
		s.equal(len(taken.Table().Columns), 3)
	}},
	{"a renamed key and owner are found", func(s *subject) {
		older := s.todos()
		s.append(older, "a", state.Row{"user_id": "ada"})
		renamed := state.Schema{Name: "todos", Key: []string{"name"}, Owner: "owner", Columns: []state.Column{col("name", state.Text, "id"), col("owner", state.Text, "user_id")}}
		newer := s.declare(renamed)
		s.equal(s.rec(newer.As("ada").Latest(s.ctx, "a")).Row["owner"], "ada")
		s.append(older, "b", state.Row{"user_id": "bob"})
		_, err := older.As("ada").Update(s.ctx, state.Row{"id": "b"})
		s.kind(errs.NotFound, err)
		_, err = older.As("bob").Update(s.ctx, state.Row{"id": "b", "user_id": "ada"})
		s.kind(errs.Forbidden, err)
		s.equal(column(s.all(state.Query{}, newer.As("bob").All), "name"), []any{"b"})
	}},
	{"a column is widened while an older program goes on", func(s *subject) {
		older := s.declare(schema(col("id", state.Text), col("a", state.Integer), col("b", state.Integer)))
		for i := range 3 {
			s.append(older, fmt.Sprint(i), state.Row{"a": 10 * i, "b": 10 * i})
		}
		head, err := older.Head(s.ctx)
		s.must(err)
		newer := s.declare(schema(col("id", state.Text), col("a", state.Text), col("b", state.Real)))
		s.append(newer, "3", state.Row{"a": "word", "b": 5.5})
		s.append(older, "4", state.Row{"a": 40, "b": 40})
		s.rec(newer.Update(s.ctx, state.Row{"id": "1", "a": nil, "b": nil}))
		s.rec(older.Update(s.ctx, state.Row{"id": "2", "a": 21}))
		got := s.all(state.Query{Order: []state.Order{{Column: "id"}}}, newer.All)
		s.equal(column(got, "a"), []any{"0", nil, "21", "word", "40"})
		s.equal(column(got, "b"), []any{0.0, nil, 20.0, 5.5, 40.0})
		s.equal(column(s.all(state.Query{Order: []state.Order{{Column: "a"}}}, newer.All), "a"), []any{"0", "21", "40", "word", nil})
		s.equal(column(s.all(state.Query{Order: []state.Order{{Column: "b", Descending: true}}}, newer.All), "b"), []any{nil, 40.0, 20.0, 5.5, 0.0})
		s.equal(column(s.all(state.Query{Where: where("a", state.Equal, "0")}, newer.All), "id"), []any{"0"})
		s.equal(column(s.all(state.Query{Where: where("b", state.GreaterEqual, 5.5)}, newer.All), "id"), []any{"2", "3", "4"})
		s.equal(column(s.all(state.Query{Order: []state.Order{{Column: "id"}}}, viewed(newer.AsOf(state.AtPosition(head.Seq)))), "a"), []any{"0", "10", "20"})
		again := s.declare(schema(col("id", state.Text), col("a", state.Integer), col("b", state.Integer)))
		s.equal(again.Table(), newer.Table())
	}},
	{"a change that cannot be is a conflict and names the column", func(s *subject) {
		s.declare(schema(col("id", state.Integer), col("a", state.Text), col("b", state.Real)))
		for field, bad := range map[string]state.Schema{
			"a":  schema(col("id", state.Integer), col("a", state.Integer)),
			"b":  schema(col("id", state.Integer), col("b", state.Boolean)),
			"id": schema(col("id", state.Text)),
		} {
			_, err := s.db.Declare(s.ctx, bad)
			if field == "a" { // a table that is ahead takes an older declaration
				s.must(err)
				continue
			}
			s.field(errs.Conflict, field, err)
		}
		_, err := s.db.Declare(s.ctx, schema(col("a", state.Text), col("id", state.Integer)))
		s.field(errs.Conflict, "key", err)
		owned := schema(col("id", state.Integer), col("a", state.Text))
		owned.Owner = "a"
		_, err = s.db.Declare(s.ctx, owned)
		s.field(errs.Conflict, "owner", err)
	}},
}
