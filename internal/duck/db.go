//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// Linked tells whether this program has DuckDB in it.
const Linked = true

// Version is the engine's, which decides whether a file of another program's
// can be trusted.
func Version() string { return mapping.LibraryVersion() }

// Settings are the engine's own, by name.
type Settings map[string]string

// DB is an open database.
type DB struct {
	mu     sync.Mutex
	db     mapping.Database
	open   bool
	memory int64
}

// slack is what a database may take beside its buffers: what statements hold
// while they are planned, and the texts and lists in flight.
const slack = 256 << 20

// Open opens a file, or a database in memory when path is "". Its buffers take
// at most memory bytes, and all else about half as much again.
func Open(path string, memory int64, s Settings) (*DB, error) {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return nil, errs.New(errs.Internal, "DuckDB has no memory for its settings")
	}
	defer mapping.DestroyConfig(&config)
	for name, value := range s {
		if mapping.SetConfig(config, name, value) == mapping.StateError {
			return nil, errs.New(errs.Invalid, "DuckDB has no setting %s=%q", name, value)
		}
	}
	if mapping.SetConfig(config, "memory_limit", strconv.FormatInt(memory, 10)+"B") == mapping.StateError {
		return nil, errs.New(errs.Invalid, "DuckDB cannot have a limit of %d bytes", memory)
	}
	db := &DB{open: true, memory: memory + memory/2 + slack}
	var message string
	if mapping.OpenExt(path, &db.db, config, &message) == mapping.StateError {
		mapping.Close(&db.db)
		return nil, failure(message)
	}
	share(db.memory)
	return db, nil
}

// Close closes the database. Its connections must be closed before.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.open {
		db.open = false
		mapping.Close(&db.db)
		share(-db.memory)
	}
	return nil
}

// Conn is a connection. One goroutine uses it at a time.
type Conn struct{ conn mapping.Connection }

// Connect opens a connection.
func (db *DB) Connect() (*Conn, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.open {
		return nil, errs.New(errs.Unavailable, "the analytical engine is closed")
	}
	c := &Conn{}
	if mapping.Connect(db.db, &c.conn) == mapping.StateError {
		return nil, errs.New(errs.Unavailable, "DuckDB cannot open another connection")
	}
	return c, nil
}

// Close closes the connection; a transaction that is open is undone.
func (c *Conn) Close() { mapping.Disconnect(&c.conn) }

// again is how long to wait before a statement is interrupted once more: an
// interrupt that comes before the statement has begun is lost.
const again = 20 * time.Millisecond

// interruptible runs fn and interrupts what the connection does when ctx ends.
func (c *Conn) interruptible(ctx context.Context, fn func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	watched := context.AfterFunc(ctx, func() {
		defer close(ended)
		tick := time.NewTicker(again)
		defer tick.Stop()
		for {
			mapping.Interrupt(c.conn)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	fn()
	if !watched() { // it interrupts, and what comes next is not to be
		close(done)
		<-ended
	}
}
