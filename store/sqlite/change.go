package sqlite

import (
	"context"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Retention is how long notes of changes are kept at least.
const Retention = 24 * time.Hour

// Changes implements change.Log. Positions are in the order of commits, since
// one program writes to the file at a time.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (events []change.Event, err error) {
	if !s.known.Load() {
		return nil, errNoLog
	}
	err = s.read(ctx, func(c *conn) error {
		return c.query(`SELECT "position","table","key","last","op","at" FROM varve_change WHERE position>? ORDER BY position LIMIT ?`, func(r sqlcore.Row) error {
			var e change.Event
			n := r.(row)
			e.Position = n.ColumnInt64(0)
			e.Table, _ = r.Text(1)
			e.Key, _ = r.Text(2)
			e.Last, _ = r.Text(3)
			op, _ := r.Text(4)
			e.Op, e.At = change.Op(op), time.UnixMilli(n.ColumnInt64(5)).UTC()
			events = append(events, e)
			return nil
		}, after, limit)
	})
	return events, err
}

// Head implements change.Log.
func (s *Store) Head(ctx context.Context) (head int64, err error) {
	if !s.known.Load() {
		return 0, errNoLog
	}
	err = s.read(ctx, func(c *conn) error {
		head, err = c.head()
		return err
	})
	return head, err
}

var _ change.Noter = (*tx)(nil)

// Note implements change.Noter.
func (t *tx) Note(ctx context.Context, events []change.Event) error {
	if !t.store.known.Load() {
		return errNoLog
	}
	return t.write(ctx, func(c *conn) error {
		for _, e := range events {
			var last any
			if e.Last != "" {
				last = e.Last
			}
			if err := c.exec(`INSERT INTO varve_change ("table",key,last,op,at) VALUES (?,?,?,?,?)`, e.Table, e.Key, last, string(e.Op), e.At.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

var errNoLog = errs.New(errs.Unsupported, "there is no change log in a database that Varve did not make; see Mend")

func (c *conn) head() (int64, error) {
	return c.number(`SELECT max(position) FROM varve_change`)
}

// consumer is the beginning of the keys in varve_meta under which consumers of
// the log note their positions.
const consumer = "consumer."

// Prune drops notes that are older than Retention at now and that every
// consumer has read: those that note a position in varve_meta, and the search
// index. The newest note stays in any case, so that no position is used twice.
// It returns how many were dropped.
func (s *Store) Prune(ctx context.Context, now time.Time) (n int64, err error) {
	if !s.known.Load() {
		return 0, errNoLog
	}
	indexed, err := s.search.position(ctx)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, func(c *conn) error {
		before := c.db.TotalChanges()
		// Notes are in the order of their times but for clocks that were set
		// back, so what goes is a range of positions, cheap to find and drop.
		err := c.exec(`DELETE FROM varve_change WHERE position<=min(`+
			`(SELECT max(position)-1 FROM varve_change),`+
			`coalesce((SELECT min(position)-1 FROM varve_change WHERE at>=?1),9e18),`+
			`coalesce((SELECT min(CAST(value AS INTEGER)) FROM varve_meta WHERE key GLOB ?2),9e18),?3)`,
			now.Add(-Retention).UnixMilli(), consumer+"*", indexed)
		n = c.db.TotalChanges() - before
		if p := s.chat.Load(); err != nil || p == nil || !p.tracked {
			return err
		}
		return c.exec(`DELETE FROM varve_tombstone WHERE at<?`, now.Add(-forgotten).UnixMilli())
	})
	return n, err
}

// forgotten is the age at which a tombstone goes. It is more than
// chat.TombstoneAge, since cursors that name the thread live on a while.
const forgotten = 7 * 24 * time.Hour

// housekeeping brings the search index up to date and prunes, every hour until
// ctx ends.
func (s *Store) housekeeping(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.search.refresh(ctx)
			if _, err := s.Prune(ctx, now); err != nil && err != errNoLog && ctx.Err() == nil {
				s.opt.Log.Warn("the change log could not be pruned", "err", err)
			}
		}
	}
}
