//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/state"
)

// Sources are what a mirror follows.
type Sources struct {
	State   state.Store
	Chat    chat.Store
	Changes change.Log
	// ID tells the database from any other: a mirror of another is not used.
	ID string
}

// Options tune a [Mirror]. The zero value works.
type Options struct {
	// Path is the file of the mirror; "" keeps it in memory. Where another
	// process has the file, it is in memory too.
	Path string
	// Memory bounds what the engine takes, the mirror's own columns included
	// when it is in memory; 1 GiB.
	Memory int64
	// Statements is how many run at once; 8.
	Statements int
	Log        *slog.Logger
	// Now is the clock.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Memory <= 0 {
		o.Memory = analytics.DefaultMemory
	}
	if o.Statements <= 0 {
		o.Statements = 8
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Mirror is the engine. It is safe for concurrent use.
type Mirror struct {
	src  Sources
	opt  Options
	lock *duck.Lock // the mirror's file is this process's; nil: it is in memory
	away bool       // there is a file, and another process has it

	slots   chan struct{}  // one for every statement that runs
	running sync.WaitGroup // statements, those that nobody waits for any more too

	// sync is held while the mirror follows; what is below it is its.
	sync   chan struct{}
	closed bool
	// use is held for reading by every answer, and for writing while the engine
	// is put away: a file is made anew when nobody reads it.
	use sync.RWMutex
	eng *engine
}

var _ analytics.Engine = (*Mirror)(nil)

// Open opens the mirror. What it follows is read at the first question.
func Open(ctx context.Context, src Sources, o Options) (*Mirror, error) {
	m := &Mirror{src: src, opt: o.withDefaults()}
	m.slots, m.sync = make(chan struct{}, m.opt.Statements), make(chan struct{}, 1)
	if m.opt.Path != "" {
		var err error
		if m.lock, _, err = duck.LockFile(m.opt.Path + ".lock"); err != nil {
			return nil, err
		}
		if m.lock == nil {
			m.opt.Log.Info("another process has the mirror; this one keeps its own in memory", "file", m.opt.Path)
			m.opt.Path, m.away = "", true
		}
	}
	eng, err := m.openEngine(ctx)
	if err != nil {
		m.lock.Release()
		return nil, err
	}
	m.eng = eng
	return m, nil
}

// Name implements analytics.Engine.
func (m *Mirror) Name() string { return "DuckDB " + duck.Version() }

// Close implements analytics.Engine.
func (m *Mirror) Close() error {
	m.sync <- struct{}{}
	defer func() { <-m.sync }()
	if m.closed {
		return nil
	}
	m.closed = true
	m.running.Wait()
	m.use.Lock()
	defer m.use.Unlock()
	err := m.eng.close()
	m.lock.Release()
	return err
}

// Sync takes over what is new, as every question does before it is asked.
func (m *Mirror) Sync(ctx context.Context) error {
	return m.following(ctx, func() error { return m.follow(ctx, false) })
}

// following runs fn while nobody else follows. Where the engine turns out to be
// damaged it is made anew, once, and fn runs again.
func (m *Mirror) following(ctx context.Context, fn func() error) error {
	select {
	case m.sync <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-m.sync }()
	if m.closed {
		return errs.New(errs.Unavailable, "the mirror is closed")
	}
	err := fn()
	if !errors.Is(err, duck.ErrDamaged) {
		return err
	}
	if err := m.mend(ctx, err); err != nil {
		return err
	}
	return fn()
}

var _ analytics.Forgetter = (*Mirror)(nil)

// Forget implements analytics.Forgetter. Freed blocks of the file are not
// overwritten, so the file goes.
func (m *Mirror) Forget(ctx context.Context) error {
	if err := m.following(ctx, func() error { return m.renew(ctx) }); err != nil {
		return err
	}
	if m.away {
		return errs.New(errs.Unavailable, "another process has the mirror's file: stop it, or do this through it")
	}
	return nil
}

// mend makes a damaged mirror anew. The caller follows.
func (m *Mirror) mend(ctx context.Context, why error) error {
	m.opt.Log.Warn("the mirror cannot be read and is made anew", "err", why)
	return m.renew(ctx)
}

// renew makes the mirror anew, from nothing. The caller follows.
func (m *Mirror) renew(ctx context.Context) error {
	for !m.use.TryLock() { // answers that are still being read are waited for
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
	defer m.use.Unlock()
	err := m.eng.close()
	if err == nil && m.opt.Path != "" {
		err = removeFile(m.opt.Path)
	}
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the mirror cannot be made anew")
	}
	eng, err := m.openEngine(ctx)
	if err != nil {
		// Closed is closed: the next question finds an engine that says so.
		return err
	}
	m.eng = eng
	return nil
}
