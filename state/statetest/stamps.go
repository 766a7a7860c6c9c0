package statetest

import (
	"context"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

// stamped holds a database that stamps to what it promises.
func stamped(s *stored) {
	db, ok := s.db.(change.Stamper)
	if !ok {
		return
	}
	seen := map[string]string{}
	stamp := func() string {
		s.Helper()
		text, err := db.Stamp(s.ctx)
		s.must(err)
		again, err := db.Stamp(s.ctx)
		s.must(err)
		s.equal(again, text)
		return text
	}
	written := func(what string) {
		s.Helper()
		text := stamp()
		if before, ok := seen[text]; ok || text == "" {
			s.Fatalf("after %s the stamp is %q, as after %s", what, text, before)
		}
		seen[text] = what
	}
	users, write := s.db.Chat(), chat.Write{Now: day(0)}
	user := func(id string) error {
		_, err := users.PutUser(s.ctx, chat.User{ID: id, Identifier: id, CreatedAt: chat.FormatTime(day(0))}, write)
		return err
	}
	s.must(user("first"))
	written("a user")
	r := s.todos()
	written("a declaration")
	s.append(r, "a", nil)
	written("a row")
	last := s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": "x"}))
	written("an update")
	s.must(user("second"))
	written("another user")
	_, err := r.Compact(s.ctx, last.Seq)
	s.must(err)
	written("compacting")
	wider := todos
	wider.Columns = append(wider.Columns[:len(wider.Columns):len(wider.Columns)], col("more", state.Text))
	s.declare(wider)
	written("a wider declaration")
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error { return s.both(ctx, tx, "b") }))
	written("an update of two rooms")
	s.must(s.subject.db.Clear(s.ctx))
	written("clearing")

	before := stamp()
	_, err = r.Latest(s.ctx, "a")
	s.kind(errs.NotFound, err)
	s.declare(wider)
	s.equal(stamp(), before)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := db.Stamp(ctx); err == nil {
		s.Fatal("a stamp for a caller who went away")
	}
}
