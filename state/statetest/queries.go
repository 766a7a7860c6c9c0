package statetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

// shelf fills a table with rows of ties and NULLs and returns how many.
func (s *subject) shelf(r *state.Rows) int {
	s.Helper()
	const n = 40
	changes := make([]state.Change, n)
	for i := range n {
		row := state.Row{"id": fmt.Sprintf("%02d", i)}
		if i%4 != 0 {
			row["priority"] = i % 3
		}
		if i%5 != 0 {
			row["score"] = float64(i%7) / 3
		}
		if i%3 != 0 {
			row["due"] = day(i % 5)
		}
		if i%2 != 0 {
			row["body"] = []string{"", "a", "B", "é", "z", "Z", "🙂", "\ufffd"}[i%8]
		}
		if i%6 != 0 {
			row["done"] = i%4 == 1
		}
		changes[i] = state.Change{Op: state.OpAppend, Row: row}
	}
	_, err := r.Write(s.ctx, changes...)
	s.must(err)
	for i := 0; i < n; i += 7 {
		s.rec(r.Update(s.ctx, state.Row{"id": fmt.Sprintf("%02d", i), "labels": []string{"x", fmt.Sprint(i)}}))
	}
	return n
}

func where(column string, op state.CompareOp, value any) []state.Condition {
	return []state.Condition{{Column: column, Op: op, Value: value}}
}

