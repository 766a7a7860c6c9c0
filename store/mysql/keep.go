package mysql

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Retention is how long notes of changes are kept at least.
const Retention = 24 * time.Hour

// consumer is the beginning of the keys in varve_meta under which consumers of
// the log note their positions.
const consumer = "consumer."

// chunk is how many notes one transaction drops.
const chunk = 10_000

// Prune drops notes that are older than Retention at now and that every
// consumer which notes its position in varve_meta has read; the newest stays.
// It returns how many went.
func (s *Store) Prune(ctx context.Context, now time.Time) (gone int64, err error) {
	if err := s.own(ctx); err != nil {
		return 0, err
	}
	bound, err := s.bound(ctx, now)
	if err != nil {
		return 0, err
	}
	for {
		done, err := s.db.ExecContext(ctx, `DELETE FROM varve_change WHERE position<=? ORDER BY position LIMIT `+strconv.Itoa(chunk), bound)
		if err != nil {
			return gone, s.notice(classify(err))
		}
		n, _ := done.RowsAffected() // this driver knows
		if gone += n; n < chunk {
			break
		}
	}
	return gone, s.notice(send(ctx, s.db, s.limit, sqlcore.Query{SQL: `DELETE FROM varve_tombstone WHERE at<?`, Args: []any{moment(now.Add(-forgotten))}}))
}

// bound is the last position that may go.
func (s *Store) bound(ctx context.Context, now time.Time) (bound int64, err error) {
	if err := s.place(ctx); err != nil {
		return 0, err
	}
	bound = math.MaxInt64
	before := func(r sqlcore.Row) error {
		bound = min(bound, r.(row).number(0)-1)
		return nil
	}
	err = send(ctx, s.db, s.limit,
		sqlcore.Query{SQL: `SELECT coalesce(max(position),0) FROM varve_change`, Each: before},
		sqlcore.Query{SQL: `SELECT position FROM varve_change WHERE position IS NOT NULL AND at>=? ORDER BY position LIMIT 1`,
			Args: []any{moment(now.Add(-Retention))}, Each: before},
		sqlcore.Query{SQL: `SELECT "value" FROM varve_meta WHERE "key" LIKE ?`, Args: []any{consumer + "%"}, Each: func(r sqlcore.Row) error {
			if n, err := strconv.ParseInt(r.(row).text(0), 10, 64); err == nil {
				bound = min(bound, n)
			}
			return nil
		}})
	return bound, s.notice(err)
}

// keeper prunes every hour until it is stopped.
type keeper struct {
	stop context.CancelFunc
	done chan struct{}
}

func (s *Store) keep() *keeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		s.housekeeping(ctx)
	}()
	return k
}

func (k *keeper) close() {
	k.stop()
	<-k.done
}

func (s *Store) housekeeping(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if !s.founded.Load() {
				continue
			}
			if _, err := s.Prune(ctx, now); err != nil && ctx.Err() == nil {
				s.log.Warn("the change log could not be pruned", "err", err)
			}
		}
	}
}
