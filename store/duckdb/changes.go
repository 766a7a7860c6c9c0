//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/store"
)

// Retention is how long notes of changes are kept at least.
const Retention = 24 * time.Hour

// journal is how far the log has come. Whoever has the writer changes it.
type journal struct {
	position atomic.Int64 // of the last note
	relayed  atomic.Int64 // the position in the log of the store beside up to which notes were taken over
}

var (
	_ change.Log     = (*Store)(nil)
	_ change.Stamper = (*Store)(nil)
)

// Changes implements change.Log. Positions are in the order of commits; notes
// of the store beside have theirs from when they were taken over, which is
// before anybody reads.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (events []change.Event, err error) {
	if !s.known.Load() {
		return s.Store.Changes(ctx, after, limit)
	}
	if err := s.relay(ctx); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(c *duck.Conn) error {
		events, err = s.events(ctx, c, after, limit)
		return err
	})
	return events, givenUp(ctx, err)
}

func (s *Store) events(ctx context.Context, c *duck.Conn, after int64, limit int) (events []change.Event, err error) {
	err = c.Each(ctx, `SELECT position,"table",key,last,op,"at" FROM `+s.place("varve_change")+` WHERE position>$1 ORDER BY position LIMIT $2`, func(row []any) error {
		e := change.Event{}
		e.Position, _ = row[0].(int64)
		e.Table, _ = row[1].(string)
		e.Key, _ = row[2].(string)
		e.Last, _ = row[3].(string)
		op, _ := row[4].(string)
		e.At, _ = row[5].(time.Time)
		e.Op = change.Op(op)
		events = append(events, e)
		return nil
	}, after, limit)
	return events, err
}

// Head implements change.Log.
func (s *Store) Head(ctx context.Context) (int64, error) {
	if !s.known.Load() {
		return s.Store.Head(ctx)
	}
	if err := s.relay(ctx); err != nil {
		return 0, err
	}
	return s.log.position.Load(), nil
}

// Stamp implements change.Stamper.
func (s *Store) Stamp(ctx context.Context) (string, error) {
	beside, ok := s.Store.(change.Stamper)
	if !ok {
		return "", errs.New(errs.Unsupported, "the store beside does not tell whether anything was written")
	}
	stamp, err := beside.Stamp(ctx)
	return stamp + "/" + strconv.FormatInt(s.log.position.Load(), 10), err
}

// lot is how many notes are taken over at once.
const lot = 10_000

// relay takes over the notes of the store beside that are new. A crash between
// a commit there and this one loses nothing: they are still new afterwards.
func (s *Store) relay(ctx context.Context) error {
	head, err := s.Store.Head(ctx)
	if errs.KindOf(err) == errs.Unsupported {
		return nil // it keeps none
	}
	for err == nil && head != s.log.relayed.Load() {
		err = s.change(ctx, func(u *unit) error { return u.take(ctx, head) })
	}
	return err
}

// take takes over one lot. Where the log beside is behind what was taken over
// it is another one, which begins from the beginning.
func (u *unit) take(ctx context.Context, head int64) error {
	if u.relayed > head {
		u.relayed = 0
	}
	events, err := u.store.Store.Changes(ctx, u.relayed, lot)
	if err != nil {
		return err
	}
	if len(events) > 0 {
		head = last(events)
	}
	u.relayed = head
	if err := u.note(ctx, events); err != nil {
		return err
	}
	return u.remember(ctx, "relayed", strconv.FormatInt(u.relayed, 10))
}

func (u *unit) remember(ctx context.Context, key, value string) error {
	return u.Each(ctx, `INSERT OR REPLACE INTO `+u.store.place("varve_meta")+` VALUES ($1,$2)`, nil, key, value)
}

// Prune drops notes that are older than Retention at now and that every
// consumer has read which notes its position in varve_meta. The newest note
// stays, so that no position is used twice. It returns how many were dropped.
func (s *Store) Prune(ctx context.Context, now time.Time) (n int64, err error) {
	if err := store.Outer(ctx); err != nil {
		return 0, err
	}
	if !s.known.Load() {
		return 0, nil
	}
	if err := s.relay(ctx); err != nil {
		return 0, err
	}
	err = s.change(ctx, func(u *unit) error {
		err := u.Each(ctx, `DELETE FROM `+s.place("varve_change")+` WHERE "at"<$1 AND position<$2 AND position<=coalesce((SELECT min(CAST(value AS BIGINT)) FROM `+
			s.place("varve_meta")+` WHERE starts_with(key,'consumer.')),$2) RETURNING 1`, func([]any) error { n++; return nil }, now.Add(-Retention), u.position)
		return err
	})
	return n, err
}
