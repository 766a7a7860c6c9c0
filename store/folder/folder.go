package folder

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Own is the folder for what is not a table, in the folder of the tables.
const Own = ".varve"

// scratch begins the names of files that are being written.
const scratch = "new-"

// Options tune Open. The zero value works.
type Options struct {
	// Memory is how many bytes of files may be in memory at once, as they lie in
	// the folder; what is read from them takes some times as much. A larger file
	// is errs.TooLarge. Default: 256 MiB.
	Memory int64
	Log    *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is an open folder with the store beside. It is safe for concurrent use,
// by several processes as well.
type Store struct {
	store.Store // beside
	path        string
	opt         Options
	root        *os.Root
	lock        *os.File
	turn        chan struct{} // has one token: who takes it may take the lock
	notes       bool          // the store beside takes notes of changes
	keys        index         // of the file that was inserted into last; who has the turn has it

	close sync.Once

	mu    sync.Mutex
	slots map[string]*slot // by the names of files
	clock int64            // counts uses of slots
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Scrubber = (*Store)(nil)
	_ store.Doctor   = (*Store)(nil)
	_ change.Stamper = (*Store)(nil)
)

// Open opens a folder, which is made where there is none, and the store beside.
func Open(ctx context.Context, path string, beside store.Beside, o Options) (store.Store, error) {
	s := &Store{path: path, opt: o.withDefaults(), turn: make(chan struct{}, 1), slots: map[string]*slot{}}
	s.turn <- struct{}{}
	if err := s.open(ctx, beside); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, beside store.Beside) (err error) {
	for _, dir := range []string{s.path, filepath.Join(s.path, Own)} {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return errs.Wrap(errs.Unavailable, err, "the folder %s cannot be made, and what is not a table needs one", filepath.Base(dir))
		}
	}
	if s.root, err = os.OpenRoot(s.path); err != nil {
		return unread(err, "the folder cannot be opened")
	}
	if s.lock, err = s.root.OpenFile(Own+"/lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return unread(err, "the lock file cannot be made")
	}
	if s.Store, err = beside(ctx, filepath.Join(s.path, Own, "varve.db")); err != nil {
		return err
	}
	if err := s.openRegister(ctx); err != nil {
		return err
	}
	held, err := s.take(ctx, false)
	if err != nil || !held {
		return err // who has it settles
	}
	defer s.give()
	s.sweep()
	return s.settle(ctx)
}

// sweep removes files that were being written when a process ended. It is called
// under the lock, when there is none that is being written.
func (s *Store) sweep() {
	dir, err := s.root.Open(Own)
	if err != nil {
		return
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		if strings.HasPrefix(name, scratch) && err == nil {
			err = s.root.Remove(Own + "/" + name)
		}
	}
	if err != nil {
		s.opt.Log.Warn("what a write left behind could not be removed", "err", err)
	}
}

// unread is an error of the file system's.
func unread(err error, what string) error {
	if errors.Is(err, fs.ErrPermission) {
		return errs.Wrap(errs.Forbidden, err, "%s: there is no permission", what)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errs.Wrap(errs.Unavailable, err, "%s: its disk is full; free some space on it and try again", what)
	}
	return errs.Wrap(errs.Unavailable, err, "%s", what)
}

// Query implements store.Tx.
func (s *Store) Query() query.Store { return data{s} }

// Update implements store.Store, for all but the user's tables.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	return store.UpdateBeside(ctx, s.Store, "tables in a folder of files are not part of a transaction, which is in the store beside: ask and change them outside, or keep them in SQLite, PostgreSQL or MySQL", fn)
}

// Changes implements change.Log. What other programs do to the files is not
// noted.
func (s *Store) Changes(ctx context.Context, after int64, limit int) ([]change.Event, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	return s.Store.Changes(ctx, after, limit)
}

// Head implements change.Log.
func (s *Store) Head(ctx context.Context) (int64, error) {
	if err := s.catchUp(ctx); err != nil {
		return 0, err
	}
	return s.Store.Head(ctx)
}

// catchUp settles what a process that ended left, unless somebody is writing,
// who does.
func (s *Store) catchUp(ctx context.Context) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	left, err := s.unsettled(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	held, err := s.take(ctx, false)
	if err != nil || !held {
		return err
	}
	defer s.give()
	return s.settle(ctx)
}

// Stamp implements change.Stamper.
func (s *Store) Stamp(ctx context.Context) (string, error) {
	if beside, ok := s.Store.(change.Stamper); ok {
		return beside.Stamp(ctx)
	}
	return "", errs.New(errs.Unsupported, "the store beside does not tell whether anything was written")
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.root.Stat("."); err != nil {
		return unread(err, "the folder cannot be read")
	}
	return s.Store.Ping(ctx)
}

// Close implements store.Store.
func (s *Store) Close() (err error) {
	s.close.Do(func() {
		<-s.turn // whoever writes ends first
		err = s.release()
		s.turn <- struct{}{} // a call that follows fails, and does not wait
	})
	return err
}

func (s *Store) release() (err error) {
	if s.Store != nil {
		err = s.Store.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	if s.root != nil {
		err = errors.Join(err, s.root.Close())
	}
	return err
}

// leavings is what Scrub leaves in the folder.
const leavings = "what the file system keeps of files that were replaced, and the files of your own tables, which are as you made them"

// Scrub implements store.Scrubber, for the store beside: what it keeps is what is
// erased.
func (s *Store) Scrub(ctx context.Context) (done, beyond []string, err error) {
	if b, ok := s.Store.(store.Scrubber); ok {
		done, beyond, err = b.Scrub(ctx)
	}
	return done, append(beyond, leavings), err
}

// Examine implements store.Doctor: nothing is ever missing.
func (s *Store) Examine(context.Context) (store.Diagnosis, error) {
	return store.Diagnosis{Schema: "varve"}, nil
}

// Mend implements store.Doctor.
func (s *Store) Mend(context.Context) error { return nil }

// Remove implements store.Doctor.
func (s *Store) Remove(context.Context) error {
	return errs.New(errs.Unsupported, "delete the folder %s in it: all that Varve added is there", Own)
}
