package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// access runs statements: each call on a connection of its own, or inside an
// Update. Both answer in one round trip.
type access interface {
	// ready returns the layout of the database with the tables of conversations.
	ready(ctx context.Context) (*layout, error)
	// ground returns the layout for rooms that need only Varve's own tables.
	ground(ctx context.Context) (*layout, error)
	// Run asks questions on one snapshot.
	sqlcore.Querier
	// write runs statements as one unit: all of them or none.
	write(ctx context.Context, statements ...sqlcore.Query) error
	// after runs fn once what was written is committed.
	after(fn func())
	// once is the access for questions whose best plan depends on the values
	// asked for: nothing is kept of them.
	once() access
	// atomic runs fn with statements that follow from each other as one unit.
	atomic(ctx context.Context, fn func(access) error) error
}

// alone tells whether a write is a transaction of its own, so that it can be
// tried again.
func alone(at access) bool {
	_, ok := at.(outer)
	return ok
}

// outer is access through the pool.
type outer struct {
	s     *Store
	plain bool // prepare nothing
}

// direct is outer for statements that are run once.
func (s *Store) direct() outer { return outer{s: s, plain: true} }

func (o outer) once() access { return outer{s: o.s, plain: true} }

func (o outer) ready(ctx context.Context) (*layout, error) {
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	return o.s.ready(ctx)
}

func (o outer) ground(ctx context.Context) (*layout, error) {
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	return o.s.whatever(ctx)
}

// Run implements sqlcore.Querier.
func (o outer) Run(ctx context.Context, queries ...sqlcore.Query) error {
	if len(queries) > 1 {
		queries = snapshot(queries)
	}
	return o.write(ctx, queries...)
}

// snapshot puts questions into a transaction that sees one state. The control
// statements travel with them.
func snapshot(queries []sqlcore.Query) []sqlcore.Query {
	all := make([]sqlcore.Query, 0, len(queries)+2)
	all = append(all, sqlcore.Query{SQL: "BEGIN ISOLATION LEVEL REPEATABLE READ"})
	all = append(all, queries...)
	return append(all, sqlcore.Query{SQL: "COMMIT"})
}

func (o outer) write(ctx context.Context, statements ...sqlcore.Query) error {
	c, err := o.s.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return o.s.notice(classify(run(ctx, session{c.Conn(), !o.plain && !o.s.pooled.Load()}, statements...)))
}

// notice forgets the layout when the tables turn out to have changed under it,
// so that the next call looks again, and remembers that the disk is full.
func (s *Store) notice(err error) error {
	switch code(err) {
	case "42P01", "42703", "42883", "0A000": // no such table, column, function; another type
		s.layout.Store(nil)
		s.bare.Store(nil)
		s.pool.Reset() // prepared statements rest on the old tables too
	}
	if full(err) {
		s.unwritable.Store(true)
	}
	return err
}

// acquire takes a connection. One that the server closed while it lay idle is
// noticed by the pool and replaced.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, classify(err)
	}
	return c, nil
}

func (o outer) after(fn func()) { fn() }

func (o outer) atomic(ctx context.Context, fn func(access) error) error {
	l, err := o.s.whatever(ctx)
	if err != nil {
		return err
	}
	return o.s.retried(ctx, l, func(in inner) error { return fn(in) })
}

// Update implements store.Store. Where fn comes to speak of conversations and
// there are no tables for them, they are made, and fn begins anew.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	do := func(in inner) error { return fn(store.Inside(ctx), in) }
	l, err := s.whatever(ctx)
	if err != nil {
		return err
	}
	if err = s.retried(ctx, l, do); err != sqlcore.ErrSilent {
		return err
	}
	if l, err = s.ready(ctx); err != nil {
		return err
	}
	return s.retried(ctx, l, do)
}

// tries is how often a transaction runs that lost against another.
const tries = 5

// retried runs fn in one transaction, again when the server gave it up for
// another's sake, on a layout or without one for what needs none.
func (s *Store) retried(ctx context.Context, l *layout, fn func(inner) error) error {
	for try := 1; ; try++ {
		err := s.notice(s.attempt(ctx, l, fn))
		if c := code(err); try == tries || (c != "40001" && c != "40P01") {
			return err
		}
	}
}

func (s *Store) attempt(ctx context.Context, l *layout, fn func(inner) error) error {
	c, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release() // closes the connection when a panic left a transaction open
	tx, err := c.Begin(ctx)
	if err != nil {
		return classify(err)
	}
	var later []func()
	var speaks bool
	err = fn(inner{s: s, l: l, conn: session{c.Conn(), !s.pooled.Load()}, later: &later, speaks: &speaks})
	if speaks {
		err = sqlcore.ErrSilent // whatever fn made of it
	}
	if err != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // the connection is dropped if it fails
		return err
	}
	if err := committed(ctx, tx); err != nil {
		return err
	}
	for _, fn := range later {
		fn()
	}
	return nil
}

// committed tells a commit from a transaction that the server ended as a
// rollback because a statement in it had failed.
func committed(ctx context.Context, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	if err == pgx.ErrTxCommitRollback {
		return errs.Wrap(errs.Internal, err, "the transaction had failed and was rolled back")
	}
	return classify(err)
}

// inner is access inside a transaction.
type inner struct {
	s      *Store
	l      *layout
	conn   session
	later  *[]func()
	speaks *bool // of conversations, where there are no tables for them
}

func (in inner) ready(context.Context) (*layout, error) {
	if in.l.silent() {
		*in.speaks = true
		return nil, sqlcore.ErrSilent
	}
	return in.l, in.l.broken
}

func (in inner) ground(context.Context) (*layout, error) { return in.l, nil }

// Run implements sqlcore.Querier.
func (in inner) Run(ctx context.Context, queries ...sqlcore.Query) error {
	return classify(run(ctx, in.conn, queries...))
}

// write keeps a failed write from failing the transaction around it.
func (in inner) write(ctx context.Context, statements ...sqlcore.Query) error {
	all := make([]sqlcore.Query, 0, len(statements)+2)
	all = append(all, sqlcore.Query{SQL: "SAVEPOINT varve"})
	all = append(all, statements...)
	all = append(all, sqlcore.Query{SQL: "RELEASE varve"})
	err := run(ctx, in.conn, all...)
	if err != nil && in.conn.PgConn().TxStatus() == 'E' {
		_ = run(ctx, in.conn, sqlcore.Query{SQL: "ROLLBACK TO varve"}, sqlcore.Query{SQL: "RELEASE varve"})
	}
	return classify(err)
}

func (in inner) once() access {
	in.conn.prepare = false
	return in
}

func (in inner) after(fn func()) { *in.later = append(*in.later, fn) }

func (in inner) atomic(ctx context.Context, fn func(access) error) error {
	if err := run(ctx, in.conn, sqlcore.Query{SQL: "SAVEPOINT varve_unit"}); err != nil {
		return classify(err)
	}
	mark := len(*in.later)
	failed := fn(in)
	if failed != nil {
		*in.later = (*in.later)[:mark]
		_ = run(ctx, in.conn, sqlcore.Query{SQL: "ROLLBACK TO varve_unit"})
	}
	if err := run(ctx, in.conn, sqlcore.Query{SQL: "RELEASE varve_unit"}); err != nil && failed == nil {
		failed = classify(err)
	}
	return failed
}
