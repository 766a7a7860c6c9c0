//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/state"
)

// lot and lotBytes are how many versions, and of how much text, make a
// transaction of the mirror's: a build that is broken off goes on behind the
// last, and what is not committed is in memory. The engine keeps rows in groups
// of 122,880, and writes whole ones once only.
const (
	lot      = 2 * 122_880
	lotBytes = 256 << 20
)

// lots is into how many lots at most what is new is cut: positions may have
// wide gaps, and a lot without versions costs a statement.
const lots = 1024

// hands is how many lots are made at once. Each reads the database and writes
// columns, and the engine's part of that is one thread's.
var hands = min(runtime.GOMAXPROCS(0), 4)

// take takes over the versions up to a position. Lots are made beside each
// other and committed in their order, so that what is mirrored has no holes.
func (m *Mirror) take(ctx context.Context, t *table, head int64) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(hands)
	size := max(lot, (head-t.seq)/lots+1)
	before := make(chan struct{})
	close(before)
	for after := t.seq; after < head; after += size {
		l := &load{m: m, t: t, before: before, done: make(chan struct{})}
		before = l.done
		g.Go(func() error { return l.take(ctx, after, min(after+size, head)) })
	}
	return g.Wait()
}

// load takes over one lot.
type load struct {
	m            *Mirror
	t            *table
	before, done chan struct{} // closed when the lot before, and this one, is there
	conn         *duck.Conn
	to           *duck.Appender // nil: no transaction is open
	rows, bytes  int
}

func (l *load) take(ctx context.Context, after, upto int64) (err error) {
	if l.conn, err = l.m.eng.db.Connect(); err != nil {
		return err
	}
	defer l.conn.Close() // undoes what is not committed
	defer l.drop()
	def := l.t.def
	if err = state.Batches(ctx, l.m.src.State, &def, after, upto, func(full *state.Batch) (*state.Batch, error) {
		return l.next(ctx, full)
	}); err != nil {
		return err
	}
	if err = l.commit(ctx, upto); err == nil {
		close(l.done)
	}
	return err
}

// next writes a batch and empties it.
func (l *load) next(ctx context.Context, full *state.Batch) (*state.Batch, error) {
	if full == nil {
		return state.NewBatch(&l.t.def), nil
	}
	if l.to == nil {
		if err := l.begin(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.t.append(l.to, full); err != nil {
		return nil, err
	}
	l.rows, l.bytes = l.rows+full.Rows, l.bytes+full.Size()
	if l.rows+state.BatchRows > lot || l.bytes >= lotBytes {
		if err := l.commit(ctx, full.Last()); err != nil {
			return nil, err
		}
	}
	full.Reset()
	return full, nil
}

func (l *load) begin(ctx context.Context) (err error) {
	if err = l.conn.Exec(context.WithoutCancel(ctx), "BEGIN"); err == nil {
		l.to, err = l.conn.Append("varve", l.t.logTable())
	}
	l.rows, l.bytes = 0, 0
	return err
}

// commit ends what was written when all before it is there.
func (l *load) commit(ctx context.Context, upto int64) error {
	open := l.to != nil
	if open {
		if err := l.to.Flush(ctx); err != nil {
			return err
		}
		l.drop()
	}
	select {
	case <-l.before:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if open {
		if err := l.conn.Exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
			return err
		}
	}
	l.t.seq = upto
	return nil
}

func (l *load) drop() {
	if l.to != nil {
		l.to.Close()
		l.to = nil
	}
}

// settle moves the base when what lies behind it has become much. Positions
// count versions well enough for that.
func (m *Mirror) settle(ctx context.Context, t *table) error {
	if t.seq-t.base <= tail(t.seq) {
		return nil
	}
	moved := *t
	moved.base = t.seq
	remember, err := moved.remember()
	if err != nil {
		return err
	}
	err = m.eng.writer.Transaction(ctx, func() error {
		return m.eng.writer.Exec(ctx, moved.rebase()+remember+m.eng.publish(&moved))
	})
	if err == nil {
		t.base = moved.base
	}
	return err
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
