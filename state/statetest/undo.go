package statetest

import (
	"fmt"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

var undo = []rule{
	{"a restore is a new version with old values", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x", "priority": 1})
		s.rec(r.Replace(s.ctx, state.Row{"id": "a", "body": "y"}))
		got := s.rec(r.Restore(s.ctx, 1, "a"))
		s.equal([]any{got.Version, got.Op, got.Source, got.Row["body"], got.Row["priority"]}, []any{int64(3), state.OpRestore, int64(1), "x", int64(1)})
		s.rec(r.Delete(s.ctx, "a"))
		got = s.rec(r.Restore(s.ctx, 2, "a"))
		s.equal([]any{got.Version, got.Row["body"], got.Row["priority"]}, []any{int64(5), "y", nil})
		s.equal(s.rec(r.Latest(s.ctx, "a")), got)
	}},
	{"what cannot be restored is refused", func(s *subject) {
		r := s.todos()
		_, err := r.Restore(s.ctx, 1, "a")
		s.kind(errs.NotFound, err)
		s.append(r, "a", nil)
		s.rec(r.Delete(s.ctx, "a"))
		_, err = r.Restore(s.ctx, 2, "a")
		s.field(errs.Invalid, "version", err)
		_, err = r.Restore(s.ctx, 3, "a")
		s.kind(errs.NotFound, err)
		_, err = r.Restore(s.ctx, 0, "a")
		s.field(errs.Invalid, "version", err)
		_, err = r.If(1).Restore(s.ctx, 1, "a")
		s.kind(errs.Conflict, err)
	}},
	{"undo takes back one version after the other", func(s *subject) {
		r := s.todos()
		for i := range 4 {
			s.rec(r.Put(s.ctx, state.Row{"id": "a", "body": fmt.Sprint(i)}))
		}
		for i := 2; i >= 0; i-- {
			s.equal(s.rec(r.Undo(s.ctx, "a")).Row["body"], fmt.Sprint(i))
		}
		s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "other"}))
		s.equal(s.rec(r.Undo(s.ctx, "a")).Row["body"], "0")
		s.equal(s.rec(r.Undo(s.ctx, "a")).Op, state.OpDelete)
		has, err := r.Contains(s.ctx, "a")
		s.must(err)
		s.equal(has, false)
	}},
	{"undo brings a deleted row back", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x"})
		s.rec(r.Delete(s.ctx, "a"))
		s.equal(s.rec(r.Undo(s.ctx, "a")).Row["body"], "x")
		_, err := r.Undo(s.ctx, "b")
		s.kind(errs.NotFound, err)
	}},
	{"a range of positions is taken back at once", func(s *subject) {
		r := s.todos()
		s.append(r, "kept", state.Row{"body": "x"})
		s.append(r, "updated", state.Row{"body": "x"})
		s.append(r, "deleted", state.Row{"body": "x"})
		start := s.append(r, "gone before", state.Row{"body": "x"})
		start = s.rec(r.Delete(s.ctx, "gone before"))
		s.rec(r.Update(s.ctx, state.Row{"id": "updated", "body": "y"}))
		s.rec(r.Update(s.ctx, state.Row{"id": "updated", "body": "z"}))
		s.append(r, "new", nil)
		s.append(r, "gone before", state.Row{"body": "back"})
		s.append(r, "came and went", nil)
		s.rec(r.Delete(s.ctx, "came and went"))
		end := s.rec(r.Delete(s.ctx, "deleted"))
		got, err := r.UndoRange(s.ctx, start.Seq, end.Seq, false)
		s.must(err)
		s.equal(len(got.Records), 4)
		now := s.all(state.Query{Order: []state.Order{{Column: "id"}}}, r.All)
		s.equal(column(now, "id"), []any{"deleted", "kept", "updated"})
		s.equal(column(now, "body"), []any{"x", "x", "x"})
	}},
	{"rows changed since are a conflict, or left alone and reported", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x"})
		start := s.append(r, "b", state.Row{"body": "x"})
		s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "y"}))
		end := s.rec(r.Update(s.ctx, state.Row{"id": "b", "body": "y"}))
		since := s.rec(r.Update(s.ctx, state.Row{"id": "b", "body": "z"}))
		_, err := r.UndoRange(s.ctx, start.Seq, end.Seq, false)
		s.field(errs.Conflict, "through", err)
		s.equal(s.rec(r.Latest(s.ctx, "a")).Row["body"], "y")
		got, err := r.UndoRange(s.ctx, start.Seq, end.Seq, true)
		s.must(err)
		s.equal(got.Changed, []state.Record{since})
		s.equal(column(got.Records, "id"), []any{"a"})
		s.equal(s.rec(r.Latest(s.ctx, "a")).Row["body"], "x")
		s.equal(s.rec(r.Latest(s.ctx, "b")), since)
		_, err = r.UndoRange(s.ctx, 3, 2, false)
		s.field(errs.Invalid, "through", err)
	}},
}
