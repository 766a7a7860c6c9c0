package statetest

import (
	"fmt"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

var past = []rule{
	{"a row is told as of a version, a position and a time", func(s *subject) {
		r := s.todos()
		var recs []state.Record
		recs = append(recs, s.append(r, "a", state.Row{"body": "0"}))
		for i := 1; i < 5; i++ {
			s.append(r, fmt.Sprint("other", i), nil)
			recs = append(recs, s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": fmt.Sprint(i)})))
		}
		for i, want := range recs {
			for _, p := range []state.Point{state.AtVersion(int64(i + 1)), state.AtPosition(want.Seq), state.AtTime(want.At)} {
				s.equal(s.rec(r.AsOf(p).Latest(s.ctx, "a")), want)
			}
			if i > 0 {
				before := recs[i-1]
				s.equal(s.rec(r.AsOf(state.AtTime(want.At.Add(-time.Microsecond))).Latest(s.ctx, "a")), before)
				s.equal(s.rec(r.AsOf(state.AtPosition(want.Seq-1)).Latest(s.ctx, "a")), before)
			}
		}
	}},
	{"before its first version and while deleted there is no row", func(s *subject) {
		r := s.todos()
		other := s.append(r, "b", nil)
		first := s.append(r, "a", nil)
		gone := s.rec(r.Delete(s.ctx, "a"))
		back := s.append(r, "a", nil)
		for _, p := range []state.Point{state.AtPosition(0), state.AtPosition(other.Seq), state.AtTime(other.At), state.AtTime(day(-10000)),
			state.AtPosition(gone.Seq), state.AtTime(gone.At), state.AtVersion(gone.Version), state.AtVersion(0), state.AtVersion(4)} {
			_, err := r.AsOf(p).Latest(s.ctx, "a")
			s.kind(errs.NotFound, err)
			has, err := r.AsOf(p).Contains(s.ctx, "a")
			s.must(err)
			s.equal(has, false)
		}
		s.equal(s.rec(r.AsOf(state.AtPosition(first.Seq)).Latest(s.ctx, "a")), first)
		s.equal(s.rec(r.AsOf(state.AtPosition(back.Seq+1000)).Latest(s.ctx, "a")), back)
		s.equal(s.rec(r.AsOf(state.AtTime(back.At.AddDate(100, 0, 0))).Latest(s.ctx, "a")), back)
		_, err := r.AsOf(state.AtPosition(-1)).Latest(s.ctx, "a")
		s.kind(errs.Invalid, err)
	}},
	{"a listing as of a position is the listing of then", func(s *subject) {
		r := s.todos()
		s.shelf(r)
		q := state.Query{Order: []state.Order{{Column: "score", Descending: true}, {Column: "body"}}, Request: page.Request{First: 7}}
		then := s.all(q, r.All)
		head, err := r.Head(s.ctx)
		s.must(err)
		for i := range 20 {
			id := fmt.Sprintf("%02d", i)
			if i%3 == 0 {
				s.rec(r.Delete(s.ctx, id))
			} else {
				s.rec(r.Update(s.ctx, state.Row{"id": id, "score": 9, "body": "later"}))
			}
		}
		s.append(r, "new", state.Row{"score": 0})
		s.equal(s.all(q, viewed(r.AsOf(state.AtPosition(head.Seq)))), then)
		s.equal(s.all(q, viewed(r.AsOf(state.AtTime(then[0].At.AddDate(0, 0, -1))))), []state.Record(nil))
		var walked []state.Record
		for rec, err := range r.AsOf(state.AtPosition(head.Seq)).Each(s.ctx, state.Query{Order: q.Order}) {
			s.must(err)
			walked = append(walked, rec)
		}
		s.equal(walked, then)
		q.Where = where("body", state.Equal, "later")
		s.equal(len(s.all(q, viewed(r.AsOf(state.AtPosition(head.Seq))))), 0)
		_, err = r.AsOf(state.AtVersion(1)).All(s.ctx, q)
		s.field(errs.Invalid, "version", err)
	}},
	{"pages of a time go on from the same state", func(s *subject) {
		r := s.todos()
		for i := range 4 {
			s.append(r, fmt.Sprint(i), nil)
		}
		view := r.AsOf(state.AtTime(time.Now().AddDate(100, 0, 0)))
		q := state.Query{Order: []state.Order{{Column: "id"}}, Request: page.Request{First: 2}}
		p, err := view.All(s.ctx, q)
		s.must(err)
		s.rec(r.Delete(s.ctx, "3"))
		s.append(r, "4", nil)
		q.Cursor = *p.Info.EndCursor
		s.equal(column(s.all(q, view.All), "id"), []any{"2", "3"})
		_, err = r.AsOf(state.AtPosition(1)).All(s.ctx, q)
		s.field(errs.Invalid, "cursor", err)
		_, err = r.All(s.ctx, q)
		s.field(errs.Invalid, "cursor", err)
	}},
	{"a history has every version, newest first, in pages", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		for i := range 9 {
			s.rec(r.Update(s.ctx, state.Row{"id": "a", "priority": i}))
		}
		s.append(r, "b", nil)
		whole := s.history(r, "a")
		s.equal(len(whole), 10)
		var paged []state.Record
		p := page.Request{First: 3}
		for {
			got, err := r.History(s.ctx, p, "a")
			s.must(err)
			if paged = append(paged, got.Data...); !got.Info.HasNextPage {
				break
			}
			p.Cursor = *got.Info.EndCursor
		}
		s.equal(paged, whole)
		for i, rec := range whole {
			s.equal(rec.Version, int64(10-i))
		}
		_, err := r.History(s.ctx, p, "b")
		s.field(errs.Invalid, "cursor", err)
		_, err = r.History(s.ctx, page.Request{}, "c")
		s.kind(errs.NotFound, err)
	}},
	{"a difference names the columns that differ", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x", "data": []byte{1}, "labels": []string{"l"}, "due": day(1)})
		s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "y", "priority": 1, "data": []byte{1}, "due": day(1)}))
		s.rec(r.Delete(s.ctx, "a"))
		d, err := r.Diff(s.ctx, 1, 2, "a")
		s.must(err)
		s.equal(d, []state.FieldDiff{{Column: "body", From: "x", To: "y"}, {Column: "priority", From: nil, To: int64(1)}})
		d, err = r.Diff(s.ctx, 2, 2, "a")
		s.must(err)
		s.equal(d, []state.FieldDiff{})
		d, err = r.Diff(s.ctx, 3, 2, "a")
		s.must(err)
		s.equal(len(d), 5)
		_, err = r.Diff(s.ctx, 1, 4, "a")
		s.field(errs.NotFound, "version", err)
	}},
	{"the log has every version once, in order", func(s *subject) {
		r := s.todos()
		for i := range 30 {
			s.rec(r.Put(s.ctx, state.Row{"id": fmt.Sprint(i % 7), "priority": i}))
		}
		t := r.Table()
		var seqs []int64
		for after := int64(0); ; {
			vs, err := s.store.Log(s.ctx, &t, after, 4)
			s.must(err)
			if len(vs) == 0 {
				break
			}
			for _, v := range vs {
				if v.Seq <= after {
					s.Fatalf("position %d comes after %d", v.Seq, after)
				}
				after, seqs = v.Seq, append(seqs, v.Seq)
			}
		}
		s.equal(len(seqs), 30)
		head, err := r.Head(s.ctx)
		s.must(err)
		s.equal(head.Seq, seqs[29])
	}},
}
