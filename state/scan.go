package state

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// scanOf makes a Go value of a record. A column that the struct calls by a
// former name is found.
func scanOf[T any](f *fields, rows *Rows, rec Record) (RecordOf[T], error) {
	out := RecordOf[T]{Meta: rec.Meta}
	t, value := rows.Table(), reflect.ValueOf(&out.Value).Elem()
	for i, field := range f.list {
		name := f.schema.Columns[i].Name
		v, ok := rec.Row[name]
		if at := t.column(Column{Name: name}); !ok && at >= 0 {
			v = rec.Row[t.Columns[at].Name]
		}
		if v == nil {
			continue
		}
		dst := value.FieldByIndex(field.index)
		if err := setField(dst, v); err != nil {
			return out, errs.Field(errs.Invalid, name, "version %d holds a value that a field of Go's type %v cannot", rec.Version, dst.Type())
		}
	}
	return out, nil
}

var errMisfit = errors.New("does not fit")

// setField gives a field a value of a column, as [Type] says, also of one that
// was widened since the struct was written.
func setField(dst reflect.Value, v any) error {
	for dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	if src := reflect.ValueOf(v); src.Type() == dst.Type() {
		dst.Set(src)
		return nil
	}
	if raw, ok := v.(json.RawMessage); ok {
		return json.Unmarshal(raw, dst.Addr().Interface())
	}
	if _, ok := v.(time.Time); ok {
		return errMisfit
	}
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if s, ok := v.(string); ok {
			return u.UnmarshalText([]byte(s))
		}
		return errMisfit
	}
	return setKind(dst, v)
}

func setKind(dst reflect.Value, v any) error {
	switch dst.Kind() {
	case reflect.String:
		return setText(dst, v)
	case reflect.Bool:
		b, ok := v.(bool)
		dst.SetBool(b)
		return fits(ok)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := asInteger(v)
		dst.SetInt(n)
		return fits(ok && !dst.OverflowInt(n))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, ok := asInteger(v)
		dst.SetUint(uint64(n))
		return fits(ok && n >= 0 && !dst.OverflowUint(uint64(n)))
	case reflect.Float32, reflect.Float64:
		f, ok := v.(float64)
		if n, isInt := v.(int64); isInt {
			f, ok = float64(n), true
		}
		dst.SetFloat(f)
		return fits(ok && !dst.OverflowFloat(f))
	case reflect.Slice:
		if b, ok := v.([]byte); ok && dst.Type().Elem().Kind() == reflect.Uint8 {
			dst.SetBytes(b)
			return nil
		}
	}
	return errMisfit
}

func fits(ok bool) error {
	if !ok {
		return errMisfit
	}
	return nil
}

func setText(dst reflect.Value, v any) error {
	switch v := v.(type) {
	case string:
		dst.SetString(v)
	case int64: // a struct that widens, before its table is
		dst.SetString(strconv.FormatInt(v, 10))
	default:
		return errMisfit
	}
	return nil
}

// asInteger reads an integer, also from a column that became real or text.
func asInteger(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		got, err := datum.Whole(v)
		n, ok = got.(int64)
		return n, ok && err == nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}
