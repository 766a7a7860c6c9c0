//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
)

// enclosed are the settings that keep a statement inside: it reaches no file,
// no network, no extension and no setting.
const enclosed = `LOAD icu; LOAD json; SET GLOBAL TimeZone='UTC';
SET allow_community_extensions=false; SET enable_external_access=false; SET lock_configuration=true`

// engine is the open DuckDB: one session that writes, and as many that read as
// are wanted at a time.
type engine struct {
	db      *duck.DB
	catalog string        // its name in the engine, in quotes
	writing chan struct{} // is full while somebody has the writer
	writer  *duck.Conn
	commits atomic.Int64 // twice as many as there were, and one more during each

	mu     sync.Mutex
	idle   []*duck.Conn
	closed bool
	using  sync.WaitGroup // sessions that are lent
}

func openEngine(ctx context.Context, path string, o Options) (*engine, error) {
	db, err := duck.Open(path, o.Memory, duck.Settings{"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the DuckDB file cannot be opened")
	}
	e := &engine{db: db, writing: make(chan struct{}, 1)}
	if e.writer, err = e.db.Connect(); err == nil {
		err = e.writer.Exec(ctx, enclosed)
	}
	if err == nil {
		err = e.writer.Each(ctx, `SELECT current_database()`, func(row []any) error {
			name, _ := row[0].(string)
			e.catalog = duck.Quote(name)
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// place is a table as it stands in statements: under its whole name, since
// another catalogue may have one of its own.
func (e *engine) place(table string) string { return e.catalog + ".main." + duck.Quote(table) }

// most is how many sessions wait to be used again.
const most = 8

// lend gives a session that reads, to be given back.
func (e *engine) lend() (*duck.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errs.New(errs.Unavailable, "the database is closed")
	}
	e.using.Add(1)
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		return c, nil
	}
	c, err := e.db.Connect()
	if err != nil {
		e.using.Done()
	}
	return c, err
}

// back takes a session back. worn: it is not to be used again, since something
// is left in it.
func (e *engine) back(c *duck.Conn, worn bool) {
	e.mu.Lock()
	if worn = worn || e.closed || len(e.idle) >= most; !worn {
		e.idle = append(e.idle, c)
	}
	e.mu.Unlock()
	if worn {
		c.Close()
	}
	e.using.Done()
}

// read runs fn on a session, on one state of the file.
func (e *engine) read(ctx context.Context, fn func(*duck.Conn) error) error {
	c, err := e.lend()
	if err != nil {
		return err
	}
	err = c.Reading(ctx, func() error { return fn(c) })
	e.back(c, err != nil)
	return err
}

// alone lends the writer.
func (e *engine) alone(ctx context.Context, fn func(*duck.Conn) error) error {
	select {
	case e.writing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-e.writing }()
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return errs.New(errs.Unavailable, "the database is closed")
	}
	return fn(e.writer)
}

func (e *engine) alive(ctx context.Context) error {
	return e.read(ctx, func(c *duck.Conn) error { return c.Each(ctx, `SELECT 1`, nil) })
}

// close waits for what runs.
func (e *engine) close() error {
	e.mu.Lock()
	e.closed = true
	idle := e.idle
	e.idle = nil
	e.mu.Unlock()
	e.using.Wait()
	e.writing <- struct{}{}
	defer func() { <-e.writing }()
	for _, c := range idle {
		c.Close()
	}
	if e.writer != nil {
		e.writer.Close()
		e.writer = nil
	}
	return e.db.Close()
}
