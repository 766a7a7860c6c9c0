package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// UnmarshalJSON reads the JSON form. It is strict: an unknown field is
// errs.Invalid and named with its path, as in "select.where.n.>>". Numbers in
// values stay as they are written.
func (q *Query) UnmarshalJSON(raw []byte) error {
	if err := datum.CheckNesting(raw, datum.MaxDepth+20); err != nil {
		return located("query", err)
	}
	type fields Query
	var f fields
	if err := strict(raw, "", reflect.ValueOf(&f).Elem()); err != nil {
		return err
	}
	*q = Query(f)
	return q.check()
}

// Decode reads the JSON form of a query; see [Query.UnmarshalJSON].
func Decode(raw []byte) (q Query, err error) {
	if !json.Valid(raw) {
		return q, errs.Field(errs.Invalid, "query", "is not valid JSON")
	}
	return q, q.UnmarshalJSON(raw)
}

// UnmarshalJSON reads an object, or a bare value. What is for a column of JSON
// stays as it is written.
func (r *Row) UnmarshalJSON(raw []byte) error { return r.decode(raw, "") }

func (r *Row) decode(raw json.RawMessage, path string) error {
	if len(raw) == 0 || raw[0] != '{' {
		v, err := cell(raw)
		*r = Bare(v)
		return located(path, err)
	}
	*r = Row{}
	return members(raw, path, func(name string, value json.RawMessage) error {
		if name == scalar {
			return errs.Field(errs.Invalid, path, "has a field without a name")
		}
		v, err := cell(value)
		(*r)[name] = v
		return located(under(path, name), err)
	})
}

// cell is a value in a row: lists and objects stay JSON.
func cell(raw json.RawMessage) (any, error) {
	if len(raw) > 0 && (raw[0] == '[' || raw[0] == '{') {
		return json.RawMessage(bytes.Clone(raw)), nil
	}
	return datum.Decode(raw)
}

// MarshalJSON gives an object in the order of its names, or the bare value.
func (r Row) MarshalJSON() ([]byte, error) {
	if v, ok := r[scalar]; ok && len(r) == 1 {
		return datum.Encode(v)
	}
	return datum.Encode(map[string]any(r))
}

func (t *Type) decode(raw json.RawMessage, path string) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errs.Field(errs.Invalid, path, "is no text")
	}
	parsed, err := ParseType(text)
	var wrong *errs.Error
	if errors.As(err, &wrong) {
		return errs.Field(wrong.Kind, path, "%s", wrong.Detail)
	}
	*t = parsed
	return nil
}

func (o *Output) decode(raw json.RawMessage, path string) error {
	if raw[0] == '"' {
		return json.Unmarshal(raw, &o.Column)
	}
	type fields Output
	return strict(raw, path, reflect.ValueOf((*fields)(o)).Elem())
}

// UnmarshalJSON reads a name, or an object.
func (o *Output) UnmarshalJSON(raw []byte) error { return o.decode(raw, "") }

// MarshalJSON gives the name where it is not renamed.
func (o Output) MarshalJSON() ([]byte, error) {
	if o.As == "" {
		return datum.Encode(o.Column)
	}
	type fields Output
	return datum.Encode(fields(o))
}

func (o *Order) decode(raw json.RawMessage, path string) error {
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &o.Column); err != nil {
			return errs.Field(errs.Invalid, path, "is no text")
		}
		o.Column, o.Descending = strings.CutPrefix(o.Column, "-")
		return nil
	}
	type fields Order
	return strict(raw, path, reflect.ValueOf((*fields)(o)).Elem())
}

// UnmarshalJSON reads a name, with "-" before it when descending, or an object.
func (o *Order) UnmarshalJSON(raw []byte) error { return o.decode(raw, "") }

// MarshalJSON gives the short form unless the name begins with "-".
func (o Order) MarshalJSON() ([]byte, error) {
	type fields Order
	switch {
	case strings.HasPrefix(o.Column, "-"):
		return datum.Encode(fields(o))
	case o.Descending:
		return datum.Encode("-" + o.Column)
	}
	return datum.Encode(o.Column)
}
