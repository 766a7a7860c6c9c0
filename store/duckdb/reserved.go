//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// copyReserved reads the rows of those sources of a plan that are of other
// rooms, as their owner may see them, and hands them to the engine as tables of
// the session.
func (q data) copyReserved(ctx context.Context, c *duck.Conn, p *query.Plan, tables []*sqlquery.Table) (err error) {
	for i := range p.Tables {
		if tables[i] != nil {
			continue
		}
		if tables[i], err = q.copySource(ctx, c, p, i); err != nil {
			return err
		}
	}
	return nil
}

// copySource copies what a plan needs of one source.
func (q data) copySource(ctx context.Context, c *duck.Conn, p *query.Plan, i int) (*sqlquery.Table, error) {
	src := p.Tables[i]
	needed := columnsOf(p, i)
	rows := &query.Plan{Tables: []query.Source{{Table: src.Table, Owner: src.Owner}}, Where: query.Cond{Op: query.And}}
	f := filler{}
	var columns []string
	for _, at := range needed {
		col := src.Table.Columns[at]
		rows.Columns = append(rows.Columns, query.Ref{Column: at, Type: col.Type})
		f.columns = append(f.columns, col)
		columns = append(columns, duck.Quote(col.Name)+" "+declare(col, false))
	}
	f.text = make([]texts, len(needed))
	name := "rows_" + strconv.Itoa(i)
	if err := c.Exec(ctx, "CREATE TEMP TABLE "+name+" ("+strings.Join(columns, ",")+")"); err != nil {
		return nil, err
	}
	if err := f.all(ctx, c, name, q.s.Store.Query().Select(ctx, rows)); err != nil {
		return nil, err
	}
	t := &sqlquery.Table{Table: *src.Table, Rows: "SELECT * FROM temp.main." + name}
	for _, col := range src.Table.Columns {
		t.Native = append(t.Native, sqlquery.Column{Column: col, Own: true})
	}
	return t, nil
}

// all appends the rows of an answer to a table of the session.
func (f *filler) all(ctx context.Context, c *duck.Conn, table string, rows func(func([]any, error) bool)) error {
	a, err := c.Append("", table)
	if err != nil {
		return err
	}
	defer a.Close()
	var block [][]any
	for row, err := range rows {
		if err != nil {
			return err
		}
		if block = append(block, slices.Clone(row)); len(block) == duck.VectorSize {
			if err := f.fill(a, block); err != nil {
				return err
			}
			block = block[:0]
		}
	}
	if len(block) > 0 {
		if err := f.fill(a, block); err != nil {
			return err
		}
	}
	return a.Flush(ctx)
}

// columnsOf are the columns of a source that a plan looks at.
func columnsOf(p *query.Plan, source int) (columns []int) {
	add := func(r *query.Ref) {
		if r.Table == source && !slices.Contains(columns, r.Column) {
			columns = append(columns, r.Column)
		}
	}
	for i := range p.Columns {
		add(&p.Columns[i])
	}
	for i := range p.Order {
		add(&p.Order[i].Ref)
	}
	for i := range p.Tables {
		for _, pair := range p.Tables[i].On {
			add(&pair[0])
			add(&pair[1])
		}
	}
	refs(&p.Where, add)
	t := p.Tables[source].Table
	for _, name := range []string{t.Owner, t.Key} {
		if at := t.Index(name); name != "" && at >= 0 {
			add(&query.Ref{Table: source, Column: at})
		}
	}
	slices.Sort(columns)
	return columns
}

// refs goes through the columns of a condition.
func refs(c *query.Cond, add func(*query.Ref)) {
	for i := range c.Of {
		refs(&c.Of[i], add)
	}
	if c.Op == query.And || c.Op == query.Or || c.Op == query.Not {
		return
	}
	add(&c.Ref)
	if c.Other != nil {
		add(c.Other)
	}
}
