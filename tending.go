package varve

import (
	"context"
	"sync"
	"time"

	"github.com/varvedb/varve/lake"
)

// How often a lake is swept. Most programs that open a database are commands,
// which are over before the first time.
const (
	sweepSoon  = 10 * time.Minute
	sweepEvery = 6 * time.Hour
)

// tending is the goroutine that frees the lake's unused bytes while the
// database is open.
type tending struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

func (t *tending) begin(files *lake.Service, o Options) {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	every := o.Sweep
	if every == 0 {
		every = sweepEvery
	}
	log := o.Log.With("part", "lake")
	t.ended.Go(func() {
		files.Tend(ctx, min(sweepSoon, every), every, func(freed lake.Swept, err error) {
			switch {
			case err != nil:
				log.Warn("bytes that no file has could not be freed; it is tried again", "err", err)
			case freed.Contents > 0:
				log.Info("bytes that no file has were freed", "contents", freed.Contents, "bytes", freed.Bytes)
			}
		})
	})
}

// stop ends it and waits for that.
func (t *tending) stop() {
	if t.cancel != nil {
		t.cancel()
		t.ended.Wait()
	}
}
