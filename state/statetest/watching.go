package statetest

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// watch collects n records of a watch.
func (s *subject) watch(r *state.Rows, after int64, n int) []state.Record {
	s.Helper()
	var out []state.Record
	for rec, err := range r.Watch(s.ctx, after) {
		s.must(err)
		if out = append(out, rec); len(out) == n {
			break
		}
	}
	return out
}

var watching = []rule{
	{"a watch shows what was and what comes, once and in order", func(s *subject) {
		r := s.todos()
		const n, writers = 60, 3
		first := s.append(r, "first", nil)
		done := make(chan []error)
		go func() {
			done <- together(times(writers, func(w int) error {
				for i := range n / writers {
					if _, err := r.Put(s.ctx, state.Row{"id": fmt.Sprint(w), "priority": i}); err != nil {
						return err
					}
				}
				return nil
			})...)
		}()
		got := s.watch(r, 0, n+1)
		for _, err := range <-done {
			s.must(err)
		}
		s.equal(got[0], first)
		next := map[any]int64{}
		for i, rec := range got[1:] {
			if rec.Seq <= got[i].Seq || rec.Row["priority"] != next[rec.Row["id"]] {
				s.Fatalf("%+v comes after %+v", rec, got[i])
			}
			next[rec.Row["id"]]++
		}
		s.equal(s.watch(r, got[30].Seq, n-30), got[31:])
	}},
	{"a watch hears of what another service writes", func(s *subject) {
		r := s.todos()
		other, err := state.NewService(s.store, state.Options{}).Open(s.ctx, "todos")
		s.must(err)
		heard := make(chan state.Record, 1)
		go func() { heard <- s.watch(r, 0, 1)[0] }()
		want := s.append(other, "a", nil)
		s.equal(<-heard, want)
	}},
	{"a watch ends with its context", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		ctx, cancel := context.WithCancel(s.ctx)
		defer cancel()
		n := 0
		for _, err := range r.Watch(ctx, 0) {
			s.must(err)
			n++
			cancel()
		}
		s.equal(n, 1)
	}},
	{"a user is shown the user's versions", func(s *subject) {
		r := s.todos()
		s.append(r, "b", state.Row{"user_id": "bob"})
		want := s.append(r, "a", state.Row{"user_id": "ada"})
		s.equal(s.watch(r.As("ada"), 0, 1), []state.Record{want})
	}},
	{"a watch that would miss something says so", func(s *subject) {
		r := s.todos()
		first := s.append(r, "a", nil)
		for range 3 {
			s.rec(r.Update(s.ctx, state.Row{"id": "a"}))
		}
		head, err := r.Head(s.ctx)
		s.must(err)
		_, err = r.Compact(s.ctx, head.Seq)
		s.must(err)
		for _, err := range r.Watch(s.ctx, first.Seq) {
			s.kind(errs.Gone, err)
		}
		s.equal(len(s.watch(r, 0, 1)), 1)
		last := s.rec(r.Update(s.ctx, state.Row{"id": "a"}))
		s.equal(s.watch(r, head.Seq, 1), []state.Record{last})
	}},
	{"a watch ends when the table is cleared", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		for _, err := range r.Watch(s.ctx, 0) {
			if err != nil {
				s.kind(errs.Gone, err)
				break
			}
			s.must(s.db.Clear(s.ctx, "todos"))
		}
		head, err := r.Head(s.ctx)
		s.must(err)
		want := s.append(r, "b", nil)
		s.equal(s.watch(r, head.Seq, 1), []state.Record{want})
	}},
}
