package state

import (
	"encoding/json"
	"strconv"

	"github.com/varvedb/varve/errs"
)

// KeyOf is the key of a row as one text, by which a store finds it: the value
// itself where the key is one column, else a JSON list of the values. The
// values are in the order of the key's columns and of their types.
func (t *Table) KeyOf(values []any) (string, error) {
	if len(values) != len(t.Schema.Key) {
		return "", errs.Field(errs.Invalid, "key", "of the table %q has %d columns, not %d", t.Name, len(t.Schema.Key), len(values))
	}
	if len(values) > 1 {
		return keyList(values), nil
	}
	switch v := values[0].(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	return "", errs.Field(errs.Invalid, t.Schema.Key[0], "is the key of the table %q and cannot be NULL", t.Name)
}

func keyList(values []any) string {
	raw, err := json.Marshal(values) // of texts, integers and nil: cannot fail
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// RowKey is the key of a version, from its values.
func (t *Table) RowKey(values []any) (string, error) {
	key := make([]any, len(t.Schema.Key))
	for i, name := range t.Schema.Key {
		key[i] = values[t.Index(name)]
	}
	return t.KeyOf(key)
}
