package querytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

var tableNames = []string{"docs", "Odd `\"names", "numbers"}

// shapes are what the tables of histories are declared as, one after another.
var shapes = map[string][]query.Table{
	"docs": {
		{Name: "docs", Key: "id", Columns: columns("id text", "n integer", "m integer", "r real", "t text", "u text", "b boolean", "at time", "x bytes", "j json", "f file", "v vector[2]")},
		{Name: "docs", Key: "id", Columns: columns("id text", "n real", "t text", "j json")},
	},
	"Odd `\"names": {{Name: "Odd `\"names", Key: "the key", Columns: columns("the key text", "select integer", "a.b text", "'; -- real")}},
	"numbers":      {{Name: "numbers", Key: "n", Columns: columns("n integer", "half real", "docs text")}},
}

func columns(list ...string) []query.Column {
	var out []query.Column
	for _, c := range list {
		i := len(c) - 1
		for c[i] != ' ' {
			i--
		}
		out = append(out, query.Column{Name: c[:i], Type: typed(c[i+1:])})
	}
	return out
}

// gen makes calls. Most of them can succeed: a history of refusals shows
// little.
type gen struct {
	*rand.Rand
}

func newHistory(seed uint64, length int) history {
	g := &gen{rand.New(rand.NewPCG(seed, 11))}
	h := history{g.declare("docs", 0), g.declare(tableNames[1], 0), g.declare("numbers", 0)}
	for range length {
		h = append(h, g.call())
	}
	return h
}

func (g *gen) call() call {
	switch n := g.IntN(100); {
	case n < 2:
		return g.drop()
	case n < 8:
		return g.transaction()
	}
	return asking(g.question())
}

func asking(q query.Question) call {
	return call{shown(q), func(ctx context.Context, s *side) (any, error) { return execute(ctx, s.db, q) }}
}

func shown(q query.Question) string {
	raw, err := json.Marshal(q.Query())
	if err != nil {
		return fmt.Sprintf("%+v", q)
	}
	return string(raw)
}

func (g *gen) question() query.Question {
	name, shape := g.table()
	switch g.IntN(10) {
	case 0, 1, 2:
		return g.insert(name, shape)
	case 3:
		return g.change(name, shape)
	case 4:
		if g.IntN(3) == 0 {
			return query.Remove(name).Where(g.where(shape, "", 0))
		}
	case 5:
		return g.join()
	}
	return g.selection(name, shape)
}

func one[T any](g *gen, of ...T) T { return of[g.IntN(len(of))] }

func (g *gen) table() (string, query.Table) {
	name := one(g, "docs", "docs", "docs", tableNames[1], "numbers")
	return name, shapes[name][g.IntN(40)/39%len(shapes[name])]
}

func (g *gen) declare(name string, shape int) call {
	t := shapes[name][shape]
	return call{fmt.Sprintf("declare %q %d", name, shape), func(ctx context.Context, s *side) (any, error) { return s.db.CreateTable(ctx, t) }}
}

// drop drops a table and declares it, or another.
func (g *gen) drop() call {
	name := one(g, tableNames...)
	again := g.declare(name, g.IntN(len(shapes[name])))
	return call{"drop, and " + again.what, func(ctx context.Context, s *side) (any, error) {
		err := s.db.DropTable(ctx, name)
		made, failed := again.do(ctx, s)
		return []any{made, failed == nil}, err
	}}
}

// transaction asks several questions in one, which may fail at its end. Where
// one side has none, nothing is asked of either.
func (g *gen) transaction() call {
	fail := g.IntN(3) == 0
	var qs []query.Question
	what := fmt.Sprintf("in a transaction that fails: %v", fail)
	for range 2 + g.IntN(3) {
		qs = append(qs, g.question())
		what += "\n      " + shown(qs[len(qs)-1])
	}
	return call{what, func(ctx context.Context, s *side) (any, error) {
		if !s.transactions {
			return nil, nil
		}
		var out []any
		err := s.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			out = nil
			for _, q := range qs {
				got, err := execute(ctx, s.db.In(tx.Query()), q)
				if err != nil {
					got = failure(err)
				}
				out = append(out, got)
			}
			if fail {
				return errNo
			}
			return nil
		})
		if fail && errors.Is(err, errNo) {
			err = nil
		}
		return out, err
	}}
}

