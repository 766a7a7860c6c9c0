package statetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

// RunStore holds a database to what its port of versioned tables alone cannot
// show: the clock, and transactions that span rooms.
func RunStore(t *testing.T, open func(t *testing.T) store.Store) {
	for _, r := range []struct {
		name string
		test func(s *stored)
	}{
		{"a clock that is set back moves no version", clockSetBack},
		{"writes of one instant are told apart", ties},
		{"a retention by age keeps what was younger", byAge},
		{"an update that succeeds leaves conversations and state", spanning},
		{"an update that fails leaves neither", rolledBack},
		{"an update that panics leaves neither", panicked},
		{"a failed write inside an update leaves the others", savepoint},
		{"a table declared in an update that fails is not declared", undeclared},
		{"clearing and compacting in an update that fails is taken back", unforgotten},
		{"a transaction sees what it wrote, and others do not", isolated},
		{"a call through the outer handle inside an update is invalid", outer},
		{"a stamp is another after every write and only then", stamped},
	} {
		t.Run(r.name, func(t *testing.T) {
			s := &stored{db: open(t)}
			s.now.time = day(0)
			s.subject = newSubject(t, s.db.State(), state.Options{Now: s.now.tell})
			r.test(s)
		})
	}
}

type stored struct {
	*subject
	db  store.Store
	now clock
}

// clock is told what time it is.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *clock) tell() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

func clockSetBack(s *stored) {
	r := s.todos()
	first := s.append(r, "a", state.Row{"body": "0"})
	s.equal(first.At, day(0))
	s.now.add(time.Second)
	second := s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "1"}))
	s.equal(second.At, day(0).Add(time.Second))
	s.now.add(-time.Hour)
	third := s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "2"}))
	s.equal(third.At, second.At.Add(time.Microsecond))
	other := s.append(r, "b", nil)
	s.equal(other.At, third.At.Add(time.Microsecond))
	s.equal(s.rec(r.Latest(s.ctx, "a")), third)
	s.equal(s.rec(r.AsOf(state.AtTime(second.At)).Latest(s.ctx, "a")), second)
	s.now.add(2 * time.Hour)
	s.equal(s.rec(r.Update(s.ctx, state.Row{"id": "a"})).At, s.now.tell())
	s.must(s.subject.db.Clear(s.ctx))
	s.now.add(-time.Minute)
	s.equal(s.append(r, "a", nil).At.After(s.now.tell()), true)
	s.sound(r)
}

func ties(s *stored) {
	r := s.todos()
	last := s.append(r, "a", nil)
	for i := range 20 {
		next := s.rec(r.Update(s.ctx, state.Row{"id": "a", "priority": i}))
		s.equal(next.At, last.At.Add(time.Microsecond))
		s.equal(s.rec(r.AsOf(state.AtTime(next.At)).Latest(s.ctx, "a")), next)
		last = next
	}
	s.equal(s.rec(r.Latest(s.ctx, "a")), last)
	recs, err := r.Write(s.ctx, state.Change{Op: state.OpPut, Row: state.Row{"id": "a"}}, state.Change{Op: state.OpPut, Row: state.Row{"id": "b"}})
	s.must(err)
	s.equal(recs[1].At, last.At.Add(2*time.Microsecond))
}

func byAge(s *stored) {
	r := s.todos()
	for i := range 10 {
		s.rec(r.Put(s.ctx, state.Row{"id": "a", "priority": i}))
		s.now.add(time.Hour)
	}
	kept := s.rec(r.AsOf(state.AtTime(s.now.tell().Add(-5*time.Hour))).Latest(s.ctx, "a"))
	gone, err := r.Retain(s.ctx, state.Retention{Age: 5 * time.Hour})
	s.must(err)
	s.equal([]any{gone, kept.Row["priority"]}, []any{int64(5), int64(5)})
	s.equal(s.rec(r.AsOf(state.AtTime(s.now.tell().Add(-5*time.Hour))).Latest(s.ctx, "a")), kept)
	_, err = r.AsOf(state.AtTime(s.now.tell().Add(-5*time.Hour-time.Microsecond))).Latest(s.ctx, "a")
	s.kind(errs.Gone, err)
	gone, err = r.Retain(s.ctx, state.Retention{Age: time.Hour, Positions: 4})
	s.must(err)
	s.equal(gone, int64(1))
}

// both writes to two rooms.
func (s *stored) both(ctx context.Context, tx store.Tx, id string) error {
	if _, err := tx.Chat().PutUser(ctx, chat.User{ID: id, Identifier: id, CreatedAt: chat.FormatTime(day(0))}, chat.Write{Now: day(0)}); err != nil {
		return err
	}
	r, err := s.subject.db.In(tx.State()).Open(ctx, "todos")
	if err != nil {
		return err
	}
	_, err = r.Append(ctx, state.Row{"id": id})
	return err
}

// has tells whether two rooms have something, which must be both or neither.
func (s *stored) has(id string) bool {
	s.Helper()
	r, err := s.subject.db.Open(s.ctx, "todos")
	s.must(err)
	has, err := r.Contains(s.ctx, id)
	s.must(err)
	_, err = s.db.Chat().User(s.ctx, id)
	if (err == nil) != has {
		s.Fatalf("state: %v, conversations: %v", has, err)
	}
	return has
}

