package statetest

import (
	"fmt"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

var forgetting = []rule{
	{"cleared tables are empty and their positions go on", func(s *subject) {
		r, other := s.todos(), s.declare(files)
		old := s.append(r, "a", state.Row{"body": "x"})
		s.rec(other.Append(s.ctx, state.Row{"user_id": "u", "path": nil, "n": 1}))
		s.must(s.db.Clear(s.ctx, "Todos"))
		s.equal(len(s.all(state.Query{Deleted: true}, r.All)), 0)
		_, err := r.History(s.ctx, page.Request{}, "a")
		s.kind(errs.NotFound, err)
		_, err = r.AsOf(state.AtPosition(old.Seq)).Latest(s.ctx, "a")
		s.kind(errs.Gone, err)
		_, err = r.AsOf(state.AtPosition(old.Seq)).All(s.ctx, state.Query{})
		s.kind(errs.Gone, err)
		head, err := r.Head(s.ctx)
		s.must(err)
		s.equal(head, state.Head{Seq: old.Seq, Generation: 1})
		again := s.append(r, "a", nil)
		if again.Seq <= old.Seq || !again.At.After(old.At) || again.Version != 1 {
			s.Fatalf("%+v does not follow %+v", again.Meta, old.Meta)
		}
		s.equal(s.rec(r.AsOf(state.AtPosition(again.Seq)).Latest(s.ctx, "a")), again)
		s.equal(len(s.all(state.Query{}, other.All)), 1)
	}},
	{"all tables are cleared, or none", func(s *subject) {
		r, other := s.todos(), s.declare(files)
		s.append(r, "a", nil)
		s.rec(other.Append(s.ctx, state.Row{"user_id": "u", "path": nil, "n": 1}))
		s.kind(errs.NotFound, s.db.Clear(s.ctx, "todos", "missing"))
		s.kind(errs.NotFound, s.store.Clear(s.ctx, []string{"todos", "missing"}))
		s.equal(len(s.all(state.Query{}, r.All)), 1)
		s.must(s.db.Clear(s.ctx))
		s.equal(len(s.all(state.Query{}, r.All))+len(s.all(state.Query{}, other.All)), 0)
		tables, err := s.db.Tables(s.ctx)
		s.must(err)
		s.equal(len(tables), 2)
	}},
	{"compaction keeps every state from its position on", func(s *subject) {
		r := s.todos()
		var recs []state.Record
		for i := range 40 {
			id := fmt.Sprint(i % 6)
			if i%9 == 8 {
				recs = append(recs, s.rec(r.Delete(s.ctx, id)))
				continue
			}
			recs = append(recs, s.rec(r.Put(s.ctx, state.Row{"id": id, "priority": i})))
		}
		q := state.Query{Deleted: true, Request: page.Request{First: page.MaxFirst}}
		states := map[int64][]state.Record{}
		for _, rec := range recs {
			states[rec.Seq] = s.all(q, viewed(r.AsOf(state.AtPosition(rec.Seq))))
		}
		horizon := recs[25].Seq
		gone, err := r.Compact(s.ctx, horizon)
		s.must(err)
		s.equal(gone, int64(20))
		for i, rec := range recs {
			view := r.AsOf(state.AtPosition(rec.Seq))
			if i < 25 {
				_, err := view.All(s.ctx, q)
				s.kind(errs.Gone, err)
				_, err = view.Latest(s.ctx, "0")
				s.kind(errs.Gone, err)
				_, err = r.AsOf(state.AtTime(rec.At)).All(s.ctx, q)
				s.kind(errs.Gone, err)
				continue
			}
			s.equal(s.all(q, viewed(view)), states[rec.Seq])
			s.equal(s.all(q, viewed(r.AsOf(state.AtTime(rec.At)))), states[rec.Seq])
		}
		s.equal(r.Table().Horizon, horizon)
		_, err = r.AsOf(state.AtVersion(1)).Latest(s.ctx, "0")
		s.kind(errs.Gone, err)
		_, err = r.Restore(s.ctx, 1, "0")
		s.kind(errs.Gone, err)
		s.equal(len(s.history(r, "0")) < 7, true)
		again, err := r.Compact(s.ctx, recs[3].Seq)
		s.must(err)
		s.equal([]any{again, r.Table().Horizon}, []any{int64(0), horizon})
		_, err = r.Compact(s.ctx, recs[39].Seq+1)
		s.field(errs.Invalid, "position", err)
		s.rec(r.Put(s.ctx, state.Row{"id": "0", "body": "after"}))
	}},
	{"a retention by versions keeps so many of each row", func(s *subject) {
		r := s.todos()
		for i := range 20 { // 14 of the busy row, 5 of the calm one, 1 of the quiet one
			id := "busy"
			if i == 0 {
				id = "quiet"
			} else if i%4 == 0 || i == 1 {
				id = "calm"
			}
			s.rec(r.Put(s.ctx, state.Row{"id": id, "priority": i}))
		}
		s.equal(versions(s.history(r, "busy")), []int64{14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1})
		horizonWas, editionWas := r.Table().Horizon, r.Table().Edition
		gone, err := r.Retain(s.ctx, state.Retention{Versions: 14})
		s.must(err)
		s.equal([]int64{gone, r.Table().Horizon}, []int64{0, horizonWas}) // nothing went, so all can be told
		s.equal(r.Table().Edition, editionWas)
		busy := s.history(r, "busy")
		q := state.Query{Request: page.Request{First: page.MaxFirst}}
		before := s.all(q, viewed(r.AsOf(state.AtPosition(busy[2].Seq))))

		gone, err = r.Retain(s.ctx, state.Retention{Versions: 3})
		s.must(err)
		s.equal(gone, int64(11+2))
		s.equal(r.Table().Edition != editionWas, true) // who has a copy of the log hears of it
		s.equal(s.history(r, "busy"), busy[:3])
		s.equal(versions(s.history(r, "calm")), []int64{5, 4, 3})
		s.equal(versions(s.history(r, "quiet")), []int64{1})
		// The whole table is told from where nothing of any row is missing.
		s.equal(r.Table().Horizon, busy[2].Seq)
		s.equal(s.all(q, viewed(r.AsOf(state.AtPosition(busy[2].Seq)))), before)
		_, err = r.AsOf(state.AtPosition(busy[2].Seq-1)).All(s.ctx, q)
		s.kind(errs.Gone, err)
		// What stayed of a row is told by its number, and comes back.
		s.equal(s.rec(r.AsOf(state.AtVersion(3)).Latest(s.ctx, "calm")).Row["priority"], int64(8))
		_, err = r.AsOf(state.AtVersion(2)).Latest(s.ctx, "calm")
		s.kind(errs.Gone, err)
		s.equal(s.rec(r.Restore(s.ctx, 3, "calm")).Row["priority"], int64(8))
		_, err = r.Restore(s.ctx, 11, "busy")
		s.kind(errs.Gone, err)
		s.equal(len(s.all(state.Query{}, r.All)), 3)

		// Fewer, and a deleted row keeps its tombstone.
		s.rec(r.Delete(s.ctx, "busy"))
		gone, err = r.Retain(s.ctx, state.Retention{Versions: 1})
		s.must(err)
		s.equal(gone, int64(3+3))
		s.equal([]any{len(s.history(r, "busy")), len(s.history(r, "calm")), len(s.history(r, "quiet"))}, []any{1, 1, 1})
		s.equal(s.history(r, "busy")[0].Op, state.OpDelete)
		gone, err = r.Retain(s.ctx, state.Retention{Versions: 1})
		s.must(err)
		s.equal(gone, int64(0))
	}},
	{"a retention by positions keeps that many states", func(s *subject) {
		r := s.todos()
		for i := range 20 {
			s.rec(r.Put(s.ctx, state.Row{"id": "a", "priority": i}))
		}
		gone, err := r.Retain(s.ctx, state.Retention{Positions: 5})
		s.must(err)
		s.equal(gone, int64(15))
		s.equal(len(s.history(r, "a")), 5)
		for _, bad := range []state.Retention{{}, {Age: -1}, {Versions: -1}, {Positions: -1}} {
			_, err = r.Retain(s.ctx, bad)
			s.field(errs.Invalid, "retention", err)
		}
		gone, err = r.Retain(s.ctx, state.Retention{Positions: 100})
		s.must(err)
		s.equal(gone, int64(0))
	}},
	{"what was compacted away is not undone to", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		last := s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "x"}))
		_, err := r.Compact(s.ctx, last.Seq)
		s.must(err)
		_, err = r.Undo(s.ctx, "a")
		s.kind(errs.Gone, err)
		_, err = r.UndoRange(s.ctx, last.Seq-1, last.Seq, false)
		s.kind(errs.Gone, err)
		s.equal(s.rec(r.Latest(s.ctx, "a")), last)
	}},
}

func versions(list []state.Record) (numbers []int64) {
	for _, r := range list {
		numbers = append(numbers, r.Version)
	}
	return numbers
}