// value is one of a few of a column's, so that some are equal.
func (g *gen) value(c query.Column, null bool) any {
	if null && g.IntN(5) == 0 {
		return nil
	}
	switch c.Type.Kind {
	case query.Text:
		return one(g, "", "a", "A", "b", "é", "a%", "a_c", "abc", `x\y`, "🙂", "a ", "0")
	case query.Integer:
		return one(g, 0, 1, 2, 3, -1, 7, 1<<40)
	case query.Real:
		return one(g, 0.0, 1.0, 0.5, -1.5, 3.0, 1e-9)
	case query.Boolean:
		return g.IntN(2) == 0
	case query.Time:
		return day(g.IntN(4) - 20000*g.IntN(2))
	case query.Bytes:
		return one(g, []byte{}, []byte{0}, []byte("a"), []byte{255, 0})
	case query.JSON:
		return json.RawMessage(one(g, `{}`, `[]`, `"a"`, `1`, `{"k":"a","l":[1,"a",true],"n":1.5}`, `{"k":2,"o":{"p":null,"q":"b"}}`, `["a",{"k":"b"}]`, `{"k":true,"l":"a","n":3}`, `{"k":"b"}`))
	case query.File:
		return one(g, file, file2)
	}
	return one(g, []float32{0, 1}, []float32{-1, 0.5})
}

func (g *gen) insert(name string, t query.Table) query.Question {
	rows := make([]query.Row, 1+g.IntN(3))
	for i := range rows {
		rows[i] = query.Row{query.Fold: one(g, query.FoldTrain, query.FoldValid)}
		for _, c := range t.Columns {
			if c.Name == t.Key || g.IntN(3) > 0 {
				rows[i][c.Name] = g.value(c, c.Name != t.Key)
			}
		}
		if key := t.Columns[0]; key.Type.Kind == query.Text {
			rows[i][t.Key] = fmt.Sprintf("%v%d", rows[i][t.Key], g.IntN(6))
		} else {
			rows[i][t.Key] = g.IntN(30) - 5
		}
	}
	if g.IntN(30) == 0 {
		rows[len(rows)-1]["no such"] = 1
	}
	return query.Into(name).Rows(rows...).Strict()
}

func (g *gen) change(name string, t query.Table) query.Question {
	a := query.Change(name)
	for range 1 + g.IntN(2) {
		c := t.Columns[1+g.IntN(len(t.Columns)-1)]
		a = a.Set(c.Name, g.value(c, true))
	}
	if g.IntN(10) == 0 {
		return a.All()
	}
	return a.Where(g.where(t, "", 0))
}

func (g *gen) selection(name string, t query.Table) query.Question {
	s := query.From(name)
	for range g.IntN(3) {
		s = s.Where(g.where(t, "", 0))
	}
	s = g.ordered(s, t, "")
	if g.IntN(4) == 0 {
		s = s.Limit(1 + g.IntN(5))
	}
	if g.IntN(6) == 0 {
		s = s.Offset(g.IntN(5))
	}
	if g.IntN(3) == 0 {
		s = s.SelectAs(one(g, t.Columns...).Name, "x")
	}
	return s
}

func (g *gen) ordered(s query.Selection, t query.Table, prefix string) query.Selection {
	for range g.IntN(3) {
		if c := one(g, t.Columns...); c.Type.Ordered() {
			s = s.OrderBy(one(g, "", "-") + prefix + c.Name)
		}
	}
	return s
}

