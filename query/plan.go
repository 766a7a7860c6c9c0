package query

import (
	"cmp"
	"context"
	"reflect"
	"strings"

	"github.com/varvedb/varve/errs"
)

// OutputColumn is a column of an answer. Type is that of no kind where it is
// not known: in answers to a [Raw].
type OutputColumn struct {
	Name string `json:"name"`
	Type Type   `json:"type,omitzero"`
}

// Check is what is wrong with a select, nil where it can be answered; nothing is
// asked. Tables that are about to be made count as if they were there.
func (s *Service) Check(ctx context.Context, q Select, planned ...Table) error {
	with := *s.acting(ctx)
	with.store = foreseen{with.store, planned}
	_, _, err := with.plan(ctx, &q)
	return err
}

// foreseen is a store with tables that are about to be made.
type foreseen struct {
	Store
	planned []Table
}

// Table implements Store.
func (f foreseen) Table(ctx context.Context, name string) (Table, error) {
	for _, t := range f.planned {
		if t.Name == name {
			return t, nil
		}
	}
	return f.Store.Table(ctx, name)
}

// plan resolves a select against the tables as they are.
func (s *Service) plan(ctx context.Context, q *Select) (*Plan, []OutputColumn, error) {
	switch {
	case len(q.Outputs) > 0 || q.Required:
		return nil, nil, errs.Field(errs.Unsupported, "outputs", "no engine runs listeners yet, so there are no outputs to join")
	case q.Like != nil:
		return nil, nil, errs.Field(errs.Unsupported, "like", "no engine keeps vector indexes yet")
	case q.Limit < 0:
		return nil, nil, errs.Field(errs.Invalid, "limit", "is less than 0")
	case q.Offset < 0:
		return nil, nil, errs.Field(errs.Invalid, "offset", "is less than 0")
	case len(q.Join) > maxJoins:
		return nil, nil, errs.Field(errs.TooLarge, "join", "has %d tables; at most %d", len(q.Join), maxJoins)
	}
	r := &resolver{}
	if err := s.sources(ctx, r, q); err != nil {
		return nil, nil, err
	}
	p := &Plan{Tables: r.sources, Limit: q.Limit, Offset: q.Offset}
	columns, err := r.outputs(p, q.Columns)
	if err != nil {
		return nil, nil, err
	}
	if p.Where, err = r.where(q.Where); err != nil {
		return nil, nil, err
	}
	p.Order, err = r.order(q.Order)
	return p, columns, err
}

// sources finds the tables of a question, in their order.
func (s *Service) sources(ctx context.Context, r *resolver, q *Select) error {
	first, err := s.source(ctx, q.From)
	if err != nil {
		return err
	}
	if err := r.add(cmp.Or(q.As, q.From), first); err != nil {
		return err
	}
	for _, j := range q.Join {
		src, err := s.source(ctx, j.Table)
		if err != nil {
			return err
		}
		src.Left = j.Left
		if err := r.add(cmp.Or(j.As, j.Table), src); err != nil {
			return err
		}
		if err := r.joined(j); err != nil {
			return err
		}
	}
	return nil
}

// joined resolves the pairs of the join that was added last.
func (r *resolver) joined(j Join) error {
	last := len(r.sources) - 1
	if len(j.On) == 0 {
		return errs.Field(errs.Invalid, "join", "of %q names no columns that must be equal: give them in \"on\"", j.Table)
	}
	for _, names := range j.On {
		before := resolver{scope: scope{r.sources[:last], r.names[:last]}}
		a, err := before.column(names[0])
		if err != nil {
			return err
		}
		b, err := r.columnOf(last, names[1])
		if err != nil {
			return err
		}
		if err := pair(&a, &b, names[0], names[1]); err != nil {
			return err
		}
		r.sources[last].On = append(r.sources[last].On, [2]Ref{a, b})
	}
	return nil
}

// columnOf finds a column of one table, with its name before it or without.
func (r *resolver) columnOf(table int, name string) (Ref, error) {
	one := resolver{scope: scope{r.sources[table : table+1], r.names[table : table+1]}}
	ref, err := one.column(name)
	ref.Table = table
	return ref, err
}

