package state

import (
	"github.com/varvedb/varve/errs"
)

// values checks a row and names its values as the table does.
func (t *Table) values(row Row) (map[string]any, error) {
	out := make(map[string]any, len(row))
	for name, given := range row {
		i, err := t.named(name)
		if err != nil {
			return nil, err
		}
		v, err := t.value(i, given)
		if err != nil {
			return nil, err
		}
		c := t.Columns[i]
		if _, twice := out[c.Name]; twice {
			return nil, errs.Field(errs.Invalid, c.Name, "is given twice, as %q too", name)
		}
		out[c.Name] = v
	}
	if owner := t.Index(t.Owner); owner >= 0 {
		if s, ok := out[t.Columns[owner].Name].(string); ok && len(s) > MaxKey {
			return nil, errs.Field(errs.TooLarge, t.Owner, "has %d bytes; an owner has at most %d", len(s), MaxKey)
		}
	}
	return out, nil
}

// named finds a column under its name or one it had.
func (t *Table) named(name string) (int, error) {
	i := t.column(Column{Name: name})
	if i < 0 {
		return i, errs.Field(errs.Invalid, name, "the table %q has no such column", t.Name)
	}
	return i, nil
}

// value checks a value for a column. One of a type that the column had before
// is taken too: an older program still writes it.
func (t *Table) value(i int, given any) (any, error) {
	c := t.Columns[i]
	v, err := c.value(given)
	if err == nil {
		return v, nil
	}
	for _, p := range t.Places[i][1:] {
		if old, failed := (Column{Name: c.Name, Type: p.Type}).value(given); failed == nil {
			return Widen(old, c.Type), nil
		}
	}
	return nil, err
}

// keyOfRow is the key among the values of a row.
func (t *Table) keyOfRow(values map[string]any) (string, error) {
	key := make([]any, len(t.Schema.Key))
	for i, name := range t.Schema.Key {
		c := t.Columns[t.Index(name)]
		v, given := values[c.Name]
		if !given {
			return "", errs.Field(errs.Invalid, c.Name, "is missing and part of the key of the table %q", t.Name)
		}
		key[i] = v
	}
	return t.boundedKey(key)
}

// keyOf is the key made of values that a caller gives.
func (t *Table) keyOf(given []any) (string, error) {
	if len(given) != len(t.Schema.Key) {
		return t.KeyOf(given) // which says so
	}
	key := make([]any, len(given))
	for i, name := range t.Schema.Key {
		var err error
		if key[i], err = t.value(t.Index(name), given[i]); err != nil {
			return "", err
		}
	}
	return t.boundedKey(key)
}

func (t *Table) boundedKey(key []any) (string, error) {
	s, err := t.KeyOf(key)
	if err == nil && len(s) > MaxKey {
		err = errs.Field(errs.TooLarge, "key", "of the table %q has %d bytes; a key has at most %d", t.Name, len(s), MaxKey)
	}
	return s, err
}
