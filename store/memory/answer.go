package memory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/varvedb/varve/query"
)

// tuple is a row of each table of a plan; nil where a left join found none.
type tuple [][]any

// answer is the rows of a plan in its order.
func (d *data) answer(p *query.Plan) ([][]any, error) {
	var tuples []tuple
	for i := range p.Tables {
		rows, err := d.source(&p.Tables[i])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			for _, row := range rows {
				tuples = append(tuples, tuple{row})
			}
			continue
		}
		tuples = join(tuples, rows, &p.Tables[i])
	}
	tuples = slices.DeleteFunc(tuples, func(t tuple) bool { return truthOf(t, p.Where) != yes })
	slices.SortStableFunc(tuples, func(a, b tuple) int { return compareTuples(p.Order, a, b) })
	tuples = tuples[min(p.Offset, len(tuples)):]
	if p.Limit > 0 {
		tuples = tuples[:min(p.Limit, len(tuples))]
	}
	out := make([][]any, len(tuples))
	for i, t := range tuples {
		out[i] = make([]any, len(p.Columns))
		for n, ref := range p.Columns {
			out[i][n] = own(t.at(ref))
		}
	}
	return out, nil
}

// source are the rows of a table that may be seen.
func (d *data) source(s *query.Source) ([][]any, error) {
	var rows [][]any
	if s.Table.Reserved != "" {
		rows = d.reservedRows(s.Table)
	} else {
		r, err := d.relation(s.Table)
		if err != nil {
			return nil, err
		}
		for _, row := range r.rows {
			rows = append(rows, row)
		}
	}
	if s.Owner != nil {
		owner := s.Table.Index(s.Table.Owner)
		rows = slices.DeleteFunc(rows, func(row []any) bool { return row[owner] != any(*s.Owner) })
	}
	return rows, nil
}

func compareTuples(order []query.Sort, a, b tuple) int {
	for _, o := range order {
		c := compareNull(a.at(o.Ref), b.at(o.Ref))
		if o.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// join adds the rows of a table to each tuple whose pairs are equal.
func join(tuples []tuple, rows [][]any, s *query.Source) []tuple {
	partners := map[string][][]any{}
	for _, row := range rows {
		if key, ok := pairKey(s.On, 1, func(ref query.Ref) any { return valueAt(row, ref) }); ok {
			partners[key] = append(partners[key], row)
		}
	}
	var out []tuple
	for _, t := range tuples {
		var found [][]any
		if key, ok := pairKey(s.On, 0, t.at); ok {
			found = partners[key]
		}
		if len(found) == 0 && s.Left {
			found = [][]any{nil}
		}
		for _, row := range found {
			out = append(out, append(slices.Clone(t), row))
		}
	}
	return out
}

// pairKey is the text of one side of a join's pairs; false where one is NULL.
func pairKey(on [][2]query.Ref, side int, at func(query.Ref) any) (string, bool) {
	key := make([]any, len(on))
	for i, pair := range on {
		v := at(pair[side])
		if v == nil {
			return "", false
		}
		if n, ok := v.(int64); ok && pair[0].Type.Kind != pair[1].Type.Kind {
			v = float64(n)
		}
		key[i] = v
	}
	return fmt.Sprintf("%#v", key), true
}

// at is the value of a column, NULL where a left join found no row.
func (t tuple) at(ref query.Ref) any {
	if t[ref.Table] == nil {
		return nil
	}
	return valueAt(t[ref.Table], ref)
}

func valueAt(row []any, ref query.Ref) any {
	v := row[ref.Column]
	if ref.Path == nil || v == nil {
		return v
	}
	return placed(v.(json.RawMessage), ref)
}

// truth is true, false or NULL.
type truth int

const (
	no truth = iota
	null
	yes
)

func truly(b bool) truth {
	if b {
		return yes
	}
	return no
}

// truthOf evaluates a condition as [query.Cond] says.
func truthOf(t tuple, c query.Cond) truth {
	switch c.Op {
	case query.And:
		all := yes
		for _, of := range c.Of {
			all = min(all, truthOf(t, of))
		}
		return all
	case query.Or:
		one := no
		for _, of := range c.Of {
			one = max(one, truthOf(t, of))
		}
		return one
	case query.Not:
		return yes - truthOf(t, c.Of[0])
	}
	return compares(t.at(c.Ref), t, c)
}

func compares(v any, t tuple, c query.Cond) truth {
	with := c.Value
	if c.Other != nil {
		with = t.at(*c.Other)
	}
	switch c.Op {
	case query.Is:
		return truly(v == nil && with == nil || v != nil && with != nil && equal(v, with))
	case query.IsNot:
		return yes - truly(v == nil && with == nil || v != nil && with != nil && equal(v, with))
	case query.In:
		return among(v, with.([]any))
	}
	if v == nil || with == nil {
		return null
	}
	switch c.Op {
	case query.Equal:
		return truly(equal(v, with))
	case query.NotEqual:
		return truly(!equal(v, with))
	case query.Less:
		return truly(ordered(v, with) < 0)
	case query.LessEqual:
		return truly(ordered(v, with) <= 0)
	case query.Greater:
		return truly(ordered(v, with) > 0)
	case query.GreaterEqual:
		return truly(ordered(v, with) >= 0)
	case query.Matches:
		return truly(matches([]rune(v.(string)), []rune(with.(string))))
	case query.Contains:
		return truly(contains(v, with))
	}
	panic("an operation that no plan has: " + string(c.Op))
}

func among(v any, list []any) truth {
	if len(list) == 0 {
		return no
	}
	if v == nil {
		return null
	}
	return truly(slices.ContainsFunc(list, func(one any) bool { return equal(v, one) }))
}

func equal(a, b any) bool { return ordered(a, b) == 0 }

// ordered compares two values of one type, or two numbers.
func ordered(a, b any) int {
	n, isInteger := a.(int64)
	if f, isReal := b.(float64); isInteger && isReal {
		return cmp.Compare(float64(n), f)
	}
	n, isInteger = b.(int64)
	if f, isReal := a.(float64); isInteger && isReal {
		return cmp.Compare(f, float64(n))
	}
	return compareValues(a, b)
}
