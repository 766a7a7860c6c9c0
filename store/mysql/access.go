package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// access runs what a call asks for: each on a connection of its own, or inside
// an Update.
type access interface {
	// ready returns the layout of the database with the tables of conversations.
	ready(ctx context.Context) (*layout, error)
	// ground sees to it that Varve's own tables are there.
	ground(ctx context.Context) error
	// Run asks questions on one snapshot.
	sqlcore.Querier
	// atomic runs fn as one unit, whole or not at all; again where another
	// transaction came between.
	atomic(ctx context.Context, fn func(*unit) error) error
}

// outer is access through the pool.
type outer struct{ s *Store }

func (o outer) ready(ctx context.Context) (*layout, error) {
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	return o.s.ready(ctx)
}

func (o outer) ground(ctx context.Context) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	_, err := o.s.whatever(ctx)
	return err
}

// Run implements sqlcore.Querier.
func (o outer) Run(ctx context.Context, queries ...sqlcore.Query) error {
	if len(queries) == 1 {
		return o.s.notice(send(ctx, o.s.db, o.s.limit, queries...))
	}
	all := make([]sqlcore.Query, 0, len(queries)+3)
	all = append(all, sqlcore.Query{SQL: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"}, sqlcore.Query{SQL: "START TRANSACTION READ ONLY"})
	all = append(all, queries...)
	all = append(all, sqlcore.Query{SQL: "COMMIT"})
	return o.s.notice(o.s.lend(ctx, func(c *sql.Conn) error { return send(ctx, c, o.s.limit, all...) }))
}

// lend gives fn a connection of the pool. One that fn fails on is not used
// again: a transaction may be open on it.
func (s *Store) lend(ctx context.Context, fn func(*sql.Conn) error) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer c.Close()
	good := false
	defer func() { // after a panic too
		if !good {
			_ = c.Raw(func(any) error { return driver.ErrBadConn })
		}
	}()
	err = fn(c)
	good = err == nil
	return err
}

// notice forgets the layout when the tables turn out to have changed under it,
// so that the next call looks again, and remembers that the disk is full.
func (s *Store) notice(err error) error {
	if n := number(err); n == 1146 || n == 1054 { // no such table, column
		s.layout.Store(nil)
		s.bare.Store(nil)
		s.founded.Store(false)
	}
	if full(err) {
		s.unwritable.Store(true)
	}
	return err
}

func (o outer) atomic(ctx context.Context, fn func(*unit) error) error {
	return o.s.transact(ctx, o.s.whatever, func(t *tx) error {
		u := &unit{t: t}
		if err := fn(u); err != nil {
			return err
		}
		return u.finish(ctx, sqlcore.Query{SQL: "COMMIT"})
	}, func(err error) bool { return lost(err) || number(err) == duplicate })
}

// Update implements store.Store. Where fn comes to speak of conversations and
// there are no tables for them, they are made, and fn begins anew.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	do := func(t *tx) error {
		err := fn(store.Inside(ctx), inner{t})
		if t.speaks {
			return sqlcore.ErrSilent
		}
		if t.broken != nil {
			return t.broken // whatever fn made of it
		}
		if err != nil {
			return err
		}
		return t.send(ctx, sqlcore.Query{SQL: "COMMIT"})
	}
	if err := s.transact(ctx, s.whatever, do, lost); err != sqlcore.ErrSilent {
		return err
	}
	return s.transact(ctx, s.ready, do, lost)
}

// tries is how often a transaction runs that lost against another, and waits how
// often one that waited for a lock as long as the server lets it, by default for
// 50 seconds.
const (
	tries = 10
	waits = 2
)

// transact runs fn in one transaction, which fn commits, and runs it anew
// while again says so of its error.
func (s *Store) transact(ctx context.Context, on func(context.Context) (*layout, error), fn func(*tx) error, again func(error) bool) error {
	l, err := on(ctx)
	if err != nil {
		return err
	}
	return s.retried(ctx, l, fn, again)
}

