package sqlite

import (
	"context"
	"iter"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// data serves the port of the databackend, on the outer handle or inside an
// Update.
type data struct {
	store *Store
	at    access
}

var _ query.Store = data{}

// Query implements store.Tx. The first Create makes what the port needs.
func (s *Store) Query() query.Store { return data{s, s} }

// Query implements store.Tx. What is selected is read whole before the first
// row is given out, since what comes next may write.
func (t *tx) Query() query.Store { return data{t.store, t} }

// Features implements query.Store.
func (q data) Features() query.Features {
	return query.Features{Transactions: true, Changes: q.store.known.Load(), Foreign: true, Raw: true, Confined: true, Reserved: true, MaxColumns: 2000}
}

// Tables implements query.Store.
func (q data) Tables(ctx context.Context) (tables []query.Table, err error) {
	err = q.snapshot(ctx, func(c *conn) error {
		found, err := q.store.dataTables(c)
		for _, t := range found {
			tables = append(tables, t.Table)
		}
		return err
	})
	return tables, err
}

// Table implements query.Store.
func (q data) Table(ctx context.Context, name string) (t query.Table, err error) {
	err = q.at.read(ctx, func(c *conn) error {
		found, err := q.table(c, name)
		if err == nil {
			t = found.Table
		}
		return err
	})
	return t, err
}

// snapshot runs fn on one state of the database.
func (q data) snapshot(ctx context.Context, fn func(*conn) error) error {
	return q.at.read(ctx, func(c *conn) error {
		return c.snapshot(func() error { return fn(c) })
	})
}

// Select implements query.Store.
func (q data) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		stopped := false
		give := func(row []any) bool {
			stopped = !yield(row, nil)
			return !stopped
		}
		var kept [][]any
		_, inside := q.at.(*tx)
		if inside {
			give = func(row []any) bool {
				kept = append(kept, append([]any(nil), row...))
				return true
			}
		}
		err := q.snapshot(ctx, func(c *conn) error { return q.run(c, p, give) })
		for i := 0; i < len(kept) && err == nil && !stopped; i++ {
			stopped = !yield(kept[i], nil)
		}
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

func (q data) run(c *conn, p *query.Plan, give func([]any) bool) error {
	tables := make([]*sqlquery.Table, len(p.Tables))
	for i := range p.Tables {
		t, err := q.planned(c, p.Tables[i].Table)
		if err != nil {
			return err
		}
		tables[i] = t
	}
	asked, err := sqlquery.Select(p, tables, &dataDialect)
	if err != nil {
		return err
	}
	return c.stream(asked, give)
}

// planned is a table of a plan as it is now.
func (q data) planned(c *conn, t *query.Table) (*sqlquery.Table, error) {
	now, err := q.table(c, t.Name)
	if errs.KindOf(err) == errs.NotFound {
		err = errs.Wrap(errs.Conflict, err, "the table %q is not there any more", t.Name)
	}
	if err == nil {
		err = now.Check(t)
	}
	return now, err
}

// stream gives out the rows of an answer until give has enough. The statement
// is nobody else's meanwhile: who takes a row may ask the same again.
func (c *conn) stream(asked *sqlquery.Asked, give func([]any) bool) (err error) {
	s, err := c.prepare(asked.SQL)
	if err != nil {
		return classify(err)
	}
	delete(c.stmts, asked.SQL)
	defer func() {
		failed := s.Reset()
		if err == nil {
			err = classify(failed)
		}
		if _, again := c.stmts[asked.SQL]; again || err != nil {
			s.Close()
		} else {
			c.stmts[asked.SQL] = s
		}
	}()
	if err := bind(s, asked.Args); err != nil {
		return classify(err)
	}
	row := make([]any, len(asked.Columns))
	for s.Step() {
		for i := range row {
			if row[i], err = asked.Columns[i].Value(cell(s, i)); err != nil {
				return err
			}
		}
		if !give(row) {
			return nil
		}
	}
	return classify(s.Err())
}

// cell is a value of the current row.
func cell(s *sqlite3.Stmt, i int) any {
	switch s.ColumnType(i) {
	case sqlite3.INTEGER:
		return s.ColumnInt64(i)
	case sqlite3.FLOAT:
		return s.ColumnFloat(i)
	case sqlite3.TEXT:
		return s.ColumnText(i)
	case sqlite3.BLOB:
		return s.ColumnBlob(i, []byte{})
	}
	return nil
}
