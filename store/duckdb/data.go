//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// data serves the port of the databackend.
type data struct{ s *Store }

var _ query.Store = data{}

// Features implements query.Store.
func (q data) Features() query.Features {
	return query.Features{Changes: true, Raw: true, Confined: true, Reserved: true}
}

// Tables implements query.Store.
func (q data) Tables(ctx context.Context) ([]query.Table, error) {
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	all, err := q.s.Store.Query().Tables(ctx)
	if err != nil {
		return nil, err
	}
	own := q.s.tables.all()
	all = slices.DeleteFunc(all, func(t query.Table) bool { return t.Reserved == "" || own[t.Name] != nil })
	for _, t := range own {
		all = append(all, t.Table)
	}
	slices.SortFunc(all, func(a, b query.Table) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Table implements query.Store: the user's own go before those of other rooms.
func (q data) Table(ctx context.Context, name string) (query.Table, error) {
	if err := store.Outer(ctx); err != nil {
		return query.Table{}, err
	}
	if t := q.s.tables.get(name); t != nil {
		return t.Table, nil
	}
	t, err := q.s.Store.Query().Table(ctx, name)
	if err == nil && t.Reserved == "" {
		err = sqlquery.Missing(name)
	}
	if err != nil {
		return query.Table{}, err
	}
	return t, nil
}

// Select implements query.Store. Reserved tables alone are asked where they
// are; joined to others, their rows are read first.
func (q data) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	if !slices.ContainsFunc(p.Tables, func(s query.Source) bool { return s.Table.Reserved == "" }) {
		return q.s.Store.Query().Select(ctx, p)
	}
	return func(yield func([]any, error) bool) {
		stopped := false
		err := store.Outer(ctx)
		if err == nil {
			err = q.run(ctx, p, func(row []any) bool {
				stopped = !yield(row, nil)
				return !stopped
			})
		}
		if err != nil && !stopped {
			yield(nil, givenUp(ctx, err))
		}
	}
}

// run answers a plan on a session of its own.
func (q data) run(ctx context.Context, p *query.Plan, give func([]any) bool) error {
	tables, err := q.planned(p)
	if err != nil {
		return err
	}
	if pinned(p) {
		one := *p
		one.Order, one.Limit, one.Offset = nil, 0, 0 // to sort one row takes longer than to find it
		asked, err := sqlquery.Select(&one, tables, q.s.dialect())
		if err != nil {
			return err
		}
		if p.Offset > 0 {
			return nil
		}
		if done, err := q.glance(ctx, asked, tables, give); done {
			return err
		}
	}
	return q.s.read(ctx, func(c *duck.Conn) error {
		if err := q.copyReserved(ctx, c, p, tables); err != nil {
			return err
		}
		asked, err := sqlquery.Select(p, tables, q.s.dialect())
		if err != nil {
			return err
		}
		return stream(ctx, c, asked, func() error { return q.same(tables) }, give)
	})
}

// glance answers what has few rows without a transaction, which would take as
// long as the answer: done, if nothing was committed meanwhile.
func (q data) glance(ctx context.Context, asked *sqlquery.Asked, tables []*sqlquery.Table, give func([]any) bool) (done bool, err error) {
	c, err := q.s.lend()
	if err != nil {
		return true, err
	}
	defer func() { q.s.back(c, err != nil) }()
	before := q.s.commits.Load()
	if before%2 != 0 || q.same(tables) != nil {
		return false, nil
	}
	var rows [][]any
	err = c.Each(ctx, asked.SQL, func(row []any) error {
		rows = append(rows, row)
		return read(asked, row)
	}, asked.Args...)
	if q.s.commits.Load() != before {
		return false, nil
	}
	for i := 0; err == nil && i < len(rows) && give(rows[i]); i++ {
	}
	return true, err
}

// pinned tells whether a plan asks for the row of one key.
func pinned(p *query.Plan) bool {
	if len(p.Tables) > 1 {
		return false
	}
	t := p.Tables[0].Table
	is := func(c *query.Cond) bool {
		return c.Op == query.Equal && c.Other == nil && len(c.Ref.Path) == 0 && t.Key != "" && t.Columns[c.Ref.Column].Name == t.Key
	}
	if p.Where.Op != query.And {
		return is(&p.Where)
	}
	for i := range p.Where.Of {
		if is(&p.Where.Of[i]) {
			return true
		}
	}
	return false
}

// planned are the tables of a plan as they are now; those of other rooms are
// nil yet.
func (q data) planned(p *query.Plan) ([]*sqlquery.Table, error) {
	tables := make([]*sqlquery.Table, len(p.Tables))
	for i := range p.Tables {
		if p.Tables[i].Table.Reserved != "" {
			continue
		}
		t, err := q.s.tables.planned(p.Tables[i].Table)
		if err != nil {
			return nil, err
		}
		tables[i] = t
	}
	return tables, nil
}

// same is errs.Conflict when tables are not any more what they were.
func (q data) same(tables []*sqlquery.Table) error {
	for _, t := range tables {
		if t.Reserved == "" && q.s.tables.get(t.Name) != t {
			return errs.New(errs.Conflict, "the table %q was changed a moment ago; ask again", t.Name)
		}
	}
	return nil
}

// stream gives out the rows of an answer until give has enough. What the answer
// is of is settled when same is asked.
func stream(ctx context.Context, c *duck.Conn, asked *sqlquery.Asked, same func() error, give func([]any) bool) error {
	s, err := c.Prepare(ctx, asked.SQL)
	if err != nil {
		return conflicting(err, same)
	}
	defer s.Close()
	rows, err := s.Stream(ctx, asked.Args...)
	if err != nil {
		return conflicting(err, same)
	}
	defer rows.Close()
	rows.Packed = true
	if err := same(); err != nil {
		return err
	}
	for {
		block, err := rows.Fetch(ctx)
		if err != nil || block == nil {
			return err
		}
		for _, row := range block {
			if err := read(asked, row); err != nil {
				return err
			}
			if !give(row) {
				return nil
			}
		}
	}
}

// conflicting is the error of a statement, or that its tables are others now.
func conflicting(err error, same func() error) error {
	if changed := same(); changed != nil {
		return changed
	}
	return err
}

// read gives the values of a row the form that the port has.
func read(asked *sqlquery.Asked, row []any) (err error) {
	for i := range row {
		if row[i], err = cell(&asked.Columns[i], row[i]); err != nil {
			return err
		}
	}
	return nil
}
