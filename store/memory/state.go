package memory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/varvedb/varve/state"
)

// State implements store.Tx.
func (s *Store) State() state.Store { return tables{at: s} }

func (t tx) State() state.Store { return tables{at: t} }

// tables serves the port of versioned tables over the data.
type tables struct{ at access }

var _ state.Store = tables{}

// sheet is a table with its rows.
type sheet struct {
	table state.Table
	seq   int64     // of the newest version that ever was
	at    time.Time // its time
	born  int64     // entities so far
	keys  map[string]int64
	rows  map[int64][]cell // the versions of an entity, oldest first
	log   []cell           // all versions, oldest first
}

// cell is a version whose values lie in places, as in a database.
type cell struct {
	state.Version
	places map[string]any
}

func newSheet(t state.Table) *sheet {
	return &sheet{table: t, keys: map[string]int64{}, rows: map[int64][]cell{}}
}

func (d *data) sheet(name string) (*sheet, error) {
	if s := d.sheets[strings.ToLower(name)]; s != nil {
		return s, nil
	}
	return nil, state.NoTable(name)
}

func (d *data) putSheet(s *sheet) { put(d, d.sheets, strings.ToLower(s.table.Name), s) }

// Tables implements state.Store.
func (t tables) Tables(ctx context.Context) (list []state.Table, err error) {
	err = t.at.read(ctx, func(d *data) error {
		for _, s := range d.sheets {
			list = append(list, s.table)
		}
		slices.SortFunc(list, func(a, b state.Table) int {
			return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		})
		return nil
	})
	return list, err
}

// Declare implements state.Store.
func (t tables) Declare(ctx context.Context, want state.Schema) (out state.Table, err error) {
	err = t.at.write(ctx, func(d *data) error {
		old, missing := d.sheet(want.Name)
		if missing != nil {
			made, _, err := state.Evolve(nil, want)
			if err != nil {
				return err
			}
			out = made
			d.putSheet(newSheet(made))
			return nil
		}
		evolved, _, err := state.Evolve(&old.table, want)
		if err != nil {
			return err
		}
		if out = evolved; reflect.DeepEqual(evolved, old.table) {
			return nil
		}
		out.Edition++
		s := *old
		s.table = out
		d.putSheet(&s)
		return nil
	})
	return out, err
}

// Clear implements state.Store.
func (t tables) Clear(ctx context.Context, names []string) error {
	return t.at.write(ctx, func(d *data) error {
		for _, name := range names {
			old, err := d.sheet(name)
			if err != nil {
				return err
			}
			s := newSheet(old.table)
			s.seq, s.at, s.born = old.seq, old.at, old.born
			s.table.Generation++
			s.table.Horizon = s.seq + 1
			d.putSheet(s)
		}
		return nil
	})
}

