package postgres

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Write implements state.Store. Outside of an Update what callers of this
// process want of one table at a time goes into one transaction.
func (r versions) Write(ctx context.Context, table string, ws []state.Write) ([]state.Version, error) {
	l, err := r.ready(ctx)
	if err != nil {
		return nil, err
	}
	name := sqlcore.TableName(table)
	in, inside := r.at.(inner)
	if !inside {
		q, _ := r.s.known.queues.LoadOrStore(name, &queue{})
		return q.(*queue).write(ctx, ws, func(ctx context.Context, calls []*call) error { return r.group(ctx, l, name, calls) })
	}
	c := &call{ws: ws}
	b := &bundle{versions: r, l: l, name: name, calls: []*call{c}, run: in.Run}
	work, err := b.plan(ctx)
	if err == nil && c.err == nil {
		err = in.write(ctx, work...)
	}
	if err != nil {
		return nil, err
	}
	return c.made, c.err
}

// group is one transaction of several calls, in two round trips.
func (r versions) group(ctx context.Context, l *layout, name string, calls []*call) error {
	for try := 1; ; try++ {
		err := r.s.notice(r.attempt(ctx, l, name, calls))
		switch code(err) {
		case "40001", "40P01":
		case "42P01", "42703": // the table was taken away and made anew
			r.s.known.declared.Delete(name)
		default:
			return err
		}
		if try == tries {
			return err
		}
	}
}

func (r versions) attempt(ctx context.Context, l *layout, name string, calls []*call) error {
	c, err := r.s.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release() // closes the connection when a transaction is left open
	conn := session{c.Conn(), !r.s.pooled.Load()}
	b := &bundle{versions: r, l: l, name: name, calls: calls, begin: []sqlcore.Query{{SQL: "BEGIN"}},
		run: func(ctx context.Context, queries ...sqlcore.Query) error { return classify(run(ctx, conn, queries...)) }}
	work, err := b.plan(ctx)
	if err == nil && len(work) > 0 {
		err = b.run(ctx, append(work, sqlcore.Query{SQL: "COMMIT"})...)
	}
	if conn.PgConn().TxStatus() != 'I' { // also where nothing is to be written
		_ = run(context.WithoutCancel(ctx), conn, sqlcore.Query{SQL: "ROLLBACK"})
	}
	return err
}

// bundle is several calls on their way into one transaction.
type bundle struct {
	versions
	l     *layout
	name  string
	calls []*call
	begin []sqlcore.Query
	run   func(context.Context, ...sqlcore.Query) error

	entry  *entry
	newest map[string]*state.Version
}

// plan locks the table and decides what each call means; its answer is what
// has to be written. A call that fails leaves an error and nothing else.
func (b *bundle) plan(ctx context.Context) (work []sqlcore.Query, err error) {
	if err := b.look(ctx); err != nil {
		return nil, err
	}
	v := b.entry.versions
	p := &sqlcore.Plan{Versions: v, Seq: b.entry.seq,
		Newest: func(key string) (*state.Version, error) { return b.newest[key], nil },
		Source: func(entity, number int64) (*state.Version, error) { return b.source(ctx, v, entity, number) }}
	if p.Seq > 0 {
		p.At = time.UnixMicro(b.entry.at).UTC()
	}
	for _, c := range b.calls {
		if c.made, c.err = p.Write(c.ws); c.err != nil && errs.KindOf(c.err) == errs.Unavailable {
			return nil, c.err // of the connection
		}
	}
	for i := range p.Made {
		work = append(work, sqlcore.Query{SQL: v.InsertVersion, Args: v.VersionArgs(&p.Made[i])})
	}
	for _, h := range p.Heads {
		sql, args := v.HeadWrite(h)
		work = append(work, sqlcore.Query{SQL: sql, Args: args})
	}
	if len(work) > 0 {
		work = append(work, sqlcore.Query{SQL: `UPDATE ` + b.l.varve("varve_table") + ` SET seq=$2,at=$3 WHERE name=$1`, Args: []any{b.name, p.Seq, p.At.UnixMicro()}})
	}
	return work, nil
}

// look locks the table's row in the catalogue and reads the newest versions of
// the rows that are to be written: in one round trip, unless another program
// has declared the table anew.
func (b *bundle) look(ctx context.Context) error {
	var found []entry
	questions := append(b.begin, b.catalogue(b.l, ` WHERE name=$1 FOR NO KEY UPDATE`, &found, b.name))
	known, ok := b.s.known.declared.Load(b.name)
	if ok {
		questions = append(questions, b.rows(known.(*declared).versions))
	}
	if err := b.run(ctx, questions...); err != nil {
		return err
	}
	if len(found) == 0 {
		return state.NoTable(b.name)
	}
	b.entry = &found[0]
	if ok && known.(*declared).edition == b.entry.edition {
		return nil
	}
	return b.run(ctx, b.rows(b.entry.versions))
}

// rows is the question for the newest versions of all rows that are written.
func (b *bundle) rows(v *sqlcore.Versions) sqlcore.Query {
	b.newest = map[string]*state.Version{}
	var keys []string
	seen := map[string]bool{}
	for _, c := range b.calls {
		for i := range c.ws {
			if key := c.ws[i].Key; !seen[key] {
				seen[key] = true
				keys = append(keys, bounded(key))
			}
		}
	}
	return sqlcore.Query{SQL: v.NewestOf, Args: []any{keys}, Each: func(got sqlcore.Row) error {
		fields, err := fieldsOf(v, got.(row))
		if err != nil {
			return err
		}
		found := v.Version(fields)
		key, err := v.Table.RowKey(found.Values)
		b.newest[key] = &found
		return err
	}}
}

func (b *bundle) source(ctx context.Context, v *sqlcore.Versions, entity, number int64) (*state.Version, error) {
	var found []state.Version
	err := b.run(ctx, sqlcore.Query{SQL: v.Source, Args: []any{entity, number}, Each: collect(v, &found)})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}