var queries = []rule{
	{"pages of any order make up the whole", func(s *subject) {
		r := s.todos()
		n := s.shelf(r)
		for _, order := range [][]state.Order{
			nil,
			{{Column: "priority"}}, {{Column: "priority", Descending: true}},
			{{Column: "priority", Descending: true}, {Column: "score"}}, {{Column: "score", Descending: true}, {Column: "due"}, {Column: "body", Descending: true}},
			{{Column: "body"}}, {{Column: "due", Descending: true}, {Column: "_seq", Descending: true}}, {{Column: "_version", Descending: true}, {Column: "_at"}},
			{{Column: "id", Descending: true}},
		} {
			whole, err := r.All(s.ctx, state.Query{Order: order, Request: page.Request{First: page.MaxFirst}})
			s.must(err)
			s.equal(len(whole.Data), n)
			s.equal(whole.Info.HasNextPage, false)
			s.sorted(whole.Data, order)
			for _, first := range []int{1, 3, 39} {
				s.equal(s.all(state.Query{Order: order, Request: page.Request{First: first}}, r.All), whole.Data)
			}
			var walked []state.Record
			for rec, err := range r.Each(s.ctx, state.Query{Order: order}) {
				s.must(err)
				walked = append(walked, rec)
			}
			s.equal(walked, whole.Data)
		}
	}},
	{"text is in the order of its bytes", func(s *subject) {
		r := s.todos()
		list := []string{"a", "B", "", "é", "z", "\U0001F642", "\ufffd", "aa", "a ", "A", "_"}
		for _, v := range list {
			s.append(r, v+"!", state.Row{"body": v})
		}
		slices.Sort(list)
		var want []any
		for _, v := range list {
			want = append(want, v)
		}
		p, err := r.All(s.ctx, state.Query{Order: []state.Order{{Column: "body"}}})
		s.must(err)
		s.equal(column(p.Data, "body"), want)
		p, err = r.All(s.ctx, state.Query{Where: where("body", state.Less, "a")})
		s.must(err)
		s.equal(len(p.Data), 4)
	}},
	{"conditions hold rows against values", func(s *subject) {
		r := s.todos()
		n := s.shelf(r)
		for _, c := range []struct {
			where []state.Condition
			holds func(state.Row) bool
		}{
			{where("priority", state.Equal, 1), func(row state.Row) bool { return row["priority"] == int64(1) }},
			{where("priority", state.Equal, nil), func(row state.Row) bool { return row["priority"] == nil }},
			{where("priority", state.NotEqual, nil), func(row state.Row) bool { return row["priority"] != nil }},
			{where("priority", state.NotEqual, 1), func(row state.Row) bool { return row["priority"] != int64(1) }},
			{where("priority", state.Less, 2), func(row state.Row) bool { p, ok := row["priority"].(int64); return ok && p < 2 }},
			{where("priority", state.GreaterEqual, 1), func(row state.Row) bool { p, ok := row["priority"].(int64); return ok && p >= 1 }},
			{where("score", state.Greater, 1.0/3), func(row state.Row) bool { p, ok := row["score"].(float64); return ok && p > 1.0/3 }},
			{where("due", state.LessEqual, day(2)), func(row state.Row) bool { return row["due"] == day(0) || row["due"] == day(1) || row["due"] == day(2) }},
			{where("done", state.Equal, true), func(row state.Row) bool { return row["done"] == true }},
			{where("done", state.NotEqual, true), func(row state.Row) bool { return row["done"] != true }},
			{where("body", state.In, []any{"a", "é", "none"}), func(row state.Row) bool { return row["body"] == "a" || row["body"] == "é" }},
			{where("body", state.In, []any{}), func(state.Row) bool { return false }},
			{where("labels", state.Has, "14"), func(row state.Row) bool { return row["id"] == "14" }},
			{where("labels", state.Equal, nil), func(row state.Row) bool { return row["labels"] == nil }},
			{append(where("priority", state.Equal, 1), where("done", state.Equal, false)...), func(row state.Row) bool { return row["priority"] == int64(1) && row["done"] == false }},
		} {
			whole, got := s.all(state.Query{}, r.All), s.all(state.Query{Where: c.where, Request: page.Request{First: 3}}, r.All)
			want := slices.DeleteFunc(whole, func(rec state.Record) bool { return !c.holds(rec.Row) })
			if len(want) == n {
				s.Fatalf("%v holds everything and proves nothing", c.where)
			}
			s.equal(column(got, "id"), column(want, "id"))
		}
	}},
	{"an empty label is not no label", func(s *subject) {
		r := s.todos()
		for id, labels := range map[string]any{"none": nil, "empty": []string{}, "blank": []string{""}} {
			s.append(r, id, state.Row{"labels": labels})
		}
		s.equal(s.rec(r.Latest(s.ctx, "none")).Row["labels"], nil)
		s.equal(s.rec(r.Latest(s.ctx, "empty")).Row["labels"], json.RawMessage(`[]`))
		s.equal(s.rec(r.Latest(s.ctx, "blank")).Row["labels"], json.RawMessage(`[""]`))
		p, err := r.All(s.ctx, state.Query{Where: where("labels", state.Has, "")})
		s.must(err)
		s.equal(column(p.Data, "id"), []any{"blank"})
	}},
	{"labels are found whole, whatever is in them", func(s *subject) {
		r := s.todos()
		list := []string{"a,b", "a", "", `"`, `\`, "%", "null", "1", "é", "ab\n", "[]"}
		for i, label := range list {
			s.append(r, fmt.Sprint(i), state.Row{"labels": []string{"z", label}})
		}
		s.append(r, "object", state.Row{"labels": map[string]any{"a": "a", "": "a,b"}})
		s.append(r, "text", state.Row{"labels": json.RawMessage(`"a"`)})
		s.append(r, "numbers", state.Row{"labels": []any{1, nil, true, []string{"a"}, map[string]string{"a": "a"}}})
		s.append(r, "escaped", state.Row{"labels": json.RawMessage(`["\u0061\u0062"]`)})
		for i, label := range list {
			p, err := r.All(s.ctx, state.Query{Where: where("labels", state.Has, label)})
			s.must(err)
			s.equal(column(p.Data, "id"), []any{fmt.Sprint(i)})
		}
		p, err := r.All(s.ctx, state.Query{Where: where("labels", state.Has, "ab")})
		s.must(err)
		s.equal(column(p.Data, "id"), []any{"escaped"})
	}},
	{"conditions are held against the newest version only", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "old"})
		s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "new"}))
		p, err := r.All(s.ctx, state.Query{Where: where("body", state.Equal, "old")})
		s.must(err)
		s.equal(len(p.Data), 0)
	}},
	{"deleted rows are listed when asked for", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		s.append(r, "b", nil)
		gone := s.rec(r.Delete(s.ctx, "a"))
		s.equal(column(s.all(state.Query{}, r.All), "id"), []any{"b"})
		got := s.all(state.Query{Deleted: true, Order: []state.Order{{Column: "id"}}}, r.All)
		s.equal(column(got, "id"), []any{"a", "b"})
		s.equal(got[0], gone)
	}},
	{"what cannot be asked is refused and named", func(s *subject) {
		r := s.todos()
		for _, c := range []state.Condition{
			{Column: "missing", Op: state.Equal}, {Column: "body", Op: "like", Value: "a"}, {Column: "body", Op: "= '' or 1 --", Value: "a"}, {Column: "priority", Op: state.Equal, Value: "1"},
			{Column: "priority", Op: state.Less}, {Column: "labels", Op: state.Equal, Value: "a"}, {Column: "labels", Op: state.Has, Value: 1}, {Column: "body", Op: state.Has, Value: "a"},
			{Column: "body", Op: state.In, Value: "a"}, {Column: "body", Op: state.In, Value: []any{nil}}, {Column: "done", Op: state.Less, Value: true}, {Column: "data", Op: state.Greater, Value: []byte("a")},
			{Column: "labels", Op: state.In, Value: []any{"a"}}, {Column: "_seq", Op: state.Equal, Value: 1},
		} {
			_, err := r.All(s.ctx, state.Query{Where: []state.Condition{c}})
			s.field(errs.Invalid, c.Column, err)
		}
		for _, o := range []string{"missing", "labels", "data", "done", "_eid", "body desc", ""} {
			_, err := r.All(s.ctx, state.Query{Order: []state.Order{{Column: o}}})
			s.field(errs.Invalid, o, err)
		}
		_, err := r.All(s.ctx, state.Query{Order: []state.Order{{Column: "body"}, {Column: "BODY", Descending: true}}})
		s.field(errs.Invalid, "body", err)
	}},
	{"a cursor works for the question it was made for", func(s *subject) {
		r := s.todos()
		s.shelf(r)
		q := state.Query{Order: []state.Order{{Column: "body"}}, Request: page.Request{First: 2}}
		p, err := r.All(s.ctx, q)
		s.must(err)
		q.Cursor = *p.Info.EndCursor
		for _, other := range []state.Query{
			{Request: q.Request}, {Request: q.Request, Order: []state.Order{{Column: "body", Descending: true}}}, {Request: q.Request, Order: q.Order, Deleted: true},
			{Request: q.Request, Order: q.Order, Where: where("done", state.Equal, true)}, {Request: page.Request{Cursor: "v1.AAAA"}, Order: q.Order}, {Request: page.Request{Cursor: "x"}, Order: q.Order},
		} {
			_, err := r.All(s.ctx, other)
			s.field(errs.Invalid, "cursor", err)
		}
		_, err = r.As("ada").All(s.ctx, q)
		s.field(errs.Invalid, "cursor", err)
		_, err = s.declare(files).All(s.ctx, state.Query{Request: q.Request})
		s.field(errs.Invalid, "cursor", err)
	}},
	{"paging goes on in place whatever is written meanwhile", func(s *subject) {
		r := s.todos()
		for i := range 6 {
			s.append(r, fmt.Sprint(i), state.Row{"priority": i})
		}
		q := state.Query{Order: []state.Order{{Column: "priority"}}, Request: page.Request{First: 2}}
		p, err := r.All(s.ctx, q)
		s.must(err)
		s.rec(r.Delete(s.ctx, "1"))
		s.append(r, "first", state.Row{"priority": -1})
		s.append(r, "between", state.Row{"priority": 1})
		q.Cursor = *p.Info.EndCursor
		s.equal(column(s.all(q, r.All), "id"), []any{"between", "2", "3", "4", "5"})
	}},
}

// sorted holds records to an order, ties to that of their first appearance.
func (s *subject) sorted(records []state.Record, order []state.Order) {
	s.Helper()
	for i := 1; i < len(records); i++ {
		c := 0
		for _, o := range order {
			if c = between(at(records[i-1], o.Column), at(records[i], o.Column)); o.Descending {
				c = -c
			}
			if c != 0 {
				break
			}
		}
		if c == 0 {
			c = cmp.Compare(records[i-1].Row["id"].(string), records[i].Row["id"].(string)) // appended in this order
		}
		if c > 0 {
			s.Fatalf("by %v, %v comes before %v", order, records[i-1].Row, records[i].Row)
		}
	}
}

func at(r state.Record, column string) any {
	switch column {
	case "_seq":
		return r.Seq
	case "_version":
		return r.Version
	case "_at":
		return r.At.UnixMicro()
	}
	return r.Row[column]
}

// between compares two values, NULL after all others.
func between(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(fmt.Sprint(a == nil), fmt.Sprint(b == nil))
	}
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return cmp.Compare(a, b.(string))
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) // times of one zone
}

// pages of a view, for all.
func viewed(v *state.View) func(context.Context, state.Query) (page.Page[state.Record], error) {
	return v.All
}
