package state

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
)

// widenings are the changes of a type that keep every value: what was stored
// stays where it is and is converted when it is read. An integer becomes its
// decimal digits, or the nearest float64.
var widenings = map[Type][]Type{Integer: {Real, Text}}

// Widen converts a value of a column's former type, which an older program
// still writes and an older place still holds. Any other is returned as it is.
func Widen(v any, to Type) any {
	n, ok := v.(int64)
	switch {
	case ok && to == Real:
		return float64(n)
	case ok && to == Text:
		return strconv.FormatInt(n, 10)
	}
	return v
}

// Evolve brings a table to a declaration and lists the places that are new,
// which the store then adds; none and an equal Table mean that there is
// nothing to do. old nil: there is no such table yet. Columns that the
// declaration lacks stay, since another program may be of an older version.
//
// errs.Conflict, naming the column: the declaration contradicts the table.
func Evolve(old *Table, want Schema) (Table, []Place, error) {
	if err := want.check(); err != nil {
		return Table{}, nil, err
	}
	if old == nil {
		t := Table{Schema: want}
		for _, c := range want.Columns {
			t.Places = append(t.Places, []Place{t.place(c)})
		}
		return t, slices.Concat(t.Places...), nil
	}
	t := *old
	t.Columns, t.Places = slices.Clone(old.Columns), slices.Clone(old.Places)
	var added []Place
	for _, c := range want.Columns {
		i := t.column(c)
		if i < 0 {
			p := t.place(c)
			t.Columns, t.Places = append(t.Columns, c), append(t.Places, []Place{p})
			added = append(added, p)
			continue
		}
		p, err := t.become(i, c)
		if err != nil {
			return Table{}, nil, err
		}
		added = append(added, p...)
	}
	return t, added, t.sameRows(old, want)
}

// column finds the column that a declaration means, under its name or one it
// had. A table that is ahead of the declaration has the name among its own
// former ones.
func (t *Table) column(c Column) int {
	if i := t.Index(c.Name); i >= 0 {
		return i
	}
	for _, was := range c.Was {
		if i := t.Index(was); i >= 0 {
			return i
		}
	}
	return slices.IndexFunc(t.Columns, func(have Column) bool {
		return slices.ContainsFunc(have.Was, func(was string) bool { return sameName(was, c.Name) })
	})
}

// become gives column i the name and type of a declaration.
func (t *Table) become(i int, c Column) (added []Place, err error) {
	have := &t.Columns[i]
	if slices.ContainsFunc(c.Was, func(was string) bool { return sameName(was, have.Name) }) {
		t.rename(have.Name, c.Name)
		have.Was = append(slices.Clone(have.Was), have.Name)
		have.Name = c.Name
	}
	switch {
	case have.Type == c.Type, slices.Contains(widenings[c.Type], have.Type):
		return nil, nil // the same, or the table was widened by a newer program
	case !slices.Contains(widenings[have.Type], c.Type):
		return nil, errs.Field(errs.Conflict, c.Name, "is of type %s in the table %q and cannot become %s; declare it as %s or under another name", have.Type, t.Name, c.Type, have.Type)
	case slices.ContainsFunc(t.Schema.Key, func(k string) bool { return sameName(k, have.Name) }):
		return nil, errs.Field(errs.Conflict, c.Name, "is part of the key of the table %q, whose type stays", t.Name)
	}
	p := t.place(c)
	have.Type = c.Type
	t.Places[i] = append([]Place{p}, t.Places[i]...)
	return []Place{p}, nil
}

// rename follows a column's new name in the key and the owner.
func (t *Table) rename(from, to string) {
	t.Schema.Key = slices.Clone(t.Schema.Key)
	for i, k := range t.Schema.Key {
		if sameName(k, from) {
			t.Schema.Key[i] = to
		}
	}
	if sameName(t.Owner, from) {
		t.Owner = to
	}
}

// place finds a name in the database for a column's values. It is in lower
// case and, where it is taken, numbered.
func (t *Table) place(c Column) Place {
	name := strings.ToLower(c.Name)
	for n := 2; t.taken(name); n++ {
		name = fmt.Sprintf("%s_%d", strings.ToLower(c.Name), n)
	}
	return Place{Name: name, Type: c.Type}
}

func (t *Table) taken(name string) bool {
	for _, places := range t.Places {
		if slices.ContainsFunc(places, func(p Place) bool { return p.Name == name }) {
			return true
		}
	}
	return false
}

// sameRows holds the key and the owner of a declaration against the table's:
// they say what a row is and never change.
func (t *Table) sameRows(old *Table, want Schema) error {
	ahead := func(name string) string { // what the table calls a column now
		if i := t.column(Column{Name: name}); i >= 0 {
			return t.Columns[i].Name
		}
		return name
	}
	same := func(a, b string) bool { return sameName(ahead(a), ahead(b)) }
	if !slices.EqualFunc(t.Schema.Key, want.Key, same) {
		return errs.Field(errs.Conflict, "key", "of the table %q is (%s) and cannot become (%s)", t.Name, strings.Join(old.Schema.Key, ", "), strings.Join(want.Key, ", "))
	}
	if (t.Owner == "") != (want.Owner == "") || !same(t.Owner, want.Owner) {
		return errs.Field(errs.Conflict, "owner", "of the table %q is %q and cannot become %q", t.Name, old.Owner, want.Owner)
	}
	return nil
}
