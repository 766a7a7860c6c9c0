package postgres

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// maxGroup bounds the calls of one transaction, and with it how long the first
// of them waits.
const maxGroup = 256

// queue brings the writers of one table together, who would otherwise wait for
// the lock of its row one after the other, each with a flush of its own. There
// is no goroutine: the first caller works for all that came while the one
// before it did, then the first of those who came since.
type queue struct {
	mu      sync.Mutex
	busy    bool
	waiting []*call
}

// call is one caller's writes.
type call struct {
	ws    []state.Write
	made  []state.Version
	err   error
	whole bool // err is of the whole transaction
	with  *turn
	lead  chan struct{} // closed: it is this caller's turn to work
	done  chan struct{} // closed: somebody worked for it
}

// turn is what one caller does for several in one transaction. It is given up when all of its
// callers have gone.
type turn struct {
	left   atomic.Int64
	cancel context.CancelFunc
}

func (b *turn) leave() {
	if b.left.Add(-1) == 0 {
		b.cancel()
	}
}

// work does several calls in one transaction and leaves what became of each in
// it; its error is that of all.
type work func(ctx context.Context, calls []*call) error

// write hands writes in and returns when they are durable. When ctx ends
// before somebody began, nothing is written.
func (q *queue) write(ctx context.Context, ws []state.Write, do work) ([]state.Version, error) {
	if ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	c := &call{ws: ws, lead: make(chan struct{}), done: make(chan struct{})}
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	if !q.busy {
		q.busy = true
		close(c.lead)
	}
	q.mu.Unlock()
	select {
	case <-c.lead:
		q.work(ctx, do)
	case <-c.done:
	case <-ctx.Done():
		if q.leave(c) {
			return nil, givenUp(ctx)
		}
	}
	<-c.done
	return c.made, c.err
}

// leave takes a call out that nobody has begun, and passes a turn on that was
// its. One that was begun is awaited: its answer is what really happened.
func (q *queue) leave(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		c.with.leave()
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	select {
	case <-c.lead:
		q.pass()
	default:
	}
	return true
}

// pass gives the turn to the first who waits.
func (q *queue) pass() {
	if q.busy = len(q.waiting) > 0; q.busy {
		close(q.waiting[0].lead)
	}
}

// work does what waits, and passes the turn on.
func (q *queue) work(ctx context.Context, do work) {
	mine := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	b := &turn{cancel: cancel}
	q.mu.Lock()
	n := min(len(q.waiting), maxGroup)
	calls := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	b.left.Store(int64(n))
	for _, c := range calls {
		c.with = b
	}
	q.mu.Unlock()
	defer context.AfterFunc(mine, b.leave)()
	together(ctx, calls, do)
	// A value that the database refuses takes nobody else's write along.
	if len(calls) > 1 && refused(calls) {
		for i := range calls {
			together(ctx, calls[i:i+1], do)
		}
	}
	for _, c := range calls {
		close(c.done)
	}
	q.mu.Lock()
	q.pass()
	q.mu.Unlock()
}

func together(ctx context.Context, calls []*call, do work) {
	for _, c := range calls {
		c.whole = false
	}
	if err := do(ctx, calls); err != nil {
		for _, c := range calls {
			c.made, c.err, c.whole = nil, err, true
		}
	}
}

// refused tells whether a transaction failed as a whole, and not since the
// database could not be reached.
func refused(calls []*call) bool {
	return calls[0].whole && errs.KindOf(calls[0].err) != errs.Unavailable
}

func givenUp(ctx context.Context) error {
	return errs.Wrap(errs.Unavailable, context.Cause(ctx), "the call was given up")
}
