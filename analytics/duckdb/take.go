//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"sync"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/state"
)

// lot and lotBytes are how many versions, and of how much text, make a
// transaction of the mirror's: a build that is broken off goes on behind the
// last, and what is not committed is in memory. The engine keeps rows in groups
// of 122,880, and writes whole ones once only.
const (
	lot      = 4 * 122_880
	lotBytes = 256 << 20
)

// ahead is how many batches may be read and not yet written.
const ahead = 8

// take takes over the versions up to a position.
func (m *Mirror) take(ctx context.Context, t *table, head int64) error {
	ctx, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	p := &pipe{full: make(chan *state.Batch, ahead), empty: make(chan *state.Batch, ahead)}
	def, after := t.def, t.seq
	reader.Go(func() {
		defer close(p.full)
		p.err = state.Batches(ctx, m.src.State, &def, after, head, func(full *state.Batch) (*state.Batch, error) {
			return p.pass(ctx, &def, full)
		})
	})
	for more := true; more; {
		var err error
		if more, err = m.takeLot(ctx, t, p); err != nil {
			return err
		}
	}
	return p.err
}

// pipe carries batches from who reads to who writes, and back.
type pipe struct {
	full, empty chan *state.Batch
	made        int
	err         error // of the reader; to be looked at when full is closed
}

// pass hands on a batch and finds another, of which there are few.
func (p *pipe) pass(ctx context.Context, t *state.Table, full *state.Batch) (*state.Batch, error) {
	if full != nil {
		select {
		case p.full <- full:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if p.made < ahead {
		p.made++
		return state.NewBatch(t), nil
	}
	select {
	case b := <-p.empty:
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// takeLot writes one lot; more: there may be another.
func (m *Mirror) takeLot(ctx context.Context, t *table, p *pipe) (more bool, err error) {
	last, moved := t.seq, *t
	err = m.eng.transaction(ctx, func() error {
		a, err := m.eng.writer.Append("varve", t.logTable())
		if err != nil {
			return err
		}
		defer a.Close()
		rows, bytes := 0, 0
		for rows+state.BatchRows <= lot && bytes < lotBytes {
			var b *state.Batch
			if b, more = <-p.full; !more {
				break
			}
			if err := t.append(a, b); err != nil {
				return err
			}
			last = b.Last()
			rows, bytes = rows+b.Rows, bytes+b.Size()
			b.Reset()
			p.empty <- b
		}
		if rows == 0 {
			return nil
		}
		if err := a.Flush(ctx); err != nil {
			return err
		}
		return m.settle(ctx, &moved, last, more)
	})
	if err != nil {
		return false, err
	}
	t.seq, t.base = last, moved.base
	return more, nil
}

// settle moves the base when what lies behind it has become much. Positions
// count versions well enough for that.
func (m *Mirror) settle(ctx context.Context, t *table, last int64, more bool) error {
	if more || last-t.base <= tail(last) {
		return nil // one base at the end will do
	}
	t.base = last
	remember, err := t.remember()
	if err != nil {
		return err
	}
	return m.eng.writer.Exec(ctx, t.rebase()+remember+m.eng.publish(t))
}

// append writes a batch into the log.
func (t *table) append(a *duck.Appender, b *state.Batch) error {
	to, err := a.Block(b.Rows)
	if err != nil {
		return err
	}
	col := 0
	for i := range b.Fields {
		f := &b.Fields[i]
		if f.Type != state.Bytes {
			fill(&to[col], f, b.Rows)
			col++
		}
	}
	const actor, source = 5, 6 // NULL where there is none
	for row, n := range b.Fields[source].Ints {
		if n == 0 {
			to[source].Null(row)
		}
	}
	from := uint32(0)
	for row, end := range b.Fields[actor].Ends {
		if end == from {
			to[actor].Null(row)
		}
		from = end
	}
	return a.Send()
}

// fill writes one column of a batch.
func fill(to *duck.Vector, f *state.Field, rows int) {
	switch f.Type {
	case state.Text, state.JSON:
		to.Texts(f.Text, f.Ends)
	case state.Real:
		to.Floats(f.Reals)
	case state.Boolean:
		to.Bools(f.Ints)
	default:
		to.Ints(f.Ints)
	}
	if f.Null {
		to.Nulls(f.Nulls[:(rows+63)/64])
	}
}
