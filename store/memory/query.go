package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/rowquery"
)

// Query implements store.Tx.
func (s *Store) Query() query.Store { return databackend{at: s} }

// Query implements store.Tx.
func (t tx) Query() query.Store { return databackend{at: t} }

// databackend serves the port of the databackend over the data.
type databackend struct{ at access }

var _ query.Store = databackend{}

// relation is a table of the user's with its rows, by their keys. Rows are not
// changed but replaced, so that what was read stays as it was.
type relation struct {
	table query.Table
	rows  map[string][]any
}

// Features implements query.Store.
func (databackend) Features() query.Features {
	return query.Features{Transactions: true, Changes: true, Reserved: true}
}

// Tables implements query.Store.
func (b databackend) Tables(ctx context.Context) (list []query.Table, err error) {
	err = b.at.read(ctx, func(d *data) error {
		for _, r := range d.relations {
			list = append(list, cloneTable(r.table))
		}
		for _, t := range d.reserved() {
			if d.relations[t.Name] == nil {
				list = append(list, t)
			}
		}
		slices.SortFunc(list, func(a, b query.Table) int { return cmp.Compare(a.Name, b.Name) })
		return nil
	})
	return list, err
}

func cloneTable(t query.Table) query.Table {
	t.Columns = slices.Clone(t.Columns)
	return t
}

// Table implements query.Store.
func (b databackend) Table(ctx context.Context, name string) (t query.Table, err error) {
	err = b.at.read(ctx, func(d *data) error {
		found, ok := d.described(name)
		if !ok {
			return noRelation(name)
		}
		t = cloneTable(found)
		return nil
	})
	return t, err
}

func noRelation(name string) error {
	return errs.Field(errs.NotFound, "table", "there is no table %q", name)
}

func (d *data) described(name string) (query.Table, bool) {
	if r := d.relations[name]; r != nil {
		return r.table, true
	}
	for _, t := range d.reserved() {
		if t.Name == name {
			return t, true
		}
	}
	return query.Table{}, false
}

// Create implements query.Store.
func (b databackend) Create(ctx context.Context, t query.Table) error {
	return b.at.write(ctx, func(d *data) error {
		if old := d.relations[t.Name]; old != nil {
			return query.SameTable(&old.table, &t)
		}
		t = cloneTable(t)
		t.Created = true
		put(d, d.relations, t.Name, &relation{table: t, rows: map[string][]any{}})
		return nil
	})
}

// Drop implements query.Store.
func (b databackend) Drop(ctx context.Context, name string) error {
	return b.at.write(ctx, func(d *data) error {
		if d.relations[name] == nil {
			return noRelation(name)
		}
		remove(d, d.relations, name)
		return nil
	})
}

// relation finds the table of a plan, which must be as the plan has it.
func (d *data) relation(t *query.Table) (*relation, error) {
	r := d.relations[t.Name]
	if r == nil || !slices.EqualFunc(r.table.Columns, t.Columns, sameColumn) || r.table.Key != t.Key {
		return nil, errs.Field(errs.Conflict, "table", "%q was changed meanwhile", t.Name)
	}
	return r, nil
}

func sameColumn(a, b query.Column) bool { return a.Name == b.Name && a.Type.Same(b.Type) }

// Select implements query.Store.
func (b databackend) Select(ctx context.Context, p *query.Plan) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		var out [][]any
		err := b.at.read(ctx, func(d *data) (err error) {
			out, err = rowquery.Answer(ctx, p, d.source)
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, row := range out {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Insert implements query.Store.
func (b databackend) Insert(ctx context.Context, w query.Write, rows [][]any) (keys []string, err error) {
	err = b.at.write(ctx, func(d *data) error {
		r, err := d.relation(w.Table)
		if err != nil || len(rows) == 0 {
			return err
		}
		column := r.table.Index(r.table.Key)
		least, greatest := rows[0][column], rows[0][column]
		for _, row := range rows {
			key := rowquery.KeyText(row[column])
			if _, taken := r.rows[key]; taken {
				return query.TakenKey(&r.table, key)
			}
			put(d, r.rows, key, slices.Clone(row))
			keys = append(keys, key)
			if rowquery.Compare(row[column], least) < 0 {
				least = row[column]
			}
			if rowquery.Compare(row[column], greatest) > 0 {
				greatest = row[column]
			}
		}
		if !w.Quiet {
			d.note(r.table.Name, rowquery.KeyText(least), change.Insert, w.Now)
			if len(rows) > 1 {
				d.events[len(d.events)-1].Last = rowquery.KeyText(greatest)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// chosen are the keys of the rows that a condition lets through, in order.
func (r *relation) chosen(where query.Cond) []string {
	column := r.table.Index(r.table.Key)
	var found []any
	for _, row := range r.rows {
		if rowquery.Holds(row, where) {
			found = append(found, row[column])
		}
	}
	slices.SortFunc(found, rowquery.Compare)
	keys := make([]string, len(found))
	for i, key := range found {
		keys[i] = rowquery.KeyText(key)
	}
	return keys
}

// Update implements query.Store.
func (b databackend) Update(ctx context.Context, w query.Write, set []query.Assign, where query.Cond) (keys []string, err error) {
	return b.change(ctx, w, where, change.Update, func(d *data, r *relation, key string) {
		row := slices.Clone(r.rows[key])
		for _, a := range set {
			row[a.Column] = a.Value
		}
		put(d, r.rows, key, row)
	})
}

// Delete implements query.Store.
func (b databackend) Delete(ctx context.Context, w query.Write, where query.Cond) (keys []string, err error) {
	return b.change(ctx, w, where, change.Delete, func(d *data, r *relation, key string) { remove(d, r.rows, key) })
}

func (b databackend) change(ctx context.Context, w query.Write, where query.Cond, op change.Op, one func(*data, *relation, string)) (keys []string, err error) {
	err = b.at.write(ctx, func(d *data) error {
		r, err := d.relation(w.Table)
		if err != nil {
			return err
		}
		keys = r.chosen(where)
		for _, key := range keys {
			one(d, r, key)
			if !w.Quiet {
				d.note(r.table.Name, key, op, w.Now)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Raw implements query.Store.
func (databackend) Raw(context.Context, query.Raw, bool) (query.Answer, error) {
	return query.Answer{}, errs.New(errs.Unsupported, "a database in memory has no language of its own; ask by a select")
}

// source are the rows of a table that may be seen.
func (d *data) source(s *query.Source) ([][]any, error) {
	var rows [][]any
	if s.Table.Reserved != "" {
		rows = d.reservedRows(s.Table)
	} else {
		r, err := d.relation(s.Table)
		if err != nil {
			return nil, err
		}
		for _, row := range r.rows {
			rows = append(rows, row)
		}
	}
	if s.Owner != nil {
		owner := s.Table.Index(s.Table.Owner)
		rows = slices.DeleteFunc(rows, func(row []any) bool { return row[owner] != any(*s.Owner) })
	}
	return rows, nil
}