// join is of two of the tables, or of one with itself.
func (g *gen) join() query.Question {
	type pair struct{ table, column, other string }
	p := one(g, pair{"numbers", "n", "n"}, pair{"numbers", "r", "n"}, pair{"numbers", "n", "half"}, pair{"docs", "t", "u"}, pair{"docs", "n", "m"},
		pair{"docs", "at", "at"}, pair{tableNames[1], "t", "a.b"}, pair{tableNames[1], "m", "select"}, pair{"docs", "b", "b"}, pair{"docs", "j.k", "t"}, pair{"numbers", "j.n", "half"})
	other := shapes[p.table][0]
	s := query.From("docs").With(query.Join{Table: p.table, As: "o", Left: g.IntN(2) == 0, On: [][2]string{{p.column, p.other}}})
	for range g.IntN(3) {
		if g.IntN(2) == 0 {
			s = s.Where(g.where(shapes["docs"][0], "docs.", 0))
		} else {
			s = s.Where(g.where(other, "o.", 0))
		}
	}
	s = g.ordered(g.ordered(s, other, "o."), shapes["docs"][0], "docs.")
	return s.Select("docs.id", "o."+other.Columns[0].Name).SelectAs("o."+other.Columns[1].Name, "y").Limit(g.IntN(2) * 20)
}

// where is a condition, mostly one that can hold.
func (g *gen) where(t query.Table, prefix string, depth int) query.Expr {
	if depth < 3 && g.IntN(3) == 0 {
		of := make([]query.Expr, g.IntN(3))
		for i := range of {
			of[i] = g.where(t, prefix, depth+1)
		}
		switch g.IntN(3) {
		case 0:
			return query.All(of...)
		case 1:
			return query.Any(of...)
		}
		return query.Negate(g.where(t, prefix, depth+1))
	}
	c := one(g, t.Columns...)
	name := prefix + c.Name
	if c.Type.Kind == query.JSON {
		return g.inJSON(name)
	}
	if other := one(g, t.Columns...); g.IntN(8) == 0 && other.Type.Same(c.Type) && c.Type.Ordered() {
		return query.Expr{Op: one(g, query.Equal, query.Less, query.GreaterEqual, query.NotEqual, query.Is, query.IsNot), Column: name, Other: prefix + other.Name}
	}
	return g.comparison(c, name)
}

func (g *gen) comparison(c query.Column, name string) query.Expr {
	ops := []query.Op{query.Is, query.IsNot}
	if c.Type.Kind != query.Vector {
		ops = append(ops, query.Equal, query.NotEqual, query.In, query.Is)
	}
	if c.Type.Ordered() {
		ops = append(ops, query.Less, query.LessEqual, query.Greater, query.GreaterEqual)
	}
	if c.Type.Kind == query.Text {
		ops = append(ops, query.Matches, query.Contains)
	}
	e := query.Expr{Op: one(g, ops...), Column: name}
	switch e.Op {
	case query.In:
		list := make([]any, g.IntN(4))
		for i := range list {
			list[i] = g.value(c, false)
		}
		e.Value = list
	case query.Matches:
		e.Value = one(g, "%", "a%", "_", "%b%", "", `a\%%`, `%\\%`, "A_", "%é", `\`, "_ ")
	case query.Is, query.IsNot:
		if c.Type.Kind != query.Vector && g.IntN(2) == 0 {
			e.Value = g.value(c, false)
		}
	default:
		e.Value = g.value(c, false)
	}
	return e
}

func (g *gen) inJSON(name string) query.Expr {
	path := name + one(g, ".k", ".k", ".l", ".l.0", ".l.1", ".n", ".o.p", ".o.q", ".0", ".1.k", ".o")
	switch g.IntN(6) {
	case 0:
		return one(g, query.IsNull(name), query.NotNull(name), query.IsNull(path), query.NotNull(path))
	case 1:
		return query.Containing(one(g, name, path, name+".l"), one[any](g, "a", 1, true, "b"))
	case 2:
		return query.OneOf(path, one(g, []string{"a", "b"}, []string{"a"}, nil)...)
	case 3:
		return query.Matching(path, one(g, "%", "a", "_"))
	}
	v := one[any](g, "a", "b", 1, 1.5, 2, true, false)
	ops := []query.Op{query.Equal, query.NotEqual, query.Less, query.GreaterEqual, query.Greater, query.IsNot, query.Is}
	return query.Expr{Op: ops[g.IntN(len(ops))], Column: path, Value: v}
}
