package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// data serves the port of the databackend, on the outer handle or inside an
// Update.
type data struct{ at access }

var _ query.Store = data{}

// Query implements store.Tx.
func (s *Store) Query() query.Store { return data{outer{s}} }

// Query implements store.Tx. What is selected is read whole before the first
// row is given out, since what comes next needs the connection.
func (in inner) Query() query.Store { return data{in} }

// Features implements query.Store.
func (data) Features() query.Features {
	return query.Features{Transactions: true, Changes: true, Foreign: true, Raw: true, Reserved: true, MaxColumns: 1017}
}

// layout is that of the database, whether conversations can be kept in it or
// not: a database of tables of somebody's own may well have one called users.
// Questions make no tables of conversations.
func (q data) layout(ctx context.Context) (*layout, error) {
	if in, inside := q.at.(inner); inside {
		return in.t.l, nil
	}
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	return q.at.(outer).s.whatever(ctx)
}

// anew is the layout once more, for who finds no conversations in it: somebody
// may keep some here by now.
func (q data) anew(ctx context.Context, l *layout) (*layout, error) {
	o, outside := q.at.(outer)
	if !outside {
		return l, nil
	}
	o.s.bare.Store(nil)
	return q.layout(ctx)
}

// whatever is the layout of the database as it is, with or without tables of
// conversations, for those who need none; Varve's own are made.
func (s *Store) whatever(ctx context.Context) (*layout, error) {
	if l := cmp.Or(s.layout.Load(), s.bare.Load()); l != nil {
		return l, nil
	}
	f, err := find(ctx, s.db, s.limit)
	if err != nil {
		return nil, err
	}
	refused := f.chatClash()
	if f.ran[chatVersion] {
		l, err := s.ready(ctx)
		if errs.KindOf(err) != errs.Invalid {
			return l, err
		}
		refused = err
	}
	if err := s.found(ctx); err != nil {
		return nil, err
	}
	l := &layout{collation: s.collation, seen: &s.seen, refused: refused}
	s.bare.Store(l)
	return l, nil
}

// table finds a table: the user's go before conversations.
func (q data) table(ctx context.Context, name string) (*sqlquery.Table, error) {
	l, err := q.layout(ctx)
	if err != nil {
		return nil, err
	}
	if t := l.seen.Get(name); t != nil {
		return t, nil
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r > 0xffff }) {
		return nil, sqlquery.Missing(name) // names are of three bytes a character here, and to ask for others fails
	}
	found, err := q.find(ctx, l, name)
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		if t.Name == name {
			if !t.Unmade() {
				l.seen.Put(t)
			}
			return t, nil
		}
	}
	return nil, sqlquery.Missing(name)
}

// Tables implements query.Store.
func (q data) Tables(ctx context.Context) ([]query.Table, error) {
	l, err := q.layout(ctx)
	if err != nil {
		return nil, err
	}
	found, err := q.find(ctx, l, "")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *sqlquery.Table) int { return strings.Compare(a.Name, b.Name) })
	out := make([]query.Table, len(found))
	for i, t := range found {
		out[i] = t.Table
	}
	return out, nil
}

// Table implements query.Store. For a second it may be what it was before
// another program changed it.
func (q data) Table(ctx context.Context, name string) (query.Table, error) {
	t, err := q.table(ctx, name)
	if err != nil {
		return query.Table{}, err
	}
	return t.Table, nil
}

// planned is a table of a plan as it is now.
func (q data) planned(ctx context.Context, t *query.Table) (*sqlquery.Table, error) {
	now, err := q.table(ctx, t.Name)
	if errs.KindOf(err) == errs.NotFound {
		return nil, errs.Wrap(errs.Conflict, err, "the table %q is not there any more", t.Name)
	}
	if err != nil {
		return nil, err
	}
	return now, now.Check(t)
}

// changed looks again at tables about which a statement failed because there
// is no such table or column, and is errs.Conflict where they are not as the
// plan has them.
func (q data) changed(ctx context.Context, failed error, tables ...*query.Table) error {
	n := number(failed)
	if n != 1146 && n != 1054 && errs.KindOf(failed) != errs.Conflict {
		return failed
	}
	l, err := q.layout(ctx)
	if err != nil {
		return failed
	}
	for _, t := range tables {
		l.seen.Forget(t.Name)
		if _, err := q.planned(ctx, t); errs.KindOf(err) == errs.Conflict {
			return err
		}
	}
	return failed
}

// Select implements query.Store.
func (q data) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		tables := make([]*sqlquery.Table, len(p.Tables))
		plain := make([]*query.Table, len(p.Tables))
		for i := range p.Tables {
			t, err := q.planned(ctx, p.Tables[i].Table)
			if err != nil {
				yield(nil, err)
				return
			}
			tables[i], plain[i] = t, p.Tables[i].Table
		}
		l, err := q.layout(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		asked, err := sqlquery.Select(p, tables, l.dataDialect())
		stopped := false
		if err == nil {
			err = q.stream(ctx, asked, func(row []any) bool {
				stopped = !yield(row, nil)
				return !stopped
			})
		}
		if err != nil && !stopped {
			yield(nil, q.changed(ctx, err, plain...))
		}
	}
}

// drained is how many rows of an answer that was broken off are read to keep
// the connection.
const drained = 4096

// stream asks, and gives out rows until give has enough.
func (q data) stream(ctx context.Context, asked *sqlquery.Asked, give func([]any) bool) error {
	o, outside := q.at.(outer)
	if !outside {
		var kept [][]any
		err := q.at.Run(ctx, sqlcore.Query{SQL: asked.SQL, Args: asked.Args, Each: func(r sqlcore.Row) error {
			values := make([]any, len(asked.Columns))
			kept = append(kept, values)
			return readRow(asked, r.(row), values)
		}})
		for i := 0; i < len(kept) && err == nil && give(kept[i]); i++ {
		}
		return err
	}
	p, err := pack([]sqlcore.Query{{SQL: asked.SQL, Args: asked.Args}}, o.s.limit)
	if err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := o.s.db.QueryContext(within, p.text, p.args...)
	if err != nil {
		return classify(err)
	}
	defer answer.Close()
	values := make([]any, len(asked.Columns))
	stopped := false
	err = each(answer, func(r sqlcore.Row) error {
		if err := readRow(asked, r.(row), values); err != nil {
			return err
		}
		if !give(values) {
			stopped = true
			return errEnough
		}
		return nil
	})
	if !stopped {
		return err
	}
	// What is left is read where it is little: else the connection has to go.
	for n := 0; n < drained && answer.Next(); n++ {
	}
	cancel()
	return nil
}

// errEnough ends the reading of an answer.
var errEnough = errs.New(errs.Internal, "enough")

func readRow(asked *sqlquery.Asked, r row, values []any) (err error) {
	for i := range asked.Columns {
		o := &asked.Columns[i]
		if values[i], err = o.Value(received(r[i], o)); err != nil {
			return err
		}
	}
	return nil
}

// received is a value as the server sent it, as the port has it.
func received(raw sql.RawBytes, o *sqlquery.Output) any {
	if raw == nil {
		return nil
	}
	switch o.Type.Kind {
	case query.Integer:
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return n
		}
	case query.Bytes, query.Vector, query.Tensor:
		return append([]byte{}, raw...)
	}
	return string(raw)
}
