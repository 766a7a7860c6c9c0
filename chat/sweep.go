package chat

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
)

// sweeper deletes orphaned bytes after the transaction that orphaned them, and
// again until it works. It looks when told, and now and then for what a
// failure or an earlier process left. Threads whose time is over go the same
// way.
type sweeper struct {
	service *Service
	wake    chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	once    sync.Once
	done    chan struct{}

	turn  chan struct{} // held by who deletes
	mu    sync.Mutex
	held  map[string]bool // keys being written or deleted
	freed chan struct{}   // closed when some of them are no more
}

const (
	sweepEvery  = time.Minute
	retainEvery = time.Hour
	sweepBatch  = 100
)

func newSweeper(s *Service) *sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	return &sweeper{service: s, wake: make(chan struct{}, 1), ctx: ctx, cancel: cancel,
		done: make(chan struct{}), turn: make(chan struct{}, 1), held: map[string]bool{}, freed: make(chan struct{})}
}

// begin starts the goroutine, unless it was started or stopped.
func (s *sweeper) begin() { s.once.Do(func() { go s.run(s.ctx) }) }

// stop ends the goroutine, and waits for it; it cannot begin any more.
func (s *sweeper) stop() {
	s.cancel()
	s.once.Do(func() { close(s.done) })
	<-s.done
}

func (s *sweeper) log() *slog.Logger { return s.service.opt.Log }

func (s *sweeper) run(ctx context.Context) {
	defer close(s.done)
	sweep, retain := time.NewTicker(sweepEvery), time.NewTicker(retainEvery)
	defer sweep.Stop()
	defer retain.Stop()
	s.retain(ctx)
	for {
		for s.batch(ctx) == sweepBatch {
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-sweep.C:
		case <-retain.C:
			s.retain(ctx)
		}
	}
}

// retain deletes the threads that are older than they may be.
func (s *sweeper) retain(ctx context.Context) {
	if len(s.service.opt.Retain) == 0 {
		return
	}
	n, err := s.service.Retain(ctx, s.service.opt.Retain, false, nil)
	if n.Threads > 0 {
		s.log().Info("threads were deleted whose time was over", "threads", n.Threads)
	}
	if err != nil && ctx.Err() == nil {
		s.log().Warn("threads whose time is over could not all be deleted", "err", err)
	}
}

// batch deletes what it can of the oldest orphans and returns how many.
func (s *sweeper) batch(ctx context.Context) int {
	if s.service.opt.Files == nil {
		return 0
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	defer func() { <-s.turn }()
	now := s.service.opt.Now()
	keys, err := s.service.store.Orphans(ctx, now, sweepBatch)
	if err != nil || len(keys) == 0 {
		return 0
	}
	n, _ := s.delete(ctx, now, keys, sweepBatch) // what failed comes again
	return n
}

// delete deletes the bytes of keys that are still orphans: they may have been
// written anew since they were listed. limit is how many orphans to look
// through for them.
func (s *sweeper) delete(ctx context.Context, now time.Time, keys []string, limit int) (n int, failed error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !s.hold(key) })
	defer s.release(keys...)
	still, err := s.service.store.Orphans(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	var gone []string
	for _, key := range keys {
		if !slices.Contains(still, key) {
			continue
		}
		if err := s.service.opt.Files.Delete(ctx, key); err != nil {
			s.log().Warn("bytes could not be deleted yet", "err", err)
			failed = err
			continue
		}
		gone = append(gone, key)
	}
	if len(gone) == 0 {
		return 0, failed
	}
	if err := s.service.store.Forget(ctx, gone); err != nil {
		return 0, err
	}
	return len(gone), failed
}

// drain deletes all orphans that are chosen; an error says that some are left.
// What is being uploaded by this process is no orphan, whatever the time.
func (s *sweeper) drain(ctx context.Context, now time.Time, chosen func(key string) bool) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the call was given up")
	}
	defer func() { <-s.turn }()
	for limit := sweepBatch; ; {
		keys, err := s.service.store.Orphans(ctx, now, limit)
		if err != nil {
			return err
		}
		all := len(keys) < limit
		keys = slices.DeleteFunc(keys, func(key string) bool { return !chosen(key) })
		n, err := s.delete(ctx, now, keys, limit)
		if err != nil || all {
			return err
		}
		if n == 0 { // others' stand before them
			limit *= 4
		}
	}
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
	close(s.freed)
	s.freed = make(chan struct{})
}

// await holds a key as soon as nobody else does.
func (s *sweeper) await(ctx context.Context, key string) error {
	for {
		s.mu.Lock()
		freed, taken := s.freed, s.held[key]
		if !taken {
			s.held[key] = true
		}
		s.mu.Unlock()
		if !taken {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the call was given up")
		}
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

// Swept is what a sweep deleted, or would.
type Swept struct {
	Keys    int   `json:"keys" doc:"that no element names"`
	Files   int   `json:"files" doc:"of them, those with bytes"`
	Bytes   int64 `json:"bytes"`
	Waiting int   `json:"waiting" doc:"uploads of the last day whose element may still come; they stay"`
}

// Sweep deletes at once the bytes that no element names any more, and what
// uploads left that broke off a day ago; a service that is open does so by
// itself sooner or later. each, unless nil, is told of the keys. With dry
// nothing is deleted. errs.Unsupported where there is no place for bytes,
// errs.Forbidden when acting for a user.
func (s *Service) Sweep(ctx context.Context, dry bool, each func(key string)) (Swept, error) {
	var out Swept
	switch {
	case Actor(ctx) != "":
		return out, errs.New(errs.Forbidden, "only a caller that acts for no user may sweep")
	case s.opt.Files == nil || s.sweep == nil:
		return out, errNoFiles
	}
	s.port()
	now := s.opt.Now()
	keys, err := s.sweep.all(ctx, now)
	if err != nil {
		return out, err
	}
	late, err := s.sweep.all(ctx, now.Add(UploadGrace))
	if err != nil {
		return out, err
	}
	out.Keys, out.Waiting = len(keys), max(0, len(late)-len(keys))
	for _, key := range keys {
		if err := s.sweep.weigh(ctx, key, &out); err != nil {
			return out, err
		}
		if each != nil {
			each(key)
		}
	}
	if dry || len(keys) == 0 {
		return out, nil
	}
	known := make(map[string]bool, len(keys))
	for _, key := range keys {
		known[key] = true
	}
	return out, s.sweep.drain(ctx, now, func(key string) bool { return known[key] })
}

// all are all orphans at a time.
func (s *sweeper) all(ctx context.Context, now time.Time) ([]string, error) {
	for limit := sweepBatch; ; limit *= 4 {
		keys, err := s.service.store.Orphans(ctx, now, limit)
		if err != nil || len(keys) < limit {
			return keys, err
		}
	}
}

// weigh adds the bytes under a key.
func (s *sweeper) weigh(ctx context.Context, key string, out *Swept) error {
	c, err := s.service.opt.Files.Open(ctx, key)
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Invalid:
		return nil
	}
	if err != nil {
		return err
	}
	c.Body.Close()
	out.Files++
	out.Bytes += max(0, c.Size)
	return nil
}
