//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Store is an open file with the store beside it. It is safe for concurrent
// use.
type Store struct {
	store.Store // beside
	path        string
	opt         Options
	lock        *duck.Lock
	*engine

	tables tables
	log    journal
	known  atomic.Bool // there is a place for notes and declarations

	stop context.CancelFunc
	done sync.WaitGroup
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Scrubber = (*Store)(nil)
	_ store.Doctor   = (*Store)(nil)
)

// Open opens the file, which is made where there is none, and the store beside
// it. errs.Unavailable while another process has the file.
func Open(ctx context.Context, path string, beside store.Beside, o Options) (store.Store, error) {
	s := &Store{path: path, opt: o.withDefaults()}
	if err := s.open(ctx, beside); err != nil {
		return nil, errors.Join(err, s.release())
	}
	within, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.housekeeping(within) })
	return s, nil
}

func (s *Store) open(ctx context.Context, beside store.Beside) error {
	// First of all, since to close the file gives up locks on it that another
	// store of this process has.
	lock, held, err := duck.LockFile(s.path + ".lock")
	if held {
		err = s.taken()
	}
	if err != nil {
		return err
	}
	s.lock = lock
	if err := recognise(s.path); err != nil {
		return err
	}
	if s.engine, err = openEngine(ctx, s.path, s.opt); err != nil {
		if duck.Locked(s.path) {
			return s.taken()
		}
		return err
	}
	if s.Store, err = beside(ctx, s.path+Suffix); err != nil {
		return err
	}
	return s.recall(ctx)
}

func (s *Store) taken() error {
	return errs.Field(errs.Unavailable, "url", "another process has %s open, and DuckDB lets in one at a time: stop that process, or ask through its server", filepath.Base(s.path))
}

// recognise refuses a file that is there and none of DuckDB's, before the
// engine guesses what it may be.
func recognise(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the DuckDB file cannot be read")
	}
	defer f.Close()
	head := make([]byte, 12) // a checksum, then the mark
	switch _, err := io.ReadFull(f, head); {
	case errors.Is(err, io.EOF): // empty
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return errs.Wrap(errs.Unavailable, err, "the DuckDB file cannot be read")
	case string(head[8:]) != "DUCK":
		return errs.Field(errs.Invalid, "url", "%s is no file of DuckDB's; name another, or open it as what it is", filepath.Base(path))
	}
	return nil
}

// Query implements store.Tx.
func (s *Store) Query() query.Store { return data{s} }

// Update implements store.Store, for all but the user's tables.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	return store.UpdateBeside(ctx, s.Store, "tables in a DuckDB file are not part of a transaction, which is in the file beside it: ask and change them outside, or keep them in SQLite, PostgreSQL or MySQL", fn)
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error {
	return errors.Join(s.Store.Ping(ctx), s.alive(ctx))
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	return s.release()
}

func (s *Store) release() (err error) {
	if s.Store != nil {
		err = s.Store.Close()
	}
	if s.engine != nil {
		err = errors.Join(err, s.engine.close())
	}
	s.lock.Release()
	return err
}

// housekeeping takes over notes before the store beside drops them, and drops
// old ones, every hour until ctx ends.
func (s *Store) housekeeping(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if _, err := s.Prune(ctx, now); err != nil && ctx.Err() == nil {
				s.opt.Log.Warn("the change log could not be pruned", "err", err)
			}
		}
	}
}
