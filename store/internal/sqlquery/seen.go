package sqlquery

import (
	"sync"
	"time"
)

// Seen is what is remembered of the tables of the databackend, for a moment:
// what others do to a table is noticed when it is used, or then.
type Seen struct {
	mu     sync.Mutex
	tables map[string]sighting
	shapes map[string]int // texts of statements, and how often they were asked
}

type sighting struct {
	table *Table
	at    time.Time
}

// fresh is how long a table is taken to be as it was.
const fresh = time.Second

// Get is a table that was seen a moment ago, or nil.
func (m *Seen) Get(name string) *Table {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.tables[name]; ok && time.Since(s.at) < fresh {
		return s.table
	}
	return nil
}

// Put remembers a table.
func (m *Seen) Put(t *Table) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tables == nil {
		m.tables = map[string]sighting{}
	}
	m.tables[t.Name] = sighting{t, time.Now()}
}

// Forget forgets one.
func (m *Seen) Forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tables, name)
}

// Often tells whether a statement is worth being prepared: it was asked
// before, and they are not too many.
func (m *Seen) Often(sql string) bool {
	const most = 256
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shapes == nil {
		m.shapes = map[string]int{}
	}
	n, known := m.shapes[sql]
	if !known && len(m.shapes) >= most {
		return false
	}
	m.shapes[sql] = n + 1
	return known
}
