package chat

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// sweeper deletes orphaned bytes after the transaction that orphaned them, and
// again until it works. It looks when told, and now and then for what a
// failure or an earlier process left.
type sweeper struct {
	store  Store
	files  Files
	log    *slog.Logger
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
	done   chan struct{}

	mu   sync.Mutex
	held map[string]bool // keys being written or deleted
}

const (
	sweepEvery = time.Minute
	sweepBatch = 100
)

func newSweeper(store Store, files Files, log *slog.Logger) *sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	return &sweeper{store: store, files: files, log: log, wake: make(chan struct{}, 1),
		ctx: ctx, cancel: cancel, done: make(chan struct{}), held: map[string]bool{}}
}

// begin starts the goroutine, unless it was started or stopped.
func (s *sweeper) begin() { s.once.Do(func() { go s.run(s.ctx) }) }

// stop ends the goroutine, and waits for it; it cannot begin any more.
func (s *sweeper) stop() {
	s.cancel()
	s.once.Do(func() { close(s.done) })
	<-s.done
}

func (s *sweeper) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		for s.batch(ctx) == sweepBatch {
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// batch deletes what it can of the oldest orphans and returns how many.
func (s *sweeper) batch(ctx context.Context) int {
	keys, err := s.store.Orphans(ctx, sweepBatch)
	if err != nil || len(keys) == 0 {
		return 0
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !s.hold(key) })
	defer s.release(keys...)
	// A key may have been written anew between the two looks.
	still, err := s.store.Orphans(ctx, sweepBatch)
	if err != nil {
		return 0
	}
	var gone []string
	for _, key := range keys {
		if !slices.Contains(still, key) {
			continue
		}
		if err := s.files.Delete(ctx, key); err != nil {
			s.log.Warn("bytes could not be deleted yet", "key", key, "err", err)
			continue
		}
		gone = append(gone, key)
	}
	if len(gone) == 0 {
		return 0
	}
	if err := s.store.Forget(ctx, gone); err != nil {
		return 0
	}
	return len(gone)
}

// hold keeps a key to its holder: no other writer of it, no sweep. false: it
// is held already.
func (s *sweeper) hold(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key] {
		return false
	}
	s.held[key] = true
	return true
}

func (s *sweeper) release(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.held, key)
	}
}

// swept wakes the sweeper after a write that may have orphaned bytes.
func (s *Service) swept() {
	if s.sweep == nil {
		return
	}
	select {
	case s.sweep.wake <- struct{}{}:
	default:
	}
}
