package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/goid"
	"github.com/varvedb/varve/store"
)

// Options tune a [Store]. The zero value works.
type Options struct {
	// Relaxed gives up the fsync at the end of a transaction: a power failure
	// may take the last writes, a crash of the program does not.
	Relaxed bool
	// BusyTimeout is how long to wait for another program's write; 5 s.
	BusyTimeout time.Duration
	// Readers is how many calls read at once; 8.
	Readers int
	// NoSearchIndex keeps search to scans. The index is a file beside the
	// database and can be deleted at any time.
	NoSearchIndex bool
	Log           *slog.Logger

	inMemory bool // there is no place for temporary files
}

func (o Options) withDefaults() Options {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is an open file.
type Store struct {
	path    string
	opt     Options
	writer  *writer
	readers *pool
	search  *searcher

	known atomic.Bool // the file has Varve's own tables
	// described: it has those of metadata.
	described atomic.Bool
	chat      atomic.Pointer[schema]
	chatMu    sync.Mutex // held while schema is found out
	memory    forgetful
	stamps    stamps
	close     sync.Once

	asked    sync.Map // name of a versioned table → *sqlcore.Versions, as callers know it
	declared sync.Map // the same → *declared, as the catalogue has it

	data atomic.Pointer[dataCache] // tables of the databackend
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Doctor   = (*Store)(nil)
	_ store.Scrubber = (*Store)(nil)
)

// Open opens a file, or makes it. A new file becomes Varve's; in one that has
// tables nothing is changed.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if path == "" {
		return nil, errs.New(errs.Invalid, "a SQLite database needs the path of a file")
	}
	if ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	o = o.withDefaults()
	o.inMemory = !temporary()
	c, err := openConn(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE, o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, opt: o}
	if err := s.found(c); err != nil {
		c.close()
		return nil, err
	}
	s.writer = newWriter(c)
	s.readers = newPool(o.Readers, func() (*conn, error) {
		return openConn(path, sqlite3.OPEN_READWRITE, o)
	})
	s.search = newSearcher(s)
	s.search.background.Go(func() { s.housekeeping(s.search.ctx) })
	return s, nil
}

// temporary tells whether there is a place for temporary files.
func temporary() bool {
	f, err := os.CreateTemp("", "varve-")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// found makes a new file Varve's and notices what an old one is.
func (s *Store) found(c *conn) error {
	sync := "PRAGMA synchronous=FULL"
	if s.opt.Relaxed {
		sync = "PRAGMA synchronous=NORMAL"
	}
	// Ids are random, so every write touches other pages of the indexes: the
	// writer keeps more of them. A log that one large write made is cut again.
	if err := c.db.Exec(sync + `; PRAGMA cache_size=-16000; PRAGMA journal_size_limit=67108864`); err != nil {
		return classify(err)
	}
	empty, err := c.empty()
	if err != nil {
		return err
	}
	if empty {
		// The journal mode is kept in the file, so it is set once. It cannot
		// be set inside a transaction; two programs that do it do the same.
		if err := c.db.Exec("PRAGMA journal_mode=WAL"); err != nil {
			return classify(err)
		}
		if err := c.transaction(func() error {
			if still, err := c.empty(); err != nil || !still {
				return err
			}
			return c.migrate("foundation", foundationSQL, "own")
		}); err != nil {
			return err
		}
	}
	known, err := c.has("table", "varve_meta")
	if err == nil && known {
		err = c.clash()
	}
	s.known.Store(known)
	return err
}

func (c *conn) empty() (bool, error) {
	_, some, err := c.text(`SELECT 1 FROM sqlite_master LIMIT 1`)
	return !some, err
}

func (c *conn) has(kind, name string) (bool, error) {
	_, ok, err := c.text(`SELECT 1 FROM sqlite_master WHERE type=? AND name=?`, kind, name)
	return ok, err
}

// transaction runs fn in a transaction of its own, or inside the one that is
// open.
func (c *conn) transaction(fn func() error) error {
	if !c.db.GetAutocommit() {
		return fn()
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		c.exec("ROLLBACK")
		return err
	}
	return c.exec("COMMIT")
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	return s.writer.write(ctx, true, func(c *conn) error {
		t := &tx{store: s, conn: c}
		defer func() { t.over = true }()
		if err := fn(store.Inside(ctx), t); err != nil {
			return err
		}
		return t.broken
	})
}

// outer refuses a call that must go through the transaction of an Update.
func (s *Store) outer(ctx context.Context) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	if id := s.writer.running.Load(); id != 0 && id == goid.Current() {
		return store.Outer(store.Inside(ctx))
	}
	return nil
}

