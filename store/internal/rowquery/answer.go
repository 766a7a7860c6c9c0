// Package rowquery answers plans over rows that are in memory. What it answers
// is what [query.Cond] and [query.Plan] say: the other stores are held to it.
package rowquery

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/varvedb/varve/query"
)

// tuple is a row of each table of a plan; nil where a left join found none.
type tuple [][]any

// Answer is the rows of a plan in its order. source gives the rows of a table
// that may be seen, which are not changed; rows that are equal in all terms of
// the order stay in theirs. What is returned is the caller's.
func Answer(ctx context.Context, p *query.Plan, source func(*query.Source) ([][]any, error)) ([][]any, error) {
	var tuples []tuple
	for i := range p.Tables {
		rows, err := source(&p.Tables[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			if tuples, err = join(ctx, tuples, rows, &p.Tables[i]); err != nil {
				return nil, err
			}
			continue
		}
		tuples = make([]tuple, len(rows))
		for n := range rows {
			tuples[n] = rows[n : n+1 : n+1]
		}
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
	return out, ctx.Err()
}

// Holds tells whether a condition lets a row of the one table through.
func Holds(row []any, where query.Cond) bool { return truthOf(tuple{row}, where) == yes }

// KeyText is a key as text.
func KeyText(v any) string {
	if n, ok := v.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	return v.(string)
}

func compareTuples(order []query.Sort, a, b tuple) int {
	for _, o := range order {
		c := CompareNull(a.at(o.Ref), b.at(o.Ref))
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
func join(ctx context.Context, tuples []tuple, rows [][]any, s *query.Source) ([]tuple, error) {
	partners := map[string][][]any{}
	for _, row := range rows {
		if key, ok := pairKey(s.On, 1, func(ref query.Ref) any { return valueAt(row, ref) }); ok {
			partners[key] = append(partners[key], row)
		}
	}
	var out []tuple
	for _, t := range tuples {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
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
	return out, nil
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
	return Compare(a, b)
}

// own copies a value, so that what the caller does to it does not reach the
// store.
func own(v any) any {
	switch v := v.(type) {
	case []byte:
		return bytes.Clone(v)
	case json.RawMessage:
		return json.RawMessage(bytes.Clone(v))
	case []float32:
		return slices.Clone(v)
	}
	return v
}
