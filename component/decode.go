package component

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Decode reads a declaration: a JSON object with its type_id. Children are
// objects, or references ("&:component:model:words"). A field that the type
// does not have is errs.Invalid, which names it by its path, as is a value of
// the wrong type.
func Decode(raw []byte) (Component, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return decoder{strict: true}.component("", v)
}

// DecodeAll reads a declaration as Decode does, or a list of them, in which a
// field's path begins with the place of its component: "[1].kind". Of a list one
// component is decoded at a time.
func DecodeAll(raw []byte) ([]Component, error) { return decodeAll(raw, maxTogether) }

// decodeAll takes a list of at most so many values.
func decodeAll(raw []byte, most int) ([]Component, error) {
	if first := bytes.TrimLeft(raw, " \t\r\n"); len(first) == 0 || first[0] != '[' {
		c, err := Decode(raw)
		return []Component{c}, err
	}
	list := parser{Decoder: json.NewDecoder(bytes.NewReader(raw))}
	if _, err := list.Token(); err != nil {
		return nil, notJSON("", err)
	}
	out := []Component{}
	for list.More() {
		path := "[" + strconv.Itoa(len(out)) + "]"
		var item json.RawMessage
		if err := list.Decode(&item); err != nil {
			return nil, notJSON(path, err)
		}
		v, n, err := counted(item)
		if err != nil {
			return nil, at(path, err)
		}
		if most -= n; most < 0 {
			return nil, errs.New(errs.TooLarge, "the components of one list have at most %d values together; apply some of them first, and refer to these", maxTogether)
		}
		c, err := decoder{strict: true}.component(path, v)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if _, err := list.Token(); err != nil {
		return nil, notJSON("", err)
	}
	return out, list.ended()
}

// decodeRecord reads what was stored, by this version of Varve or a newer one.
func decodeRecord(raw []byte) (Component, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return decoder{}.component("", v)
}

// decoder turns what parse read into components. A strict one refuses fields
// it does not know; the other keeps them.
type decoder struct{ strict bool }

func (d decoder) component(path string, v any) (Component, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errs.Field(errs.Invalid, path, "a component is an object with a type_id")
	}
	typ, ok := o["type_id"].(string)
	if !ok {
		return nil, errs.Field(errs.Invalid, under(path, "type_id"), "is missing; types are %s", strings.Join(Types(), ", "))
	}
	c, ok := blank(typ)
	if !ok {
		return nil, errs.Field(errs.Invalid, under(path, "type_id"), "%q is no type of component; types are %s", typ, strings.Join(Types(), ", "))
	}
	known := map[string]reflect.Value{}
	for _, f := range allFields(c) {
		known[f.name] = f.value
	}
	for _, name := range sortedKeys(o) {
		if name == "type_id" {
			continue
		}
		into, ok := known[name]
		if !ok {
			if err := d.unknown(c, path, name, o[name]); err != nil {
				return nil, err
			}
			continue
		}
		if o[name] == nil {
			continue
		}
		if err := d.field(under(path, name), o[name], into); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// facts are what Show adds to a record; a declaration that was made from a
// record may still have them.
var facts = map[string]bool{"hidden": true, "status": true, "reason": true, "hash": true, "break_hash": true,
	"created_at": true, "updated_at": true, "edition": true}

func (d decoder) unknown(c Component, path, name string, v any) error {
	if facts[name] {
		return nil
	}
	if d.strict {
		return errs.Field(errs.Invalid, under(path, name), "a %s has no such field; it has %s", c.Type(), strings.Join(fieldNames(c), ", "))
	}
	raw, err := appendCanonical(nil, v)
	if b := c.base(); b.Extra == nil {
		b.Extra = map[string]json.RawMessage{name: raw}
	} else {
		b.Extra[name] = raw
	}
	return err
}

func fieldNames(c Component) []string {
	names := []string{"identifier"}
	for _, f := range fieldsOf(c) {
		names = append(names, f.name)
	}
	return names
}

// field reads one value into a field of a component.
func (d decoder) field(path string, v any, into reflect.Value) error {
	switch into := into.Addr().Interface().(type) {
	case *Child:
		return d.child(path, v, into)
	case *[]Child:
		list, ok := v.([]any)
		if !ok {
			return errs.Field(errs.Invalid, path, "is a list of components")
		}
		*into = make([]Child, len(list))
		for i, item := range list {
			if err := d.child(path+"["+strconv.Itoa(i)+"]", item, &(*into)[i]); err != nil {
				return err
			}
		}
		return nil
	case *map[string]FieldType:
		return d.fields(path, v, into)
	case *Object:
		o, ok := v.(map[string]any)
		if !ok {
			return errs.Field(errs.Invalid, path, "is an object")
		}
		*into = o
		return nil
	case *json.RawMessage:
		raw, err := appendCanonical(nil, v)
		*into = raw
		return err
	}
	raw, err := appendCanonical(nil, v)
	if err != nil {
		return err
	}
	return wrong(path, into, json.Unmarshal(raw, into.Addr().Interface()))
}

func (d decoder) child(path string, v any, into *Child) error {
	if link, ok := v.(string); ok {
		r, err := ParseLink(link)
		*into = Child{Ref: r}
		return at(path, err)
	}
	c, err := d.component(path, v)
	if err == nil {
		*into = Of(c)
	}
	return err
}

func (d decoder) fields(path string, v any, into *map[string]FieldType) error {
	o, ok := v.(map[string]any)
	if !ok {
		return errs.Field(errs.Invalid, path, "is an object of names and types, as in {\"x\": \"text\"}")
	}
	*into = map[string]FieldType{}
	for _, name := range sortedKeys(o) {
		var t FieldType
		if text, ok := o[name].(string); ok && !strings.HasPrefix(text, "&") {
			t.Type = text
		} else if err := d.child(under(path, name), o[name], &t.DataType); err != nil {
			return err
		}
		(*into)[name] = t
	}
	return nil
}

// at gives an error its place in the input.
func at(path string, err error) error {
	var e *errs.Error
	if err == nil || path == "" || !errors.As(err, &e) {
		return err
	}
	moved := *e
	if moved.Field == "" {
		moved.Field = path
	} else {
		moved.Field = under(path, moved.Field)
	}
	return &moved
}

// wrong says what a field takes.
func wrong(path string, into reflect.Value, err error) error {
	if err == nil {
		return nil
	}
	var known *errs.Error
	if errors.As(err, &known) {
		return at(path, err)
	}
	want := "a value of another type"
	switch into.Kind() {
	case reflect.String:
		want = "text"
	case reflect.Bool:
		want = "true or false"
	case reflect.Int, reflect.Int64, reflect.Pointer:
		want = "a whole number"
	case reflect.Slice:
		want = "a list of texts"
	case reflect.Map:
		want = "an object"
	}
	return errs.Field(errs.Invalid, path, "is not %s", want)
}
