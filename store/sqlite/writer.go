package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/goid"
	"github.com/varvedb/varve/store"
)

// maxGroup bounds the writes of one transaction, and with it how long the
// first of them waits for its durability.
const maxGroup = 512

// writer is the one goroutine that writes. What queued while it made the last
// transaction durable becomes the next transaction: under load many writes
// share one fsync, and a lone write waits for nothing.
type writer struct {
	conn  *conn
	queue chan *item
	stop  chan struct{}
	done  chan struct{}

	// running is the goroutine while it runs a function of a caller's, which
	// must not wait for the writer.
	running atomic.Uint64

	// unwritable is the failure of the last commit or statement that the disk
	// refused, until one succeeds.
	unwritable atomic.Pointer[errs.Error]
}

// item is one queued write.
type item struct {
	fn func(*conn) error
	// callers marks a function that a caller wrote: it may do several things
	// and fail between them, so it always runs in a savepoint.
	callers bool
	// alone marks a function that is run outside of a transaction.
	alone bool
	state atomic.Int32
	err   error
	done  chan struct{}
}

const (
	queued int32 = iota
	started
	dropped // its caller gave up before it started
)

func newWriter(c *conn) *writer {
	w := &writer{conn: c, queue: make(chan *item, maxGroup), stop: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// close refuses new writes, finishes those that have begun, and returns when
// the goroutine has ended.
func (w *writer) close() error {
	close(w.stop)
	<-w.done
	return classify(w.conn.close())
}

// write runs fn on the writer and returns when what it did is durable. When
// ctx ends before fn was started it never runs; after that the answer is what
// really happened.
func (w *writer) write(ctx context.Context, callers bool, fn func(*conn) error) error {
	return w.enqueue(ctx, &item{fn: fn, callers: callers, done: make(chan struct{})})
}

// alone is write for what cannot be done inside a transaction.
func (w *writer) alone(ctx context.Context, fn func(*conn) error) error {
	return w.enqueue(ctx, &item{fn: fn, alone: true, done: make(chan struct{})})
}

func (w *writer) enqueue(ctx context.Context, it *item) error {
	if ctx.Err() != nil {
		return givenUp(ctx)
	}
	if id := w.running.Load(); id != 0 && id == goid.Current() {
		return store.Outer(store.Inside(ctx))
	}
	select {
	case w.queue <- it:
	case <-ctx.Done():
		return givenUp(ctx)
	case <-w.stop:
		return errClosed
	}
	select {
	case <-it.done:
		return it.answer()
	case <-ctx.Done():
		if it.state.CompareAndSwap(queued, dropped) {
			return givenUp(ctx)
		}
	case <-w.done:
	}
	return w.await(it)
}

// await waits for an item that has begun, or for the end of the writer.
func (w *writer) await(it *item) error {
	select {
	case <-it.done:
		return it.answer()
	case <-w.done:
	}
	select {
	case <-it.done:
		return it.answer()
	default:
		return errClosed
	}
}

// panicked carries a panic of a caller's function back to its goroutine.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

func (it *item) answer() error {
	if p, ok := it.err.(*panicked); ok {
		panic(p)
	}
	return it.err
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		select {
		case <-w.stop:
			return
		case it := <-w.queue:
			for it != nil {
				it = w.group(it)
			}
		}
	}
}

// group makes one transaction of the items that are waiting. One that must be
// outside of a transaction ends it, and is returned to come next.
func (w *writer) group(first *item) (next *item) {
	if first.alone {
		if first.state.CompareAndSwap(queued, started) {
			first.err = protect(first.fn, w.conn)
			close(first.done)
		}
		return nil
	}
	var items []*item
	state := ok
	err := w.begin()
	callers := false
	for it := first; it != nil; it = w.next(len(items)) {
		if it.alone {
			next = it
			break
		}
		if !it.state.CompareAndSwap(queued, started) {
			continue
		}
		items = append(items, it)
		if err != nil {
			it.err = err
			continue
		}
		callers = callers || it.callers
		if state = w.step(it, len(items) == 1, callers); state != ok {
			break
		}
	}
	if state == halfway {
		state = w.again(items)
	}
	switch {
	case state == lost:
		fail(items, items[len(items)-1].err)
	case err == nil:
		w.commit(items)
	}
	for _, it := range items {
		w.remember(it.err)
		close(it.done)
	}
	return next
}

// remember keeps in mind that the disk refuses writes, for who asks whether
// the store is ready.
func (w *writer) remember(err error) {
	var code sqlite3.ErrorCode
	var e *errs.Error
	switch {
	case err == nil:
		w.unwritable.Store(nil)
	case errors.As(err, &code) && errors.As(err, &e) && (code == sqlite3.FULL || code == sqlite3.IOERR || code == sqlite3.READONLY):
		w.unwritable.Store(e)
	}
}

func (w *writer) next(n int) *item {
	if n >= maxGroup {
		return nil
	}
	select {
	case it := <-w.queue:
		return it
	default:
		return nil
	}
}

func (w *writer) begin() error {
	clear(w.conn.after)
	w.conn.after = w.conn.after[:0]
	return w.conn.exec("BEGIN IMMEDIATE")
}

// What an item leaves of the transaction it ran in.
const (
	ok      = iota
	halfway // it failed and left something behind
	lost    // SQLite rolled everything back
)

// step runs one item.
//
// Most items check everything before they write, and then fail only when the
// database does; a savepoint for each would cost as much as some of them. So
// they run without one, and the rare group in which one fails half-way is run
// again with savepoints. A function of a caller's is not run again because of
// another's failure: from the first one on, everything has a savepoint. The
// first item of a group needs none in any case: before it there is nothing to
// keep.
func (w *writer) step(it *item, first, savepoint bool) int {
	c := w.conn
	savepoint = savepoint && !first
	if savepoint {
		if it.err = c.exec("SAVEPOINT varve"); it.err != nil {
			return w.left()
		}
	}
	changes, after := c.db.TotalChanges(), len(c.after)
	if it.callers {
		w.running.Store(goid.Current())
	}
	it.err = protect(it.fn, c)
	w.running.Store(0)
	if it.err == nil {
		if savepoint {
			it.err = c.exec("RELEASE varve")
		}
		return w.left()
	}
	clear(c.after[after:])
	c.after = c.after[:after]
	switch {
	case first:
		c.rollback()
		if err := w.begin(); err != nil {
			return lost
		}
	case savepoint && w.left() == ok:
		c.exec("ROLLBACK TO varve")
		c.exec("RELEASE varve")
	case !savepoint && w.left() == ok && c.db.TotalChanges() != changes:
		return halfway
	}
	return w.left()
}

// left tells whether the transaction is still there.
func (w *writer) left() int {
	if w.conn.db.GetAutocommit() {
		return lost
	}
	return ok
}

// again runs a group from its start, every item in a savepoint. There are no
// functions of callers' among them.
func (w *writer) again(items []*item) int {
	w.conn.rollback()
	if err := w.begin(); err != nil {
		fail(items, err)
		items[len(items)-1].err = err
		return lost
	}
	for i, it := range items {
		if w.step(it, i == 0, true) == lost {
			fail(items, it.err)
			items[len(items)-1].err = it.err
			return lost
		}
	}
	return ok
}

// fail gives an error to every item that has none of its own. What it says of
// the cause and its remedy goes to who wrote, and further than causes do.
func fail(items []*item, err error) {
	nothing := errs.Wrap(errs.KindOf(err), err, nothingWritten)
	var e *errs.Error
	if errors.As(err, &e) {
		nothing = &errs.Error{Kind: e.Kind, Field: e.Field, Detail: nothingWritten + ": " + strings.TrimPrefix(e.Detail, nothingWritten+": "), Err: e.Err}
	}
	for _, it := range items {
		if it.err == nil {
			it.err = nothing
		}
	}
}

// rollback ends the transaction that is open, if one is.
func (c *conn) rollback() {
	if !c.db.GetAutocommit() {
		c.exec("ROLLBACK")
	}
}

func protect(fn func(*conn) error, c *conn) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return fn(c)
}

// commit makes the group durable.
func (w *writer) commit(items []*item) {
	c := w.conn
	if err := c.exec("COMMIT"); err != nil {
		c.rollback()
		fail(items, err)
		return
	}
	for _, done := range c.after {
		done()
	}
}