// Write implements state.Store.
func (t tables) Write(ctx context.Context, table string, ws []state.Write) (out []state.Version, err error) {
	err = t.at.write(ctx, func(d *data) error {
		s, err := d.sheet(table)
		if err != nil {
			return err
		}
		for _, w := range ws {
			v, err := s.next(w)
			if err != nil {
				return err
			}
			out = append(out, s.add(d, w.Key, v))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// next makes the version that a write asks for.
func (s *sheet) next(w state.Write) (state.Version, error) {
	var newest, source *state.Version
	versions := s.rows[s.keys[w.Key]]
	if n := len(versions); n > 0 {
		v := versions[n-1].as(&s.table)
		newest = &v
	}
	if i := slices.IndexFunc(versions, func(c cell) bool { return c.Number == w.Source }); i >= 0 {
		v := versions[i].as(&s.table)
		source = &v
	}
	return state.Next(&s.table, newest, source, w)
}

// add appends a version to the log.
func (s *sheet) add(d *data, key string, v state.Version) state.Version {
	before := *s
	versions := s.rows[v.Entity]
	d.undo = append(d.undo, func() {
		s.seq, s.at, s.born, s.log = before.seq, before.at, before.born, before.log
		if s.rows[v.Entity] = versions; len(versions) == 0 {
			delete(s.rows, v.Entity)
			delete(s.keys, key)
		}
	})
	if v.Entity == 0 {
		s.born++
		v.Entity = s.born
		s.keys[key] = v.Entity
	}
	s.seq++
	v.Seq, v.At = s.seq, state.Tick(s.at, v.At)
	s.at = v.At
	c := cell{Version: v, places: map[string]any{}}
	c.Values = nil
	for i, value := range v.Values {
		if value != nil {
			c.places[s.table.Places[i][0].Name] = cloneValue(value)
		}
	}
	s.rows[v.Entity] = append(versions, c)
	s.log = append(s.log, c)
	return c.as(&s.table)
}

// as gives a version the values of a Table's columns.
func (c cell) as(t *state.Table) state.Version {
	v := c.Version
	v.Values = make([]any, len(t.Columns))
	for i, places := range t.Places {
		for _, p := range places {
			if value := c.places[p.Name]; value != nil {
				v.Values[i] = state.Widen(cloneValue(value), t.Columns[i].Type)
				break
			}
		}
	}
	return v
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case []byte:
		return bytes.Clone(v)
	case json.RawMessage:
		return json.RawMessage(bytes.Clone(v))
	}
	return v
}

// with runs fn on a table under the lock.
func (t tables) with(ctx context.Context, table *state.Table, fn func(*sheet) error) error {
	return t.at.read(ctx, func(d *data) error {
		s, err := d.sheet(table.Name)
		if err != nil {
			return err
		}
		return fn(s)
	})
}

// Head implements state.Store.
func (t tables) Head(ctx context.Context, table *state.Table) (h state.Head, err error) {
	err = t.with(ctx, table, func(s *sheet) error {
		h = state.Head{Seq: s.seq, Generation: s.table.Generation}
		return nil
	})
	return h, err
}

// Get implements state.Store.
func (t tables) Get(ctx context.Context, table *state.Table, key string, at int64) (v state.Version, err error) {
	err = t.with(ctx, table, func(s *sheet) error {
		c, ok := newestAt(s.rows[s.keys[key]], at)
		if !ok {
			return state.NoRow()
		}
		v = c.as(table)
		return nil
	})
	return v, err
}

// newestAt is the newest version at a position, 0 for now.
func newestAt(versions []cell, at int64) (cell, bool) {
	n := len(versions)
	if at != 0 {
		n = sort.Search(n, func(i int) bool { return versions[i].Seq > at })
	}
	if n == 0 {
		return cell{}, false
	}
	return versions[n-1], true
}

// History implements state.Store.
func (t tables) History(ctx context.Context, table *state.Table, key string, before int64, limit int) (out []state.Version, err error) {
	err = t.with(ctx, table, func(s *sheet) error {
		versions := s.rows[s.keys[key]]
		for i := len(versions) - 1; i >= 0 && len(out) < limit; i-- {
			if before == 0 || versions[i].Number < before {
				out = append(out, versions[i].as(table))
			}
		}
		return nil
	})
	return out, err
}

// Log implements state.Store.
func (t tables) Log(ctx context.Context, table *state.Table, after int64, limit int) (out []state.Version, err error) {
	err = t.with(ctx, table, func(s *sheet) error {
		from := sort.Search(len(s.log), func(i int) bool { return s.log[i].Seq > after })
		for _, c := range s.log[from:min(len(s.log), from+limit)] {
			out = append(out, c.as(table))
		}
		return nil
	})
	return out, err
}

// Position implements state.Store.
func (t tables) Position(ctx context.Context, table *state.Table, at time.Time) (seq int64, err error) {
	err = t.with(ctx, table, func(s *sheet) error {
		if n := sort.Search(len(s.log), func(i int) bool { return s.log[i].At.After(at) }); n > 0 {
			seq = s.log[n-1].Seq
		}
		return nil
	})
	return seq, err
}

// Compact implements state.Store.
func (t tables) Compact(ctx context.Context, table *state.Table, horizon, keep int64) (gone int64, err error) {
	err = t.at.write(ctx, func(d *data) error {
		old, err := d.sheet(table.Name)
		if err != nil {
			return err
		}
		s := *old
		s.rows, s.log = map[int64][]cell{}, nil
		first := horizon
		if keep > 0 {
			first = 0
		}
		for _, c := range old.log {
			row := old.rows[c.Entity]
			shown, _ := newestAt(row, horizon)
			if newest := row[len(row)-1]; c.Seq < shown.Seq && c.Number <= newest.Number-keep {
				gone++
				next := row[c.Number-row[0].Number+1]
				first = max(first, next.Seq) // until then this one was shown
				continue
			}
			s.rows[c.Entity] = append(s.rows[c.Entity], c)
			s.log = append(s.log, c)
		}
		s.table.Horizon = max(old.table.Horizon, first)
		if gone > 0 {
			s.table.Edition++
		}
		d.putSheet(&s)
		return nil
	})
	return gone, err
}
