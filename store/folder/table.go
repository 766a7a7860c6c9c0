package folder

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/folder/csv"
	"github.com/varvedb/varve/store/folder/parquet"
)

// table is a file as it was read. It is not changed, but for what is said to be.
type table struct {
	query.Table
	file     string
	stamp    stamp
	sum      string
	settled  bool         // the stamp alone tells that the file is another
	recorded bool         // the register knows the columns
	content  *csv.Content // nil for Parquet
	rows     [][]any
	bytes    int64 // that count as being in memory
}

// slot is the place of a file's table. rows and the time of use are guarded by
// the mutex of the store, the rest by its own.
type slot struct {
	sync.Mutex
	table *table
	known table // the last one without its rows
	// broken is the error of reading it, if it is as known says.
	broken error

	bytes int64 // of the file whose rows are here
	used  int64
}

func (s *Store) slot(file string) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.slots[file]
	if at == nil {
		at = &slot{}
		s.slots[file] = at
	}
	s.clock++
	at.used = s.clock
	return at
}

// load is the table in a file as it is now.
func (s *Store) load(ctx context.Context, n named) (*table, error) {
	if ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	info, err := s.statFile(n.file)
	if err != nil {
		return nil, err
	}
	at := s.slot(n.file)
	at.Lock()
	defer at.Unlock()
	if at.table != nil && at.table.settled && at.table.stamp == stampOf(info) {
		return at.table, nil
	}
	if at.broken != nil && at.known.settled && at.known.stamp == stampOf(info) {
		return nil, at.broken
	}
	c, err := s.readFile(n.file)
	if err != nil {
		return nil, err
	}
	if at.table == nil || at.table.sum != c.sum {
		t, err := s.parse(ctx, n, c)
		if errors.Is(err, errs.Invalid) {
			s.opt.Log.WarnContext(ctx, "a file cannot be read", "file", n.file, "err", err)
			at.table, at.broken, at.known = nil, err, table{stamp: c.stamp, settled: c.stamp.settled(c.at)}
		}
		if err != nil {
			return nil, err
		}
		s.put(at, t)
		return t, nil
	}
	again := *at.table
	again.stamp, again.settled = c.stamp, c.stamp.settled(c.at)
	s.put(at, &again)
	return &again, nil
}

// put lays a table into its slot, and takes others away where all are too much.
// It is called with the slot locked.
func (s *Store) put(at *slot, t *table) {
	at.table, at.known = t, *t
	at.known.content, at.known.rows, at.broken = nil, nil, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	at.bytes = t.bytes
	var all []*slot
	sum := int64(0)
	for _, other := range s.slots {
		if sum += other.bytes; other != at && other.bytes > 0 {
			all = append(all, other)
		}
	}
	slices.SortFunc(all, func(a, b *slot) int { return int(a.used - b.used) })
	for _, oldest := range all {
		if sum <= s.opt.Memory || !oldest.TryLock() {
			continue // whoever has it puts it there anew
		}
		sum -= oldest.bytes
		oldest.table, oldest.bytes = nil, 0
		oldest.Unlock()
	}
}

// describe is what columns a file has, without its rows if they are not here.
func (s *Store) describe(ctx context.Context, n named) (query.Table, error) {
	info, err := s.statFile(n.file)
	if err != nil {
		return query.Table{}, err
	}
	at := s.slot(n.file)
	at.Lock()
	known, broken := at.known, at.broken
	at.Unlock()
	if broken == nil && known.settled && known.stamp == stampOf(info) {
		return known.Table, nil
	}
	t, err := s.load(ctx, n)
	if err != nil {
		return query.Table{}, err
	}
	return t.Table, nil
}

// parse makes a table of what is in a file.
func (s *Store) parse(ctx context.Context, n named, c *content) (*table, error) {
	t := &table{Table: query.Table{Name: n.table}, file: n.file, stamp: c.stamp, sum: c.sum, settled: c.stamp.settled(c.at), bytes: c.stamp.size}
	if isParquet(n.file) {
		var err error
		t.Columns, t.rows, t.bytes, err = parquet.Read(n.file, strings.NewReader(c.text), s.opt.Memory)
		return t, err
	}
	e, err := s.entry(ctx, n.table)
	if err != nil {
		return nil, err
	}
	known := e.record
	if e.pending != nil && e.pending.Sum == c.sum {
		known = &e.pending.Record
	}
	if err := t.read(c.text, known); err != nil {
		return nil, err
	}
	t.Columns, t.Key, t.rows = t.content.Columns, t.content.Key, t.content.Rows
	return t, nil
}

// read reads a CSV file as the register knows it. Where another program made
// other columns of it, or values of another type where Varve declared none, it is
// that program's file.
func (t *table) read(text string, known *record) (err error) {
	if known != nil {
		names, err := csv.Columns(t.file, text)
		if err != nil {
			return err
		}
		if sameNames(names, known.Columns) {
			t.content, err = csv.Read(t.file, text, known.shape(), !known.Made)
			if err == nil || known.Made {
				t.recorded, t.Created = err == nil, known.Made
				return err
			}
		}
	}
	shape, err := csv.Infer(t.file, text)
	if err != nil {
		return err
	}
	t.content, err = csv.Read(t.file, text, shape, true)
	return err
}

func sameNames(names []string, columns []query.Column) bool {
	if len(names) != len(columns) {
		return false
	}
	for _, c := range columns {
		if !slices.Contains(names, c.Name) {
			return false
		}
	}
	return true
}

// same refuses a table that is not as a plan has it.
func (t *table) same(as *query.Table) error {
	if !slices.EqualFunc(t.Columns, as.Columns, func(a, b query.Column) bool { return a.Name == b.Name && a.Type.Same(b.Type) }) || t.Key != as.Key {
		return errs.Field(errs.Conflict, "table", "%q was changed meanwhile", t.Name)
	}
	return nil
}
