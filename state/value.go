package state

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// Bounds of what a row holds.
const (
	MaxValue = 64 << 20 // bytes of one value
	MaxKey   = 2000     // bytes of a key or an owner: they stand in an index
)

// value brings what a caller gives into the form that [Type] says, or refuses
// it. The result shares no memory with the input.
func (c Column) value(v any) (any, error) {
	v = plain(v)
	if v == nil {
		return nil, nil
	}
	out, err := c.Type.normal(v)
	if err == nil {
		err = checkSize(out)
	}
	var e *errs.Error
	if errors.As(err, &e) {
		return nil, errs.Field(e.Kind, c.Name, "%s", e.Detail)
	}
	return out, err
}

func checkSize(v any) error {
	n := 0
	switch v := v.(type) {
	case string:
		n = len(v)
	case []byte:
		n = len(v)
	case json.RawMessage:
		n = len(v)
	}
	if n > MaxValue {
		return errs.New(errs.TooLarge, "has %d bytes; a value has at most %d", n, MaxValue)
	}
	return nil
}

// plain follows pointers; nil pointers, slices and maps are NULL.
func plain(v any) any {
	switch v.(type) {
	case nil, string, int64, float64, bool, time.Time:
		return v
	}
	r := reflect.ValueOf(v)
	for r.Kind() == reflect.Pointer {
		if r.IsNil() {
			return nil
		}
		r = r.Elem()
	}
	switch r.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		if r.IsNil() {
			return nil
		}
	}
	return r.Interface()
}

func (t Type) normal(v any) (any, error) {
	switch t {
	case Text:
		return text(v)
	case Integer:
		return integer(v)
	case Real:
		return realNumber(v)
	case Boolean:
		if b := reflect.ValueOf(v); b.Kind() == reflect.Bool {
			return b.Bool(), nil
		}
	case Time:
		return instant(v)
	case Bytes:
		return octets(v)
	case JSON:
		return document(v)
	}
	return nil, t.mismatch(v)
}

func (t Type) mismatch(v any) error {
	return errs.New(errs.Invalid, "is of type %s and cannot hold a value of Go's type %T", t, v)
}

func text(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		switch r := reflect.ValueOf(v); {
		case r.Type() == reflect.TypeFor[json.Number]():
			return nil, Text.mismatch(v)
		case r.Kind() == reflect.String:
			s = r.String()
		default:
			m, ok := v.(encoding.TextMarshaler)
			if _, isTime := v.(time.Time); !ok || isTime {
				return nil, Text.mismatch(v)
			}
			raw, err := m.MarshalText()
			if err != nil {
				return nil, errs.New(errs.Invalid, "cannot be written as text")
			}
			s = string(raw)
		}
	}
	return s, checkText(s)
}

func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return errs.New(errs.Invalid, "contains the character NUL, which no database keeps in text")
	}
	if !utf8.ValidString(s) {
		return errs.New(errs.Invalid, "is not UTF-8; keep other bytes in a column of type bytes")
	}
	return nil
}

func integer(v any) (any, error) {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int(), nil
	case r.CanUint():
		if r.Uint() > math.MaxInt64 {
			return nil, errs.New(errs.Invalid, "%d is over the largest integer, %d", r.Uint(), int64(math.MaxInt64))
		}
		return int64(r.Uint()), nil
	case r.CanFloat():
		return whole(r.Float())
	}
	n, ok := v.(json.Number)
	if !ok {
		return nil, Integer.mismatch(v)
	}
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, errs.New(errs.Invalid, "is no integer of 64 bits")
	}
	return whole(f)
}

// whole takes a float for an integer where that loses nothing.
func whole(f float64) (any, error) {
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return nil, errs.New(errs.Invalid, "%v is no whole number that a float holds exactly; give an integer", f)
	}
	return int64(f), nil
}

func realNumber(v any) (any, error) {
	var f float64
	switch r := reflect.ValueOf(v); {
	case r.CanFloat():
		f = r.Float()
	case r.CanInt():
		f = float64(r.Int())
	case r.CanUint():
		f = float64(r.Uint())
	default:
		n, ok := v.(json.Number)
		if !ok {
			return nil, Real.mismatch(v)
		}
		var err error
		if f, err = strconv.ParseFloat(string(n), 64); err != nil {
			return nil, errs.New(errs.Invalid, "is no number that 64 bits hold")
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errs.New(errs.Invalid, "%v is no number that databases agree on; use NULL", f)
	}
	return f + 0, nil // -0 becomes 0: not every database tells them apart
}

// timeForms are what is read as a time; without a zone it is UTC.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02"}

func instant(v any) (any, error) {
	t, ok := v.(time.Time)
	if !ok {
		s, isText := v.(string)
		if !isText {
			return nil, Time.mismatch(v)
		}
		for _, form := range timeForms {
			var err error
			if t, err = time.Parse(form, s); err == nil {
				ok = true
				break
			}
		}
		if !ok {
			return nil, errs.New(errs.Invalid, "is no time; write it as 2006-01-02T15:04:05.999999Z")
		}
	}
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, errs.New(errs.Invalid, "is outside the years 1 to 9999")
	}
	return t, nil
}

// octets takes bytes; text is taken for base64, as JSON writes bytes.
func octets(v any) (any, error) {
	if s, ok := v.(string); ok {
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, errs.New(errs.Invalid, "is of type bytes; text for it must be base64")
		}
		return raw, nil
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice || r.Type().Elem().Kind() != reflect.Uint8 || r.Type() == reflect.TypeFor[json.RawMessage]() {
		return nil, Bytes.mismatch(v)
	}
	return append([]byte{}, r.Bytes()...), nil
}

// document takes anything that JSON can write. JSON itself is kept as it is
// written, without white space; its null is NULL.
func document(v any) (any, error) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = encodeJSON(v); err != nil {
			return nil, errs.New(errs.Invalid, "cannot be written as JSON: a value of Go's type %T", v)
		}
	}
	raw, err := compact(raw)
	if err != nil || string(raw) == "null" {
		return nil, err
	}
	return raw, nil
}

func shown(v any) string {
	s := fmt.Sprint(v)
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
