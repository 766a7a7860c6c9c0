package statetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

func (g *gen) undo() call {
	as, of := g.handle()
	key := g.key()
	return call{fmt.Sprintf("%sundo %v", as, key), func(ctx context.Context, s *side) (any, error) {
		got, err := of(s).Undo(ctx, key...)
		return recorded(s, ctx, []state.Record{got}, err)
	}}
}

func (g *gen) undoRange() call {
	n, skip := g.IntN(8), g.IntN(2) == 0
	return call{fmt.Sprintf("undo the range from the last but %d, skip %v", n, skip), func(ctx context.Context, s *side) (any, error) {
		from := len(s.seqs) - 1 - n
		got, err := s.rows.UndoRange(ctx, s.seq(from), max(s.seq(from), s.seq(from+4)), skip)
		return recorded(s, ctx, append(got.Records, got.Changed...), err)
	}}
}

func (g *gen) declare() call {
	n := g.IntN(len(generations))
	return call{fmt.Sprintf("declare generation %d", n), func(ctx context.Context, s *side) (any, error) {
		r, err := s.db.Declare(ctx, generations[n])
		if err != nil {
			return nil, err
		}
		s.rows = r
		return r.Table().Schema, nil
	}}
}

func (g *gen) compact() call {
	n := g.IntN(60)
	return call{fmt.Sprintf("compact to %d", n), func(ctx context.Context, s *side) (any, error) {
		return s.rows.Compact(ctx, s.seq(n))
	}}
}

func (g *gen) retain() call {
	n := 1 + g.Int64N(4)
	return call{fmt.Sprintf("retain %d versions", n), func(ctx context.Context, s *side) (any, error) {
		gone, err := s.rows.Retain(ctx, state.Retention{Versions: n})
		return []int64{gone, int64(slices.Index(s.seqs, s.rows.Table().Horizon))}, err
	}}
}

func (g *gen) clear() call {
	return call{"clear", func(ctx context.Context, s *side) (any, error) { return nil, s.db.Clear(ctx) }}
}

func (g *gen) query() state.Query {
	q := state.Query{Deleted: g.IntN(4) == 0, Request: page.Request{First: 1 + g.IntN(4)}}
	for _, i := range g.Perm(9)[:g.IntN(3)] {
		q.Order = append(q.Order, state.Order{Column: []string{"a", "b", "n", "m", "text", "_seq", "_version", "_at", "at"}[i], Descending: g.IntN(2) == 0})
	}
	for range g.IntN(5) / 2 {
		q.Where = append(q.Where, g.condition())
	}
	return q
}

func (g *gen) condition() state.Condition {
	compare := one(g, state.Equal, state.NotEqual, state.Less, state.LessEqual, state.Greater, state.GreaterEqual)
	if g.IntN(4) == 0 {
		return g.rarer(compare)
	}
	return one(g,
		state.Condition{Column: "n", Op: compare, Value: one[any](g, 1, -2, nil, 1<<40)},
		state.Condition{Column: "m", Op: compare, Value: one[any](g, 7, nil, 10)},
		state.Condition{Column: "text", Op: compare, Value: one[any](g, "", "x", "é", nil)},
		state.Condition{Column: "text", Op: state.In, Value: one(g, []any{}, []any{"x"}, []any{"Y", "é", ""})},
		state.Condition{Column: "b", Op: state.In, Value: []any{1, 5}},
	)
}

// rarer are conditions on columns that a newer declaration adds.
func (g *gen) rarer(compare state.CompareOp) state.Condition {
	return one(g,
		state.Condition{Column: "j", Op: one(g, state.Has, state.Equal, state.NotEqual), Value: one[any](g, "a,b", "a", nil)},
		state.Condition{Column: "f", Op: compare, Value: one[any](g, true, nil)},
		state.Condition{Column: "at", Op: compare, Value: one[any](g, day(0), day(1))},
		state.Condition{Column: "x", Op: compare, Value: one[any](g, []byte{}, []byte{0, 255}, nil)},
	)
}

func (g *gen) list() call {
	as, of := g.handle()
	q := g.query()
	return call{fmt.Sprintf("%slist %+v", as, q), func(ctx context.Context, s *side) (any, error) {
		return whole(ctx, of(s).All, q)
	}}
}

func (g *gen) read() call {
	as, of := g.handle()
	key := g.key()
	switch a, b := int64(g.IntN(6)), int64(g.IntN(6)); g.IntN(4) {
	case 0:
		return call{fmt.Sprintf("%slatest %v", as, key), func(ctx context.Context, s *side) (any, error) { return of(s).Latest(ctx, key...) }}
	case 1:
		return call{fmt.Sprintf("%scontains %v", as, key), func(ctx context.Context, s *side) (any, error) { return of(s).Contains(ctx, key...) }}
	case 2:
		return call{fmt.Sprintf("%sdiff %d %d of %v", as, a, b, key), func(ctx context.Context, s *side) (any, error) { return of(s).Diff(ctx, a, b, key...) }}
	}
	return call{fmt.Sprintf("%shistory of %v", as, key), func(ctx context.Context, s *side) (any, error) {
		out, p := []state.Record{}, page.Request{First: 2}
		for {
			got, err := of(s).History(ctx, p, key...)
			if err != nil {
				return nil, err
			}
			if out = append(out, got.Data...); !got.Info.HasNextPage {
				return out, nil
			}
			p.Cursor = *got.Info.EndCursor
		}
	}}
}

func (g *gen) past() call {
	as, of := g.handle()
	n, kind, key, q := g.IntN(40), g.IntN(3), g.key(), g.query()
	point := func(ctx context.Context, s *side) state.Point {
		switch kind {
		case 0:
			return state.AtVersion(int64(n % 6))
		case 1:
			return state.AtPosition(s.seq(len(s.seqs) - 1 - n))
		}
		return state.AtTime(day(0).Add(time.Duration(n) * 6500 * time.Millisecond))
	}
	if g.IntN(2) == 0 {
		return call{fmt.Sprintf("%sas of %d (%d): latest %v", as, n, kind, key), func(ctx context.Context, s *side) (any, error) {
			return of(s).AsOf(point(ctx, s)).Latest(ctx, key...)
		}}
	}
	return call{fmt.Sprintf("%sas of %d (%d): list %+v", as, n, kind, q), func(ctx context.Context, s *side) (any, error) {
		return whole(ctx, of(s).AsOf(point(ctx, s)).All, q)
	}}
}
