package state

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/varvedb/varve/errs"
)

// fields says how the fields of a struct are the columns of a table.
type fields struct {
	schema Schema
	list   []field // in the order of schema.Columns
}

type field struct {
	index []int // see reflect.Value.FieldByIndex
	null  bool  // the zero value is NULL
}

func fieldsOf[T any](name string) (*fields, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, errs.Field(errs.Invalid, "table", "%q: a table is described by a struct, not by %v", name, t)
	}
	f := &fields{schema: Schema{Name: name}}
	if err := f.collect(t, nil); err != nil {
		return nil, err
	}
	return f, f.schema.check()
}

func (f *fields) collect(t reflect.Type, at []int) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("state")
		index := append(slices.Clone(at), i)
		switch {
		case tag == "-" || !sf.IsExported() && !sf.Anonymous:
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct:
			if err := f.collect(sf.Type, index); err != nil {
				return err
			}
		case sf.IsExported():
			if err := f.add(sf, tag, index); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fields) add(sf reflect.StructField, tag string, index []int) error {
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = snake(sf.Name)
	}
	c, field := Column{Name: name, Type: typeOf(sf.Type)}, field{index: index}
	for _, o := range strings.Split(options, ",") {
		key, value, _ := strings.Cut(o, "=")
		switch {
		case o == "":
		case o == "key":
			f.schema.Key = append(f.schema.Key, name)
		case o == "owner" && f.schema.Owner == "":
			f.schema.Owner = name
		case o == "null":
			field.null = true
		case key == "was":
			c.Was = append(c.Was, value)
		default:
			return errs.Field(errs.Invalid, name, "%q in the tag of the field %s is none of key, owner, null, was=", o, sf.Name)
		}
	}
	f.schema.Columns, f.list = append(f.schema.Columns, c), append(f.list, field)
	return nil
}

// snake writes a Go name as a column's: UserID as user_id.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func typeOf(t reflect.Type) Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return Time
	case reflect.TypeFor[json.RawMessage]():
		return JSON
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return Text
	}
	switch t.Kind() {
	case reflect.String:
		return Text
	case reflect.Bool:
		return Boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Integer
	case reflect.Float32, reflect.Float64:
		return Real
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return Bytes
		}
	}
	return JSON
}

// row gives the fields of a value by the names of their columns.
func (f *fields) row(v any) Row {
	row, value := make(Row, len(f.list)), reflect.ValueOf(v)
	for i, field := range f.list {
		fv := value.FieldByIndex(field.index)
		if row[f.schema.Columns[i].Name] = fv.Interface(); field.null && fv.IsZero() {
			row[f.schema.Columns[i].Name] = nil
		}
	}
	return row
}
