package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Retention is how long notes of changes are kept at least.
const Retention = 24 * time.Hour

// consumer is the beginning of the keys in varve_meta under which consumers of
// the log note their positions.
const consumer = "consumer."

// forgotten is the age at which a tombstone goes. It is more than
// chat.TombstoneAge, since cursors that name the thread live on a while.
const forgotten = 7 * 24 * time.Hour

// chunk is how many notes one transaction drops.
const chunk = 10_000

// Prune drops notes that are older than Retention at now and that every
// consumer which notes its position in varve_meta has read; the newest stays,
// since it tells a restored database from others. It returns how many went.
func (s *Store) Prune(ctx context.Context, now time.Time) (int64, error) {
	l, err := s.logged(ctx)
	if err != nil {
		return 0, err
	}
	var all int64
	for {
		n, err := l.prune(ctx, s.direct(), now)
		all += n
		if err != nil || n < chunk {
			return all, err
		}
	}
}

func (l *layout) prune(ctx context.Context, at access, now time.Time) (n int64, err error) {
	notes := l.varve("varve_change")
	sql := fmt.Sprintf(`WITH bound AS MATERIALIZED (SELECT least(
  (SELECT max(position)-1 FROM %[1]s),
  (SELECT min(position)-1 FROM %[1]s WHERE at>=$1::timestamptz),
  (SELECT min(value::bigint) FROM %[2]s WHERE starts_with(key,$2::text) AND value~'^\d{1,18}$')) AS position),
gone AS (DELETE FROM %[1]s c USING (SELECT o.position FROM %[1]s o,bound WHERE o.position<=bound.position ORDER BY 1 LIMIT %[3]d) old
  WHERE c.position=old.position RETURNING 1)
SELECT count(*) FROM gone`, notes, l.varve("varve_meta"), chunk)
	err = at.write(ctx,
		sqlcore.Query{SQL: sql, Args: []any{now.Add(-Retention), consumer}, Each: func(r sqlcore.Row) error {
			n = position(r.(row).text(0))
			return nil
		}},
		sqlcore.Query{SQL: `DELETE FROM ` + l.varve("varve_tombstone") + ` WHERE at<$1::timestamptz`, Args: []any{now.Add(-forgotten)}})
	return n, err
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
			if l := cmp.Or(s.layout.Load(), s.bare.Load()); l == nil || !l.founded() {
				continue
			}
			if _, err := s.Prune(ctx, now); err != nil && ctx.Err() == nil {
				s.log.Warn("the change log could not be pruned", "err", err)
			}
		}
	}
}

// lift raises the base of positions on a database that was restored into a
// cluster whose transaction numbers are smaller than those in its log: new
// notes would come before old ones, and readers would never see them.
func (s *Store) lift(ctx context.Context, l *layout) {
	if l.ahead <= 0 {
		return
	}
	sql := fmt.Sprintf(`CREATE OR REPLACE FUNCTION %s() RETURNS BIGINT LANGUAGE sql IMMUTABLE AS 'SELECT %d::bigint'`,
		l.varve("varve_base"), l.base+l.ahead)
	if err := s.direct().write(ctx, sqlcore.Query{SQL: sql}); err != nil {
		s.log.Warn("this database was restored from another cluster, and its change log stands still until varve_base can be raised", "err", err)
		return
	}
	s.log.Info("this database was restored from another cluster; positions of the change log go on above the old ones")
}