func (s *Store) read(ctx context.Context, fn func(*conn) error) error {
	if err := s.outer(ctx); err != nil {
		return err
	}
	return s.readers.read(ctx, fn)
}

func (s *Store) write(ctx context.Context, fn func(*conn) error) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	return s.writer.write(ctx, false, fn)
}

// tx is the inside of an Update. It must not be used after it.
type tx struct {
	store  *Store
	conn   *conn
	over   bool
	broken error // a call failed half-way
	found  *schema
}

func (t *tx) read(_ context.Context, fn func(*conn) error) error {
	if t.over {
		return errs.New(errs.Invalid, "the transaction of this Update has ended")
	}
	return fn(t.conn)
}

// write runs fn, which happens whole or not at all: where it fails half-way,
// the whole Update fails, whatever its function makes of the error. A
// savepoint for each call would cost more than many calls do.
func (t *tx) write(ctx context.Context, fn func(*conn) error) error {
	if t.broken != nil {
		return t.broken
	}
	return t.read(ctx, func(c *conn) error {
		changes, after := c.db.TotalChanges(), len(c.after)
		err := fn(c)
		if err != nil {
			c.after = c.after[:after]
			if c.db.GetAutocommit() || c.db.TotalChanges() != changes {
				t.broken = err
			}
		}
		return err
	})
}

// Secret implements store.Store.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	if !s.known.Load() {
		return nil, errs.New(errs.Unsupported, "there is no place for secrets in a database that Varve did not make; see Mend")
	}
	var secret []byte
	key := "secret." + name
	err := s.write(ctx, func(c *conn) error {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		if err := c.exec(`INSERT INTO varve_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING`, key, hex.EncodeToString(fresh)); err != nil {
			return err
		}
		text, _, err := c.text(`SELECT value FROM varve_meta WHERE key=?`, key)
		if err == nil {
			secret, err = hex.DecodeString(text)
		}
		return err
	})
	return secret, err
}

// Ping implements store.Store. After the disk refused a write it tries one, so
// that a store which cannot write says so, and does no more when it can again.
func (s *Store) Ping(ctx context.Context) error {
	err := s.read(ctx, func(c *conn) error {
		_, _, err := c.text(`SELECT count(*) FROM sqlite_master`)
		return err
	})
	if err != nil || s.writer.unwritable.Load() == nil {
		return err
	}
	return s.probe(ctx)
}

// probe writes as much as a message has, durably, and takes it away again. In a
// file where Varve has no table it writes what is there.
func (s *Store) probe(ctx context.Context) error {
	if !s.known.Load() {
		return s.write(ctx, func(c *conn) error {
			version, _, err := c.text("PRAGMA user_version")
			if err != nil {
				return err
			}
			return classify(c.db.Exec("PRAGMA user_version=" + version))
		})
	}
	for _, sql := range []string{`INSERT OR REPLACE INTO varve_meta (key,value) VALUES ('probe',zeroblob(65536))`, `DELETE FROM varve_meta WHERE key='probe'`} {
		if err := s.write(ctx, func(c *conn) error { return c.exec(sql) }); err != nil {
			return err
		}
	}
	return nil
}

// Close finishes writes that have begun and closes the file.
func (s *Store) Close() (err error) {
	s.close.Do(func() {
		err = errors.Join(s.search.close(), s.writer.close())
		s.readers.close()
		s.stamps.close()
	})
	return err
}

// forgetful keeps what a database has no place for, until the program ends.
type forgetful struct {
	mu         sync.Mutex
	tombstones map[string]tombstone
	orphans    []string
}

type tombstone struct {
	head chat.Head
	at   time.Time
}

// access is the outer handle or the inside of an Update.
type access interface {
	read(context.Context, func(*conn) error) error
	write(context.Context, func(*conn) error) error
}

var (
	_ access = (*Store)(nil)
	_ access = (*tx)(nil)
)
