package dynamodb

import (
	"container/list"
	"sync"
)

// recent holds the items that this process saw last, as far as they are of use
// to the next write: a step that grows is written over and over. It may be
// behind the table; every write is under the condition that it is not.
type recent struct {
	mu    sync.Mutex
	order list.List // of entries, the latest first
	at    map[key]*list.Element
	bytes int
}

type remembered struct {
	key   key
	item  item
	bytes int
}

// What is remembered at most.
const (
	maxRecent      = 4096
	maxRecentBytes = 16 << 20
)

func (r *recent) get(k key) item {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.at[k]
	if e == nil {
		return nil
	}
	r.order.MoveToFront(e)
	return e.Value.(remembered).item
}

// keep remembers an item, which must not be changed any more.
func (r *recent) keep(i item) {
	m := remembered{keyOf(i), i, weighItem(i)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(m.key)
	if r.at == nil {
		r.at = map[key]*list.Element{}
	}
	r.at[m.key] = r.order.PushFront(m)
	r.bytes += m.bytes
	for r.order.Len() > maxRecent || r.bytes > maxRecentBytes {
		r.drop(r.order.Back().Value.(remembered).key)
	}
}

func (r *recent) forget(keys ...key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		r.drop(k)
	}
}

func (r *recent) drop(k key) {
	if e := r.at[k]; e != nil {
		r.bytes -= r.order.Remove(e).(remembered).bytes
		delete(r.at, k)
	}
}
