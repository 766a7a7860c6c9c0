package sqlite

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

var _ state.Batcher = versions{}

// span is how many positions one statement goes through: the log of writes
// ahead is not cut while it runs.
const span = 1 << 17

// batchFunction is an aggregate function of ours that puts its arguments into
// a batch. An answer's rows each cost a step and a call for every field; the
// rows of an aggregate never leave the engine, which makes it three times
// faster than Log.
const batchFunction = "varve_batch"

// Batches implements state.Batcher.
func (r versions) Batches(ctx context.Context, t *state.Table, after, to int64, fill state.Fill) error {
	v := r.store.statements(t)
	sql := `SELECT ` + batchFunction + `(` + v.BatchFields() + `) FROM ` + v.LogName() + ` l WHERE l._seq>? AND l._seq<=?`
	g := &gather{table: t, fill: fill, last: after}
	if g.next(); g.err != nil {
		return g.err
	}
	for after < to && g.err == nil {
		err := r.read(ctx, t.Name, func(c *conn) error {
			upto := min(to, after+span)
			if err := c.gather(g, sql, after, upto); err != nil {
				return err
			}
			if g.last > after || upto == to {
				after = upto
				return nil
			}
			// A gap may be wide: it is passed at once.
			next, err := c.number(`SELECT min(_seq) FROM `+v.LogName()+` WHERE _seq>?`, upto)
			if after = next - 1; next == 0 {
				after = to
			}
			return err
		})
		if g.err == nil {
			g.err = err
		}
	}
	if g.err == nil && g.batch.Rows > 0 {
		_, g.err = fill(g.batch)
	}
	return g.err
}

// gather runs a statement with the function.
func (c *conn) gather(g *gather, sql string, after, to int64) error {
	if !c.gathers {
		if err := c.db.CreateWindowFunction(batchFunction, -1, sqlite3.DIRECTONLY, func() sqlite3.AggregateFunction { return c.gathering }); err != nil {
			return classify(err)
		}
		c.gathers = true
	}
	c.gathering = g
	defer func() { c.gathering = nil }()
	return c.exec(sql, after, to)
}

// gather fills batches, a version at each step.
type gather struct {
	table *state.Table
	fill  state.Fill
	batch *state.Batch
	last  int64
	err   error
}

var _ sqlite3.AggregateFunction = (*gather)(nil)

func (g *gather) next() {
	g.batch, g.err = g.fill(g.batch)
}

// Step implements sqlite3.AggregateFunction.
func (g *gather) Step(ctx sqlite3.Context, args ...sqlite3.Value) {
	if g.err != nil {
		return
	}
	i := 0
	for n := range g.batch.Fields {
		f := &g.batch.Fields[n]
		switch f.Type {
		case state.Bytes:
			continue
		case state.Text, state.JSON:
			if text := args[i].RawText(); text != nil {
				f.Bytes(text)
			} else if f.SetNull(); args[i].Type() != sqlite3.NULL {
				g.err = errs.New(errs.Unavailable, "SQLite has no memory for a text")
			}
		default:
			switch {
			case n >= state.BatchSystem && args[i].Type() == sqlite3.NULL:
				f.SetNull()
			case f.Type == state.Real:
				f.Real(args[i].Float())
			default:
				f.Int(args[i].Int64())
			}
		}
		i++
	}
	g.batch.Next()
	if seq := g.batch.Last(); seq > g.last {
		g.last = seq
	} else if g.err == nil {
		g.err = errs.New(errs.Internal, "the versions of the table %q came out of order", g.table.Name)
	}
	if g.err == nil && g.batch.Full() {
		g.next()
	}
	if g.err != nil {
		ctx.ResultError(g.err)
	}
}

// Value implements sqlite3.AggregateFunction.
func (g *gather) Value(sqlite3.Context) {}