// source finds a table and who may see what of it.
func (s *Service) source(ctx context.Context, name string) (Source, error) {
	t, err := s.table(ctx, name)
	if err != nil {
		return Source{}, err
	}
	src := Source{Table: &t}
	if err := s.readable(t); err != nil {
		return src, err
	}
	if t.Reserved != "" {
		src.Owner = s.user
	}
	return src, nil
}

// readable tells why the caller may read nothing of a table.
func (s *Service) readable(t Table) error {
	switch {
	case t.Reserved == "":
		return nil
	case s.user != nil && t.Owner == "":
		return errs.Field(errs.Forbidden, "table", "the rows of %q belong to nobody; only a caller that acts for no user may read them", t.Name)
	case s.withheld != nil:
		return s.withheld(t)
	}
	return nil
}

// outputs resolves what is returned.
func (r *resolver) outputs(p *Plan, given []Output) ([]OutputColumn, error) {
	if len(given) == 0 {
		given = []Output{{Column: r.names[0] + ".*"}}
	}
	var columns []OutputColumn
	most, named := r.widest(), map[string]bool{}
	add := func(name string, ref Ref) error {
		switch {
		case named[name]:
			return errs.Field(errs.Invalid, name, "is returned twice; give one of them another name with \"as\"")
		case len(columns) == most:
			return errs.Field(errs.TooLarge, "columns", "are more than %d", most)
		}
		named[name] = true
		p.Columns, columns = append(p.Columns, ref), append(columns, OutputColumn{Name: name, Type: ref.Type})
		return nil
	}
	for _, o := range given {
		if table, all := r.star(o.Column); all {
			for i, c := range r.sources[table].Table.Columns {
				if err := add(c.Name, Ref{Table: table, Column: i, Type: c.Type}); err != nil {
					return nil, err
				}
			}
			continue
		}
		ref, err := r.column(o.Column)
		if err != nil {
			return nil, err
		}
		if err := add(cmp.Or(o.As, o.Column), ref); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// widest is how many columns an answer may have: as many as every database can
// return, or all of one table's.
func (r *resolver) widest() int {
	most := maxOutputs
	for _, s := range r.sources {
		most = max(most, len(s.Table.Columns))
	}
	return most
}

// star reads "docs.*", and "*" where there is one table.
func (r *resolver) star(name string) (int, bool) {
	if name == "*" && len(r.names) == 1 {
		return 0, true
	}
	alias, ok := strings.CutSuffix(name, ".*")
	for i, have := range r.names {
		if ok && have == alias {
			return i, true
		}
	}
	return 0, false
}

// order resolves an order and makes it total.
func (r *resolver) order(given []Order) ([]Sort, error) {
	var out []Sort
	has := func(ref Ref) bool {
		for _, o := range out {
			if o.Ref.Table == ref.Table && o.Ref.Column == ref.Column {
				return true
			}
		}
		return false
	}
	for _, o := range given {
		ref, err := r.column(o.Column)
		if err != nil {
			return nil, err
		}
		if !ref.Type.Ordered() {
			return nil, errs.Field(errs.Invalid, o.Column, "is of type %s, which has no order", ref.Type)
		}
		if has(ref) {
			return nil, errs.Field(errs.Invalid, o.Column, "is in the order twice")
		}
		out = append(out, Sort{Ref: ref, Descending: o.Descending})
	}
	for i, src := range r.sources {
		key := src.Table.Index(src.Table.Key)
		if ref := (Ref{Table: i, Column: key}); key >= 0 && !has(ref) {
			ref.Type = src.Table.Columns[key].Type
			out = append(out, Sort{Ref: ref})
		}
	}
	return out, nil
}

// anyList is a list of whatever Go type as []any.
func anyList(v any) ([]any, bool) {
	r := reflect.ValueOf(v)
	if k := r.Kind(); k != reflect.Slice && k != reflect.Array {
		return nil, false
	}
	out := make([]any, r.Len())
	for i := range out {
		out[i] = r.Index(i).Interface()
	}
	return out, true
}
