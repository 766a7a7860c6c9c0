package varve

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
)

// How often what nobody needs any more is swept. Most programs that open a
// database are commands, which are over before the first time.
const (
	sweepSoon  = 10 * time.Minute
	sweepEvery = 6 * time.Hour
)

// tending are the goroutines that free unused bytes, of the lake and of
// artifacts, while the database is open.
type tending struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

func (t *tending) begin(db *DB, o Options) {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	every := o.Sweep
	if every == 0 {
		every = sweepEvery
	}
	log := o.Log.With("part", "lake")
	t.ended.Go(func() {
		db.lake.Tend(ctx, min(sweepSoon, every), every, func(freed lake.Swept, err error) {
			switch {
			case err != nil:
				log.Warn("bytes that no file has could not be freed; it is tried again", "err", err)
			case freed.Contents > 0:
				log.Info("bytes that no file has were freed", "contents", freed.Contents, "bytes", freed.Bytes)
			}
		})
	})
	if db.meta == db.store { // rows elsewhere may name what is known here
		t.ended.Go(func() { db.tend(ctx, min(sweepSoon, every), every, o) })
	}
}

// tend sweeps components and artifacts until ctx ends: a first time soon, then
// at intervals.
func (db *DB) tend(ctx context.Context, soon, every time.Duration, o Options) {
	log := o.Log.With("part", "artifacts")
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		freed, err := db.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errs.Unsupported): // there are none, or they are another node's
		case err != nil:
			log.Warn("artifacts that nobody names could not be freed; it is tried again", "err", err)
		case freed.Artifacts > 0:
			log.Info("artifacts that nobody names were freed", "artifacts", freed.Artifacts, "bytes", freed.Bytes)
		}
		timer.Reset(every)
	}
}

// stop ends it and waits for that.
func (t *tending) stop() {
	if t.cancel != nil {
		t.cancel()
		t.ended.Wait()
	}
}
