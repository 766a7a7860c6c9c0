package query

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// InferType is the type of a column for a value like this one: text for text
// (and time.Time alone for time), integer for whole numbers, real for others,
// bytes for []byte, vector for []float32, tensor for an [Array], file for what
// [IsFile] accepts, json for lists, objects and everything else. false: it is
// NULL and can be anything.
func InferType(v any) (Type, bool) {
	if v = datum.Plain(v); v == nil {
		return Type{}, false
	}
	switch v := v.(type) {
	case string:
		return textOrFile(v), true
	case json.Number:
		return numberType(v), true
	case json.RawMessage:
		return inferJSON(v)
	case time.Time:
		return Type{Kind: Time}, true
	case []byte:
		return Type{Kind: Bytes}, true
	case Array:
		return v.Type, true
	case []float32:
		if len(v) > 0 && len(v) <= limit {
			return Type{Kind: Vector, Shape: []int{len(v)}}, true
		}
		return Type{Kind: JSON}, true
	case encoding.TextMarshaler:
		return Type{Kind: Text}, true
	}
	return inferKind(reflect.ValueOf(v)), true
}

func inferKind(r reflect.Value) Type {
	switch {
	case r.CanInt(), r.CanUint():
		return Type{Kind: Integer}
	case r.CanFloat():
		return Type{Kind: Real}
	case r.Kind() == reflect.Bool:
		return Type{Kind: Boolean}
	case r.Kind() == reflect.String:
		return Type{Kind: Text}
	}
	return Type{Kind: JSON}
}

func inferJSON(raw json.RawMessage) (Type, bool) {
	if s := strings.TrimSpace(string(raw)); s == "" || s[0] == '[' || s[0] == '{' {
		return Type{Kind: JSON}, true
	}
	v, err := datum.Decode(raw)
	if err != nil {
		return Type{Kind: JSON}, true
	}
	return InferType(v)
}

func textOrFile(s string) Type {
	if IsFile(s) {
		return Type{Kind: File}
	}
	return Type{Kind: Text}
}

func numberType(n json.Number) Type {
	if strings.ContainsAny(string(n), ".eE") {
		return Type{Kind: Real}
	}
	return Type{Kind: Integer}
}

// InferSchema is the table that rows like these ask for. Its columns are the
// fields of the first row in the order of their names, with "id" before them
// and "_fold" behind; the key is "id", of type text unless the first row has an
// integer there. The type of a column is that of its first value that is not
// NULL, and real where whole numbers and others are mixed; text where there is
// none. errs.Invalid where a row has a field that the first has not.
func InferSchema(name string, rows []Row) (Table, error) { return inferSchema(name, rows, nil) }

// inferSchema is InferSchema with some types told.
func inferSchema(name string, rows []Row, told map[string]Type) (Table, error) {
	t := Table{Name: name, Key: "id"}
	if len(rows) == 0 {
		return t, errs.Field(errs.Invalid, "rows", "are none, so that %q cannot be made after the first; declare the table", name)
	}
	if _, bare := rows[0][scalar]; bare {
		return t, errs.Field(errs.Invalid, "rows[0]", "is a value without a name, and there is no table %q yet whose only column it could be for", name)
	}
	fields := slices.Sorted(maps.Keys(rows[0]))
	fields = slices.DeleteFunc(fields, func(f string) bool { return f == t.Key || f == Fold })
	fields = append(append([]string{t.Key}, fields...), Fold)
	for _, f := range fields {
		typ, ok := told[f]
		if !ok {
			typ = inferColumn(f, rows)
		}
		t.Columns = append(t.Columns, Column{Name: f, Type: typ, Required: f == t.Key})
	}
	for f := range told {
		if t.Index(f) < 0 {
			return t, errs.Field(errs.Invalid, "types."+f, "is the type of a field that the rows have not")
		}
	}
	if key := &t.Columns[0]; key.Type.Kind != Integer {
		key.Type = Type{Kind: Text}
	}
	t.Columns[len(t.Columns)-1].Type = Type{Kind: Text}
	for i, row := range rows {
		if f, unknown := t.unknown(row); unknown {
			return t, located(fmt.Sprintf("rows[%d]", i), noField(f, &t))
		}
	}
	return t, CheckTable(t)
}

func inferColumn(field string, rows []Row) Type {
	var typ Type
	for _, row := range rows {
		next, known := InferType(row[field])
		switch {
		case !known:
		case typ.Kind == "":
			typ = next
		case typ.Kind == Integer && next.Kind == Real:
			return next
		}
		if typ.Kind != "" && typ.Kind != Integer {
			return typ
		}
	}
	if typ.Kind == "" {
		return Type{Kind: Text}
	}
	return typ
}

func noField(field string, t *Table) error {
	return errs.Field(errs.Invalid, field, "the table %q has no such column%s", t.Name, suggestion(field, t.names()))
}
