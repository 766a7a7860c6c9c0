package state

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
)

// Retention says what a table keeps of its past. The newest version of every
// row is always kept, a tombstone too. What any of the bounds covers stays.
type Retention struct {
	// Age keeps the table as it was at any time that is not longer ago.
	Age time.Duration
	// Versions keeps that many newest versions of every row, however old.
	Versions int64
	// Positions keeps the table as it was at each of that many newest
	// positions, which all rows share.
	Positions int64
}

// Retain forgets what a retention does not cover, and returns how many
// versions went. States of the table that nothing went from can be told as
// before; older ones are errs.Gone from then on, and [Table].Horizon says from
// where. A version that stayed can be read by its number, and restored, also
// where the state of the whole table is gone. Nothing runs Retain by itself:
// call it from time to time, from any process. It may run beside writers and
// readers. Places on disk are free for new versions.
func (r *Rows) Retain(ctx context.Context, keep Retention) (int64, error) {
	if keep.Age < 0 || keep.Versions < 0 || keep.Positions < 0 || keep == (Retention{}) {
		return 0, errs.Field(errs.Invalid, "retention", "needs an age or a number of versions or positions to keep, not negative")
	}
	t, err := r.current(ctx)
	if err != nil {
		return 0, err
	}
	head, err := r.s.store.Head(ctx, t)
	if err != nil {
		return 0, err
	}
	horizon := head.Seq
	if keep.Positions > 0 {
		horizon = head.Seq - keep.Positions + 1
	}
	if keep.Age > 0 {
		seq, err := r.s.store.Position(ctx, t, r.s.opt.Now().Add(-keep.Age))
		if err != nil {
			return 0, err
		}
		horizon = min(horizon, seq)
	}
	if horizon <= 0 {
		return 0, nil
	}
	return r.compact(ctx, horizon, keep.Versions)
}

// Compact forgets the versions that no state at a position or later shows, and
// returns how many went. The table as of that position and of all later ones
// can be told as before; before it, states are errs.Gone.
func (r *Rows) Compact(ctx context.Context, position int64) (int64, error) {
	return r.compact(ctx, position, 0)
}

// compact leaves the newest keep versions of each row.
func (r *Rows) compact(ctx context.Context, position, keep int64) (int64, error) {
	if r.s.user != nil {
		return 0, errs.New(errs.Forbidden, "only a caller that acts for no user may compact a table")
	}
	head, err := r.Head(ctx)
	if err != nil {
		return 0, err
	}
	if position < 0 || position > head.Seq {
		return 0, errs.Field(errs.Invalid, "position", "%d is not between 0 and that of the newest version, %d", position, head.Seq)
	}
	t, err := r.current(ctx)
	if err != nil {
		return 0, err
	}
	n, err := r.s.store.Compact(ctx, t, position, keep)
	if err != nil {
		return 0, err
	}
	_, err = r.refresh(ctx)
	return n, err
}

// Position is that of the last version at or before a time; 0: there is none.
func (r *Rows) Position(ctx context.Context, at time.Time) (int64, error) {
	t, err := r.current(ctx)
	if err != nil {
		return 0, err
	}
	return r.s.store.Position(ctx, t, at)
}
