//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/state"
)

// unlisted is how long the list of declared tables is believed while none of
// those that are known has anything new.
const unlisted = time.Second

// follow takes over what is new. With relist it asks which tables there are
// even if that was just asked.
func (m *Mirror) follow(ctx context.Context, relist bool) error {
	news, err := m.news(ctx)
	if err != nil {
		return err
	}
	if relist || news || m.opt.Now().Sub(m.eng.listed).Abs() > unlisted {
		if err := m.followTables(ctx); err != nil {
			return err
		}
	}
	return m.followChat(ctx)
}

// news tells whether a known table has anything new.
func (m *Mirror) news(ctx context.Context) (bool, error) {
	for _, t := range m.eng.tables {
		head, err := m.src.State.Head(ctx, &t.def)
		if err != nil {
			return true, ignoring(err, errs.NotFound)
		}
		if head.Seq != t.seq || head.Generation != t.def.Generation {
			return true, nil
		}
	}
	return false, nil
}

// ignoring is err unless it is of a kind.
func ignoring(err error, kind errs.Kind) error {
	if errs.KindOf(err) == kind {
		return nil
	}
	return err
}

func (m *Mirror) followTables(ctx context.Context) error {
	listed := m.opt.Now()
	defs, err := m.src.State.Tables(ctx)
	if errs.KindOf(err) == errs.Unsupported {
		m.eng.listed = listed
		return nil // this database keeps none
	}
	if err != nil {
		return err
	}
	for _, def := range defs {
		if err := m.followTable(ctx, def); err != nil {
			return err
		}
	}
	m.eng.listed = listed
	return nil
}

// batch is how many versions are read at once, lot how many make a transaction
// of the mirror's: a build that is broken off goes on behind the last.
const (
	batch = 8192
	lot   = 64 * batch
)

func (m *Mirror) followTable(ctx context.Context, def state.Table) error {
	t := m.eng.tables[key(def.Name)]
	if t != nil && sameMirror(&t.def, &def) {
		t.def.Places = def.Places
	} else {
		t = &table{def: def}
		if err := m.start(ctx, t); err != nil {
			return err
		}
	}
	head, err := m.src.State.Head(ctx, &t.def)
	if err != nil {
		return err
	}
	if head.Generation != t.def.Generation {
		return nil // cleared this moment; the next list of tables says so
	}
	if head.Seq < t.seq {
		// An older copy of the database was put in its place.
		t = &table{def: def}
		if err := m.start(ctx, t); err != nil {
			return err
		}
	}
	for t.seq < head.Seq {
		if done, err := m.take(ctx, t); err != nil || done {
			return err
		}
	}
	return nil
}

// start makes an empty mirror of a table.
func (m *Mirror) start(ctx context.Context, t *table) error {
	m.eng.tables[key(t.def.Name)] = t
	remember, err := t.remember()
	if err != nil {
		return err
	}
	err = m.eng.transaction(ctx, func() error {
		return m.eng.writer.Exec(ctx, t.create()+remember+m.eng.publish(t))
	})
	if err != nil {
		delete(m.eng.tables, key(t.def.Name))
	}
	return err
}

// take takes over one lot; done: there was no more.
func (m *Mirror) take(ctx context.Context, t *table) (done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var reader sync.WaitGroup
	defer reader.Wait()
	read := m.read(ctx, t, &reader)
	defer cancel()
	last, n := t.seq, 0
	moved := *t
	err = m.eng.transaction(ctx, func() error {
		a, err := m.eng.writer.Append("varve", t.logTable())
		if err != nil {
			return err
		}
		defer a.Close()
		for got := range read {
			if got.err != nil {
				return got.err
			}
			for i := range got.versions {
				if err := t.append(a, &got.versions[i]); err != nil {
					return err
				}
			}
			n += len(got.versions)
			last = got.versions[len(got.versions)-1].Seq
		}
		if n == 0 {
			return nil
		}
		if err := a.Flush(ctx); err != nil {
			return err
		}
		return m.settle(ctx, &moved, last, n)
	})
	if err != nil {
		return false, err
	}
	t.seq, t.base = last, moved.base
	return n < lot, nil
}

// settle moves the base when what lies behind it has become much. Positions
// count versions well enough for that.
func (m *Mirror) settle(ctx context.Context, t *table, last int64, n int) error {
	if n == lot && t.base == 0 {
		return nil // there is more to come: one base at the end will do
	}
	if last-t.base <= tail(last) {
		return nil
	}
	t.base = last
	remember, err := t.remember()
	if err != nil {
		return err
	}
	return m.eng.writer.Exec(ctx, t.rebase()+remember+m.eng.publish(t))
}

type batchOf struct {
	versions []state.Version
	err      error
}

// read reads a lot of versions ahead of what is written.
func (m *Mirror) read(ctx context.Context, t *table, reader *sync.WaitGroup) <-chan batchOf {
	out := make(chan batchOf, 2)
	def, after := t.def, t.seq
	reader.Go(func() {
		defer close(out)
		for n := 0; n < lot; {
			vs, err := m.src.State.Log(ctx, &def, after, batch)
			if err == nil && len(vs) == 0 {
				return
			}
			select {
			case out <- batchOf{vs, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || len(vs) < batch {
				return
			}
			n, after = n+len(vs), vs[len(vs)-1].Seq
		}
	})
	return out
}

// append writes one version into the log.
func (t *table) append(a *duck.Appender, v *state.Version) error {
	row, to, err := a.Row()
	if err != nil {
		return err
	}
	to[0].Int(row, v.Seq)
	to[1].Int(row, v.At.UnixMicro())
	to[2].Int(row, v.Entity)
	to[3].Int(row, v.Number)
	to[4].Text(row, string(v.Op))
	if v.Actor == "" {
		to[5].Null(row)
	} else {
		to[5].Text(row, v.Actor)
	}
	if v.Source == 0 {
		to[6].Null(row)
	} else {
		to[6].Int(row, v.Source)
	}
	col := systemColumns
	for i := range t.def.Columns {
		if t.def.Columns[i].Type == state.Bytes {
			continue
		}
		if err := value(&to[col], row, v.Values[i]); err != nil {
			return err
		}
		col++
	}
	return nil
}
