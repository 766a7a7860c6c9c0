package folder

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
)

// take waits for the turn to write: in this process, then among processes. Not
// waiting, it tells whether it was there to be had.
func (s *Store) take(ctx context.Context, wait bool) (bool, error) {
	if wait {
		select {
		case <-s.turn:
		case <-ctx.Done():
			return false, givenUp(ctx)
		}
	} else {
		select {
		case <-s.turn:
		default:
			return false, nil
		}
	}
	held, err := s.takeLock(ctx, wait)
	if !held {
		s.turn <- struct{}{}
	}
	return held, err
}

// takeLock asks again and again, since a wait for the lock itself could not be
// given up. The longest pause is much shorter than a write takes.
func (s *Store) takeLock(ctx context.Context, wait bool) (bool, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 16*time.Millisecond) {
		held, err := tryLock(s.lock)
		if err != nil {
			return false, errs.Wrap(errs.Unavailable, err, "the folder cannot be locked")
		}
		if held || !wait {
			return held, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false, givenUp(ctx)
		}
	}
}

// give gives the turn back.
func (s *Store) give() {
	if err := unlock(s.lock); err != nil {
		s.opt.Log.Error("the folder could not be unlocked", "err", err)
	}
	s.turn <- struct{}{}
}

func givenUp(ctx context.Context) error {
	return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the call was given up")
}