// retried is transact on a layout, or without one for what needs none.
func (s *Store) retried(ctx context.Context, l *layout, fn func(*tx) error, again func(error) bool) error {
	for try := 1; ; try++ {
		err := s.notice(s.attempt(ctx, l, fn))
		if try == tries || !again(err) || number(err) == lockWait && try >= waits {
			return err
		}
	}
}

// attempt lends a connection to a transaction. One that failed is rolled back,
// if only so that others need not wait for its locks.
func (s *Store) attempt(ctx context.Context, l *layout, fn func(*tx) error) error {
	var failed error
	err := s.lend(ctx, func(c *sql.Conn) error {
		t := &tx{s: s, l: l, conn: c, limit: s.limit}
		defer func() { t.over = true }()
		failed = fn(t)
		if failed == nil || !t.begun {
			return nil
		}
		return send(context.WithoutCancel(ctx), c, s.limit, sqlcore.Query{SQL: "ROLLBACK"})
	})
	if failed != nil {
		return failed
	}
	return err
}

// tx is a transaction on a connection. It begins with the first statement, in
// the same packet.
type tx struct {
	s      *Store
	l      *layout
	conn   *sql.Conn
	limit  int
	begun  bool
	over   bool
	speaks bool  // of conversations, where there are no tables for them
	broken error // the server ended the transaction, and why
}

// begin starts what writes. Each statement sees what is committed when it runs,
// so that who waited for a lock sees what its holder did; and no lock is on a
// gap, where those who write beside each other would meet.
var begin = []sqlcore.Query{{SQL: "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"}, {SQL: "START TRANSACTION"}}

func (t *tx) send(ctx context.Context, queries ...sqlcore.Query) error {
	p, err := t.pack(queries)
	if err != nil {
		return err
	}
	return t.post(ctx, p)
}

// pack prepares a packet, which is not sent where this fails.
func (t *tx) pack(queries []sqlcore.Query) (packet, error) {
	switch {
	case t.over:
		return packet{}, errs.New(errs.Invalid, "the transaction of this Update has ended")
	case t.broken != nil:
		return packet{}, t.broken
	case !t.begun:
		queries = append(begin[:len(begin):len(begin)], queries...)
	}
	return pack(queries, t.limit)
}

func (t *tx) post(ctx context.Context, p packet) error {
	t.begun = true
	err := post(ctx, t.conn, p)
	if lost(err) || err != nil && number(err) == 0 && errs.KindOf(err) == errs.Unavailable {
		t.broken = err // rolled back by the server, or the connection is gone
	}
	return err
}

// inner is access inside an Update.
type inner struct{ t *tx }

var _ store.Tx = inner{}

// Chat implements store.Tx.
func (in inner) Chat() chat.Store { return rooms{at: in} }

// State implements store.Tx.
func (in inner) State() state.Store { return state.Unserved{Engine: "MySQL"} }

func (in inner) ready(context.Context) (*layout, error) {
	if in.t.l == nil {
		return nil, nil // what needs no layout runs without one
	}
	if in.t.l.silent() {
		in.t.speaks = true
		return nil, sqlcore.ErrSilent
	}
	return in.t.l, in.t.l.refused
}

func (in inner) ground(context.Context) error { return nil }

// Run implements sqlcore.Querier.
func (in inner) Run(ctx context.Context, queries ...sqlcore.Query) error {
	return in.t.send(ctx, queries...)
}

// atomic keeps a failed unit from failing the transaction around it.
func (in inner) atomic(ctx context.Context, fn func(*unit) error) error {
	for try := 1; ; try++ {
		u := &unit{t: in.t, due: []sqlcore.Query{{SQL: "SAVEPOINT varve"}}}
		err := fn(u)
		if err == nil {
			err = u.finish(ctx, sqlcore.Query{SQL: "RELEASE SAVEPOINT varve"})
		}
		if err == nil || in.t.broken != nil {
			return err
		}
		if u.sent {
			if failed := in.t.send(ctx, sqlcore.Query{SQL: "ROLLBACK TO SAVEPOINT varve"}); failed != nil {
				in.t.broken = failed
				return err
			}
		}
		if try == tries || number(err) != duplicate {
			return err
		}
	}
}
