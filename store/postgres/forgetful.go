package postgres

import (
	"slices"
	"sync"
	"time"

	"github.com/varvedb/varve/chat"
)

// forgetful keeps what a database of somebody else's has no place for, until
// the program ends: tombstones and the keys of bytes to delete. Only this
// process knows of them, which is why the features do not promise them.
type forgetful struct {
	mu      sync.Mutex
	tombs   map[string]tomb
	orphans []string
}

type tomb struct {
	head chat.Head
	at   time.Time
}

// bury remembers a deleted thread and drops what has crumbled.
func (f *forgetful) bury(h chat.Head, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tombs == nil {
		f.tombs = map[string]tomb{}
	}
	for id, t := range f.tombs {
		if now.Sub(t.at) >= chat.TombstoneAge {
			delete(f.tombs, id)
		}
	}
	h.Deleted = true
	f.tombs[h.ID] = tomb{h, now}
}

func (f *forgetful) exhume(ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		delete(f.tombs, id)
	}
}

// dead tells whether a thread was deleted a short time ago.
func (f *forgetful) dead(id string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tombs[id]
	return ok && now.Sub(t.at) < chat.TombstoneAge
}

// head is the outline of a deleted thread.
func (f *forgetful) head(id string) (chat.Head, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tombs[id]
	return t.head, ok
}

func (f *forgetful) orphan(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if key != "" && !slices.Contains(f.orphans, key) {
			f.orphans = append(f.orphans, key)
		}
	}
}

func (f *forgetful) adopt(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orphans = slices.DeleteFunc(f.orphans, func(key string) bool { return slices.Contains(keys, key) })
}

func (f *forgetful) waiting(limit int) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.orphans[:min(limit, len(f.orphans))])
}
