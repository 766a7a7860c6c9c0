package statetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// sound holds the whole log of a table to its promises.
func (s *subject) sound(r *state.Rows) []state.Version {
	s.Helper()
	t := r.Table()
	var log []state.Version
	numbers, last := map[int64]int64{}, time.Time{}
	for after := int64(0); ; {
		vs, err := s.store.Log(s.ctx, &t, after, 1000)
		s.must(err)
		if len(vs) == 0 {
			break
		}
		for _, v := range vs {
			if v.Seq <= after || !v.At.After(last) {
				s.Fatalf("position %d of %v comes after %d of %v", v.Seq, v.At, after, last)
			}
			if v.Number != numbers[v.Entity]+1 {
				s.Fatalf("row %d has version %d after %d", v.Entity, v.Number, numbers[v.Entity])
			}
			after, last, numbers[v.Entity] = v.Seq, v.At, v.Number
		}
		log = append(log, vs...)
	}
	for i := range log {
		key, err := t.RowKey(log[i].Values)
		s.must(err)
		if v := log[i]; numbers[v.Entity] == v.Number {
			got, err := s.store.Get(s.ctx, &t, key, 0)
			s.must(err)
			s.equal(got, v)
		}
	}
	return log
}

// race keeps rows few, since it is about who wins and not how much is done.
const race = 16

var races = []rule{
	{"of many appends of one row exactly one wins", func(s *subject) {
		r := s.todos()
		for round := range 10 {
			id, won := fmt.Sprint(round), 0
			for _, err := range together(times(race, func(i int) error {
				_, err := r.Append(s.ctx, state.Row{"id": id, "priority": i})
				return err
			})...) {
				if err == nil {
					won++
				} else {
					s.kind(errs.Exists, err)
				}
			}
			s.equal(won, 1)
		}
		s.equal(len(s.sound(r)), 10)
	}},
	{"updates of one hot row are all kept, in order", func(s *subject) {
		r := s.todos()
		s.append(r, "hot", nil)
		var mu sync.Mutex
		seen := []int64{}
		for _, err := range together(times(race, func(i int) error {
			for n := range 10 {
				rec, err := r.Update(s.ctx, state.Row{"id": "hot", "priority": i*10 + n})
				if err != nil {
					return err
				}
				mu.Lock()
				seen = append(seen, rec.Seq)
				mu.Unlock()
			}
			return nil
		})...) {
			s.must(err)
		}
		log := s.sound(r)
		s.equal(len(log), race*10+1)
		slices.Sort(seen)
		var want []int64
		for _, v := range log[1:] {
			want = append(want, v.Seq)
		}
		s.equal(seen, want)
	}},
	{"updates of different columns at once lose neither", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		for n := range 10 {
			for _, err := range together(
				func() error { _, err := r.Update(s.ctx, state.Row{"id": "a", "priority": n}); return err },
				func() error { _, err := r.Update(s.ctx, state.Row{"id": "a", "body": fmt.Sprint(n)}); return err },
			) {
				s.must(err)
			}
			got := s.rec(r.Latest(s.ctx, "a"))
			s.equal([]any{got.Row["priority"], got.Row["body"]}, []any{int64(n), fmt.Sprint(n)})
		}
	}},
	{"of many writes that expect one version exactly one wins", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"priority": 0})
		for _, err := range together(times(8, func(int) error {
			for n := 0; n < 5; {
				at, err := r.Latest(s.ctx, "a")
				if err != nil {
					return err
				}
				_, err = r.If(at.Version).Update(s.ctx, state.Row{"id": "a", "priority": at.Row["priority"].(int64) + 1})
				if err == nil {
					n++
				} else if !errors.Is(err, errs.Conflict) {
					return err
				}
			}
			return nil
		})...) {
			s.must(err)
		}
		s.equal(s.rec(r.Latest(s.ctx, "a")).Row["priority"], int64(40))
	}},
	{"writers of all kinds at once leave a sound log", func(s *subject) {
		r, other := s.todos(), s.declare(files)
		for _, err := range together(times(race, func(i int) error {
			for n := range 20 {
				id := fmt.Sprint((i + n) % 5)
				var err error
				switch (i + n) % 6 {
				case 0:
					_, err = r.Append(s.ctx, state.Row{"id": id})
				case 1:
					_, err = r.Delete(s.ctx, id)
				case 2:
					_, err = r.Undo(s.ctx, id)
				case 3:
					_, err = r.Write(s.ctx, state.Change{Op: state.OpPut, Row: state.Row{"id": id}}, state.Change{Op: state.OpPut, Row: state.Row{"id": "x"}})
				case 4:
					_, err = other.Put(s.ctx, state.Row{"user_id": nil, "path": id, "n": nil, "size": n})
				default:
					_, err = r.Put(s.ctx, state.Row{"id": id, "priority": n})
				}
				if k := errs.KindOf(err); err != nil && k != errs.Exists && k != errs.NotFound && k != errs.Conflict {
					return err
				}
			}
			return nil
		})...) {
			s.must(err)
		}
		s.sound(r)
		s.sound(other)
	}},
	{"a table is declared by many at once", func(s *subject) {
		for _, err := range together(times(8, func(i int) error {
			want := schema(col("id", state.Text), col("a", state.Integer), col(fmt.Sprint("only", i), state.Text))
			r, err := s.db.Declare(s.ctx, want)
			if err != nil {
				return err
			}
			_, err = r.Append(s.ctx, state.Row{"id": fmt.Sprint(i), fmt.Sprint("only", i): "x"})
			return err
		})...) {
			s.must(err)
		}
		r, err := s.db.Open(s.ctx, "things")
		s.must(err)
		s.equal(len(r.Table().Columns), 10)
		for i := range 8 {
			s.equal(s.rec(r.Latest(s.ctx, fmt.Sprint(i))).Row[fmt.Sprint("only", i)], "x")
		}
	}},
}