func spanning(s *stored) {
	s.todos()
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error { return s.both(ctx, tx, "a") }))
	s.equal(s.has("a"), true)
}

func rolledBack(s *stored) {
	r := s.todos()
	kept := s.append(r, "kept", state.Row{"body": "x"})
	failure := errors.New("no")
	err := s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		if err := s.both(ctx, tx, "a"); err != nil {
			return err
		}
		in := r.In(s.subject.db.In(tx.State()))
		if _, err := in.Update(ctx, state.Row{"id": "kept", "body": "y"}); err != nil {
			return err
		}
		if _, err := in.Delete(ctx, "kept"); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		s.Fatal(err)
	}
	s.equal(s.has("a"), false)
	s.equal(s.rec(r.Latest(s.ctx, "kept")), kept)
	s.equal(len(s.history(r, "kept")), 1)
	head, err := r.Head(s.ctx)
	s.must(err)
	s.equal(head.Seq, kept.Seq)
	s.equal(s.append(r, "a", nil).Version, int64(1))
	s.sound(r)
}

func panicked(s *stored) {
	r := s.todos()
	func() {
		defer func() {
			if recover() == nil {
				s.Error("the panic was swallowed")
			}
		}()
		_ = s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
			if err := s.both(ctx, tx, "a"); err != nil {
				return err // it may be run again
			}
			panic("at the disco")
		})
	}()
	s.equal(s.has("a"), false)
	s.append(r, "b", nil)
}

func savepoint(s *stored) {
	r := s.todos()
	s.append(r, "there", nil)
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		if err := s.both(ctx, tx, "a"); err != nil {
			return err
		}
		in := r.In(s.subject.db.In(tx.State()))
		_, err := in.Write(ctx, state.Change{Op: state.OpAppend, Row: state.Row{"id": "lost"}}, state.Change{Op: state.OpAppend, Row: state.Row{"id": "there"}})
		s.kind(errs.Exists, err)
		_, err = in.Append(ctx, state.Row{"id": "after"})
		return err
	}))
	s.equal(s.has("a"), true)
	s.equal(column(s.all(state.Query{}, r.All), "id"), []any{"there", "a", "after"})
}

func undeclared(s *stored) {
	failure := errors.New("no")
	err := s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		r, err := s.subject.db.In(tx.State()).Declare(ctx, todos)
		if err != nil {
			return err
		}
		if _, err := r.Append(ctx, state.Row{"id": "a"}); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		s.Fatal(err)
	}
	_, err = s.subject.db.Open(s.ctx, "todos")
	s.kind(errs.NotFound, err)
	s.equal(s.append(s.todos(), "a", nil).Version, int64(1))
}

func unforgotten(s *stored) {
	r := s.todos()
	s.append(r, "a", nil)
	last := s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "x"}))
	failure := errors.New("no")
	for _, forget := range []func(context.Context, *state.Service) error{
		func(ctx context.Context, in *state.Service) error {
			_, err := r.In(in).Compact(ctx, last.Seq)
			return err
		},
		func(ctx context.Context, in *state.Service) error { return in.Clear(ctx) },
	} {
		err := s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
			if err := forget(ctx, s.subject.db.In(tx.State())); err != nil {
				return err
			}
			return failure
		})
		if !errors.Is(err, failure) {
			s.Fatal(err)
		}
		again, err := s.subject.db.Open(s.ctx, "todos")
		s.must(err)
		s.equal(len(s.history(again, "a")), 2)
		s.equal([]int64{again.Table().Horizon, again.Table().Generation}, []int64{0, 0})
	}
}

func isolated(s *stored) {
	r := s.todos()
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		in := r.In(s.subject.db.In(tx.State()))
		first := s.rec(in.Append(ctx, state.Row{"id": "a", "body": "x"}))
		s.equal(s.rec(in.Latest(ctx, "a")), first)
		second := s.rec(in.Update(ctx, state.Row{"id": "a", "body": "y"}))
		s.equal(s.rec(in.AsOf(state.AtPosition(first.Seq)).Latest(ctx, "a")), first)
		p, err := in.All(ctx, state.Query{})
		s.must(err)
		s.equal(p.Data, []state.Record{second})
		head, err := in.Head(ctx)
		s.must(err)
		s.equal(head.Seq, second.Seq)
		for _, err := range in.Watch(ctx, 0) {
			s.kind(errs.Invalid, err)
		}
		return nil
	}))
	s.equal(s.rec(r.Latest(s.ctx, "a")).Version, int64(2))
}

func outer(s *stored) {
	r := s.todos()
	s.must(s.db.Update(s.ctx, func(ctx context.Context, _ store.Tx) error {
		_, err := r.Append(ctx, state.Row{"id": "a"})
		s.kind(errs.Invalid, err)
		_, err = r.Latest(ctx, "a")
		s.kind(errs.Invalid, err)
		return nil
	}))
	s.append(r, "a", nil)
}
