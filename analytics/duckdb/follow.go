//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// unlisted is how long the list of declared tables is believed while none of
// those that are known has anything new.
const unlisted = time.Second

// follow takes over what is new. With relist it asks which tables there are
// even if that was just asked.
func (m *Mirror) follow(ctx context.Context, relist bool) error {
	stamp, err := m.stamp(ctx)
	c := &m.eng.chat
	again := c.overdue(m.opt.Now()) || relist && c.none
	if err != nil || stamp != "" && stamp == m.eng.stamp && !again {
		return err
	}
	news := stamp != ""
	if !news {
		if news, err = m.news(ctx); err != nil {
			return err
		}
	}
	if relist || news || m.opt.Now().Sub(m.eng.listed).Abs() > unlisted {
		if err := m.followTables(ctx); err != nil {
			return err
		}
	}
	all, err := m.followChat(ctx)
	if err == nil {
		err = m.eng.makeReady(ctx)
	}
	if err == nil && all {
		m.eng.stamp = stamp
	}
	return err
}

// stamp asks the database whether anything was written, if it can tell.
func (m *Mirror) stamp(ctx context.Context) (string, error) {
	s, ok := m.src.Changes.(change.Stamper)
	if !ok {
		return "", nil
	}
	stamp, err := s.Stamp(ctx)
	return stamp, ignoring(err, errs.Unsupported)
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

func (m *Mirror) followTable(ctx context.Context, def state.Table) error {
	t := m.eng.tables[key(def.Name)]
	if t == nil || !sameMirror(&t.def, &def) {
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
	if err := m.take(ctx, t, head.Seq); err != nil {
		return err
	}
	return m.settle(ctx, t)
}

// start makes an empty mirror of a table.
func (m *Mirror) start(ctx context.Context, t *table) error {
	m.eng.tables[key(t.def.Name)] = t
	remember, err := t.remember()
	if err != nil {
		return err
	}
	err = m.eng.writer.Transaction(ctx, func() error {
		return m.eng.writer.Exec(ctx, t.create()+remember+m.eng.publish(t))
	})
	if err != nil {
		delete(m.eng.tables, key(t.def.Name))
	}
	return err
}
