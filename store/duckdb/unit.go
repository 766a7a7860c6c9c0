//go:build cgo && !no_duckdb

package duckdb

import (
	"context"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// unit is one transaction on the writer, with the notes that it leaves.
type unit struct {
	*duck.Conn
	store    *Store
	position int64 // of its last note
	relayed  int64
	found    bool // it made the place for notes
	// altered are tables as they are when it is done; nil is one that is gone.
	altered map[string]*sqlquery.Table
	anew    bool // altered are all tables there are
}

// change runs fn as one unit: what it writes, and its notes, are durable when
// change returns nil, and nothing of it is there else. A file that others made
// gets a place for notes with its first change.
func (s *Store) change(ctx context.Context, fn func(*unit) error) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	return givenUp(ctx, s.alone(ctx, func(c *duck.Conn) error {
		u := &unit{Conn: c, store: s, position: s.log.position.Load(), relayed: s.log.relayed.Load(), altered: map[string]*sqlquery.Table{}}
		return c.TransactionWith(ctx, func() error {
			if err := u.foundation(ctx); err != nil {
				return err
			}
			return fn(u)
		}, u.commit)
	}))
}

// commit ends the unit, and lets readers know. While tables change nobody is
// told what they are.
func (u *unit) commit(end func() error) error {
	t := &u.store.tables
	if len(u.altered) > 0 || u.anew {
		t.mu.Lock()
		defer t.mu.Unlock()
	}
	u.store.commits.Add(1)
	err := end()
	u.store.commits.Add(1)
	if err != nil {
		return err
	}
	t.learn(u.altered, u.anew)
	u.store.log.position.Store(u.position)
	u.store.log.relayed.Store(u.relayed)
	if u.found {
		u.store.known.Store(true)
	}
	return nil
}

// note notes changes, in their order; their positions follow on the last.
func (u *unit) note(ctx context.Context, events []change.Event) error {
	if len(events) == 0 {
		return nil
	}
	for i := range events {
		u.position++
		events[i].Position = u.position
	}
	return u.append(ctx, events)
}

// append writes notes at the positions that they have.
func (u *unit) append(ctx context.Context, events []change.Event) error {
	a, err := u.Append("main", "varve_change")
	if err != nil {
		return err
	}
	defer a.Close()
	for _, e := range events {
		row, to, err := a.Row()
		if err != nil {
			return err
		}
		to[0].Int(row, e.Position)
		to[1].Text(row, e.Table)
		to[2].Text(row, e.Key)
		if e.Last == "" {
			to[3].Null(row)
		} else {
			to[3].Text(row, e.Last)
		}
		to[4].Text(row, string(e.Op))
		to[5].Int(row, e.At.UnixMicro())
	}
	return a.Flush(ctx)
}

// givenUp is an error of what ran within ctx.
func givenUp(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the call was given up")
}
