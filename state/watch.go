package state

import (
	"context"
	"iter"
	"reflect"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
)

// news tells watchers that something was written in this process.
type news struct {
	mu sync.Mutex
	ch chan struct{} // closed and replaced by each publication
}

func newNews() *news { return &news{ch: make(chan struct{})} }

func (n *news) publish() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.ch)
	n.ch = make(chan struct{})
}

func (n *news) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ch
}

// Watch yields every version past a position in the order of positions, those
// that other processes write too, and waits for more until ctx is done, which
// ends it without an error. A watcher that comes back with the position of the
// last version it handled misses nothing; 0 begins with the oldest version
// that is kept. An acting user is shown versions that are the user's.
//
// errs.Gone when versions past the position were compacted away or cleared
// before they were seen, and when the table is cleared meanwhile: read it anew
// and watch from its [Rows.Head].
// It cannot be used inside a transaction.
func (r *Rows) Watch(ctx context.Context, after int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if r.s.news == nil {
			yield(Record{}, errs.New(errs.Invalid, "a transaction sees nothing new; watch through the outer handle"))
			return
		}
		poll := time.NewTicker(r.s.opt.Poll)
		defer poll.Stop()
		seen, generation := after, int64(-1)
		for {
			heard := r.s.news.wait() // before the look, so that nothing slips between
			more, err := r.unseen(ctx, seen, &generation)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, v := range more {
				if seen = v.Seq; v.shown && !yield(v.Record, nil) {
					return
				}
			}
			if len(more) > 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-heard:
			case <-poll.C:
			}
		}
	}
}

type sighting struct {
	Record
	shown bool
}

// unseen reads what follows a position; nothing when the table's head says so.
// generation is that of the table at the last look, less than 0 at the first.
func (r *Rows) unseen(ctx context.Context, after int64, generation *int64) ([]sighting, error) {
	t, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	head, err := r.s.store.Head(ctx, t)
	if err != nil {
		return nil, err
	}
	if *generation < 0 {
		*generation = head.Generation
	}
	var versions []Version
	if head.Seq > after {
		if t, versions, err = r.log(ctx, t, after); err != nil {
			return nil, err
		}
	}
	if head.Generation != *generation || after > 0 && after < t.Horizon-1 {
		return nil, errs.New(errs.Gone, "the table %q was cleared, or versions past position %d compacted away before they were seen; read it anew", t.Name, after)
	}
	out := make([]sighting, 0, len(versions))
	for _, v := range versions {
		out = append(out, sighting{t.record(v), r.s.mine(t, v)})
	}
	return out, nil
}

// log reads versions, again where they are of a newer declaration. The
// declaration is asked after the read, as in told: what was read before a
// compaction is complete.
func (r *Rows) log(ctx context.Context, t *Table, after int64) (*Table, []Version, error) {
	for {
		versions, err := r.s.store.Log(ctx, t, after, walk)
		if err != nil {
			return nil, nil, err
		}
		now, err := r.refresh(ctx)
		if err != nil || reflect.DeepEqual(now.Places, t.Places) {
			return now, versions, err
		}
		t = now
	}
}

// Head tells how far the table has come.
func (r *Rows) Head(ctx context.Context) (Head, error) {
	t, err := r.current(ctx)
	if err != nil {
		return Head{}, err
	}
	return r.s.store.Head(ctx, t)
}
