package memory

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/rowquery"
)

// Scan implements state.Store.
func (t tables) Scan(ctx context.Context, table *state.Table, q state.Scan) (out []state.Version, err error) {
	err = t.with(ctx, table, func(s *sheet) error {
		for _, versions := range s.rows {
			c, ok := newestAt(versions, q.At)
			if !ok || c.Op == state.OpDelete && !q.Deleted {
				continue
			}
			if v := c.as(table); satisfies(table, v, q.Where) && (q.After == nil || compare(q.Order, standing(table, v, q.Order), q.After) > 0) {
				out = append(out, v)
			}
		}
		slices.SortFunc(out, func(a, b state.Version) int {
			return compare(q.Order, standing(table, a, q.Order), standing(table, b, q.Order))
		})
		out = out[:min(len(out), q.Limit)]
		return nil
	})
	return out, err
}

// standing is where a version stands in an order: its values, then its entity.
func standing(t *state.Table, v state.Version, order []state.Order) []any {
	at := make([]any, 0, len(order)+1)
	for _, o := range order {
		switch o.Column {
		case "_seq":
			at = append(at, v.Seq)
		case "_version":
			at = append(at, v.Number)
		case "_at":
			at = append(at, v.At)
		default:
			at = append(at, v.Values[t.Index(o.Column)])
		}
	}
	return append(at, v.Entity)
}

func compare(order []state.Order, a, b []any) int {
	for i := range a {
		c := rowquery.CompareNull(a[i], b[i])
		if i < len(order) && order[i].Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func satisfies(t *state.Table, v state.Version, where []state.Condition) bool {
	for _, c := range where {
		if !holds(v.Values[t.Index(c.Column)], c) {
			return false
		}
	}
	return true
}

func holds(v any, c state.Condition) bool {
	switch c.Op {
	case state.Equal:
		return rowquery.CompareNull(v, c.Value) == 0
	case state.NotEqual:
		return rowquery.CompareNull(v, c.Value) != 0
	}
	if v == nil {
		return false
	}
	switch c.Op {
	case state.Less:
		return rowquery.Compare(v, c.Value) < 0
	case state.LessEqual:
		return rowquery.Compare(v, c.Value) <= 0
	case state.Greater:
		return rowquery.Compare(v, c.Value) > 0
	case state.GreaterEqual:
		return rowquery.Compare(v, c.Value) >= 0
	case state.In:
		return slices.ContainsFunc(c.Value.([]any), func(one any) bool { return rowquery.Compare(v, one) == 0 })
	case state.Has:
		return has(v.(json.RawMessage), c.Value.(string))
	}
	return false
}

// has tells whether JSON is a list with a text in it.
func has(raw json.RawMessage, text string) bool {
	var list []any
	return json.Unmarshal(raw, &list) == nil && slices.Contains(list, any(text))
}
