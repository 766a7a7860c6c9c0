package query

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// own is what decodes itself, knowing where in the document it stands.
type own interface {
	decode(raw json.RawMessage, path string) error
}

// strict reads JSON into v. Fields that are not known, of a wrong type or
// there twice are errs.Invalid and named with their path.
func strict(raw json.RawMessage, path string, v reflect.Value) error {
	if string(raw) == "null" {
		return nil
	}
	if o, ok := v.Addr().Interface().(own); ok {
		return o.decode(raw, path)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return strict(raw, path, v.Elem())
	case reflect.Struct:
		return strictStruct(raw, path, v)
	case reflect.Map:
		return strictMap(raw, path, v)
	case reflect.Array:
		return strictList(raw, path, v)
	case reflect.Slice:
		if v.Type() != reflect.TypeFor[json.RawMessage]() {
			return strictList(raw, path, v)
		}
		v.SetBytes(bytes.Clone(raw))
		return nil
	}
	if v.Kind() == reflect.Interface {
		given, err := datum.Decode(raw)
		if err != nil {
			return located(path, err)
		}
		v.Set(reflect.ValueOf(given))
		return nil
	}
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		return errs.Field(errs.Invalid, path, "is no %s", jsonName(v.Kind()))
	}
	return nil
}

func strictStruct(raw json.RawMessage, path string, v reflect.Value) error {
	names := map[string]int{}
	var known []string
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		names[name] = i
		known = append(known, name)
	}
	return members(raw, path, func(name string, raw json.RawMessage) error {
		i, ok := names[name]
		if !ok {
			return errs.Field(errs.Invalid, under(path, name), "is no field that there is%s", suggestion(name, known))
		}
		return strict(raw, under(path, name), v.Field(i))
	})
}

func strictMap(raw json.RawMessage, path string, v reflect.Value) error {
	return members(raw, path, func(name string, raw json.RawMessage) error {
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		item := reflect.New(v.Type().Elem()).Elem()
		err := strict(raw, under(path, name), item)
		v.SetMapIndex(reflect.ValueOf(name), item)
		return err
	})
}

func strictList(raw json.RawMessage, path string, v reflect.Value) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return errs.Field(errs.Invalid, path, "is no list")
	}
	if v.Kind() == reflect.Array && len(items) != v.Len() {
		return errs.Field(errs.Invalid, path, "is a list of %d; it has %d", v.Len(), len(items))
	}
	if v.Kind() == reflect.Slice && len(items) > 0 {
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	}
	for i, item := range items {
		if err := strict(item, path+"["+strconv.Itoa(i)+"]", v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// members walks an object in its order.
func members(raw json.RawMessage, path string, fn func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errs.Field(errs.Invalid, path, "is no object")
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return errs.Field(errs.Invalid, path, "is not valid JSON")
		}
		name, _ := key.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return errs.Field(errs.Invalid, under(path, name), "is not valid JSON")
		}
		if seen[name] {
			return errs.Field(errs.Invalid, under(path, name), "is given twice")
		}
		seen[name] = true
		if err := fn(name, value); err != nil {
			return err
		}
	}
	return nil
}

func under(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

func jsonName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	}
	return k.String()
}

// located names the place of an error that names none.
func located(path string, err error) error {
	if e, ok := err.(*errs.Error); ok {
		return &errs.Error{Kind: e.Kind, Field: under(path, e.Field), Detail: e.Detail, Err: e.Err}
	}
	return err
}
