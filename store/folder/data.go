package folder

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/rowquery"
)

// data serves the port of the databackend.
type data struct{ *Store }

var _ query.Store = data{}

// Features implements query.Store.
func (d data) Features() query.Features {
	return query.Features{Changes: d.notes, Foreign: true, Reserved: true}
}

// Tables implements query.Store. Files that cannot be read are left out: who
// asks for one is told why.
func (d data) Tables(ctx context.Context) ([]query.Table, error) {
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	list, err := d.Store.Store.Query().Tables(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.files()
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(t query.Table) bool {
		return t.Reserved == "" || slices.ContainsFunc(all, func(n named) bool { return n.table == t.Name })
	})
	for _, n := range all {
		t, err := d.described(ctx, all, n)
		if ctx.Err() != nil {
			return nil, givenUp(ctx)
		}
		if err == nil {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b query.Table) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (d data) described(ctx context.Context, all []named, n named) (query.Table, error) {
	if _, err := pick(all, n.table); err != nil {
		return query.Table{}, err
	}
	t, err := d.describe(ctx, n)
	t.Columns = slices.Clone(t.Columns)
	return t, err
}

// Table implements query.Store: files go before the tables of other rooms.
func (d data) Table(ctx context.Context, name string) (query.Table, error) {
	if err := store.Outer(ctx); err != nil {
		return query.Table{}, err
	}
	all, err := d.files()
	if err != nil {
		return query.Table{}, err
	}
	n, err := pick(all, name)
	if err == nil {
		return d.described(ctx, all, n)
	}
	if !errors.Is(err, errs.NotFound) {
		return query.Table{}, err
	}
	t, failed := d.Store.Store.Query().Table(ctx, name)
	if failed == nil && t.Reserved == "" || errors.Is(failed, errs.NotFound) {
		failed = err
	}
	if failed != nil {
		return query.Table{}, failed
	}
	return t, nil
}

// Select implements query.Store. Reserved tables alone are asked where they are.
func (d data) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	if !slices.ContainsFunc(p.Tables, func(s query.Source) bool { return s.Table.Reserved == "" }) {
		return d.Store.Store.Query().Select(ctx, p)
	}
	return func(yield func([]any, error) bool) {
		rows, err := d.answer(ctx, p)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, row := range rows {
			if ctx.Err() != nil {
				yield(nil, givenUp(ctx))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (d data) answer(ctx context.Context, p *query.Plan) ([][]any, error) {
	if err := store.Outer(ctx); err != nil {
		return nil, err
	}
	tables, err := d.moment(ctx, p)
	if err != nil {
		return nil, err
	}
	rows, err := rowquery.Answer(ctx, p, func(s *query.Source) ([][]any, error) {
		if s.Table.Reserved != "" {
			return d.reserved(ctx, s)
		}
		return tables[s.Table.Name].rows, nil
	})
	if ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	return rows, err
}

// moment is the tables of a plan as they are at one moment: when the last of them
// was read, the others were still the same.
func (d data) moment(ctx context.Context, p *query.Plan) (map[string]*table, error) {
	for range 10 {
		tables, err := d.each(ctx, p)
		if err != nil || len(tables) < 2 {
			return tables, err
		}
		again, err := d.each(ctx, p)
		if err != nil {
			return nil, err
		}
		still := true
		for name, t := range tables {
			still = still && again[name].sum == t.sum
		}
		if still {
			return tables, nil
		}
	}
	return nil, errs.New(errs.Unavailable, "the files are written all the time, so that there is no moment in which to read several; ask again")
}

func (d data) each(ctx context.Context, p *query.Plan) (map[string]*table, error) {
	all, err := d.files()
	if err != nil {
		return nil, err
	}
	tables := map[string]*table{}
	sum := int64(0)
	for _, src := range p.Tables {
		if name := src.Table.Name; src.Table.Reserved == "" && tables[name] == nil {
			t, err := d.planned(ctx, all, src.Table)
			if err != nil {
				return nil, err
			}
			if sum += t.bytes; sum > d.opt.Memory {
				return nil, errs.Field(errs.TooLarge, "table", "the files of this question have %d bytes and more; "+tooMuch, sum, d.opt.Memory)
			}
			tables[name] = t
		}
	}
	return tables, nil
}

// planned is a table of a plan, which must be as the plan has it.
func (d data) planned(ctx context.Context, all []named, as *query.Table) (*table, error) {
	n, err := pick(all, as.Name)
	if errors.Is(err, errs.NotFound) {
		return nil, errs.Field(errs.Conflict, "table", "%q was taken away meanwhile", as.Name)
	}
	if err != nil {
		return nil, err
	}
	t, err := d.load(ctx, n)
	if err != nil {
		return nil, err
	}
	return t, t.same(as)
}

// reserved are the rows of a table of another room that may be seen.
func (d data) reserved(ctx context.Context, s *query.Source) (rows [][]any, err error) {
	p := &query.Plan{Tables: []query.Source{{Table: s.Table, Owner: s.Owner}}, Where: query.Cond{Op: query.And}}
	for i, c := range s.Table.Columns {
		p.Columns = append(p.Columns, query.Ref{Column: i, Type: c.Type})
	}
	for row, err := range d.Store.Store.Query().Select(ctx, p) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows, nil
}

// Raw implements query.Store.
func (data) Raw(context.Context, query.Raw, bool) (query.Answer, error) {
	return query.Answer{}, errs.New(errs.Unsupported, "a folder of files has no language of its own; ask by a select, or open the files with DuckDB")
}
