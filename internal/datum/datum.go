// Package datum brings what callers give as values into the forms in which the
// ports hold them, and refuses what some database could not keep:
//
//	text     string, UTF-8 without NUL; given as a string, or what writes itself as text
//	integer  int64; given as any of Go's integers, or a number that is whole
//	real     float64, neither NaN nor infinite, and 0 in place of -0; given as any number
//	boolean  bool
//	time     time.Time in UTC, cut to microseconds; or given as text as in RFC 3339, where no zone is UTC
//	bytes    []byte; or given as text in base64, as JSON writes bytes
//	json     json.RawMessage without white space, its numbers as they are written; or given as what encoding/json writes
//
// A json.Number is a number. NULL is nil, and given as nil, a nil pointer, slice
// or map, or as JSON's null. What comes out shares no memory with what came in.
// Errors are of errs.Invalid or errs.TooLarge; they tell the kind of a value and
// not the value, and are phrased to follow the name of a column.
package datum

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// MaxSize is how many bytes a value has at most.
const MaxSize = 64 << 20

// Value is a value in the form of a type.
func Value(typ string, v any) (any, error) {
	if v = Plain(v); v == nil {
		return nil, nil
	}
	switch typ {
	case "text":
		return text(v)
	case "integer":
		return Integer(v)
	case "real":
		return realNumber(v)
	case "boolean":
		if b := reflect.ValueOf(v); b.Kind() == reflect.Bool {
			return b.Bool(), nil
		}
	case "time":
		return instant(v)
	case "bytes":
		return octets(v)
	case "json":
		return document(v)
	}
	return nil, Mismatch(typ, v)
}

// Mismatch is the error for a value that no value of a type can be made from.
func Mismatch(typ string, v any) error {
	return errs.New(errs.Invalid, "is of type %s and cannot hold %s", typ, Told(v))
}

// Told says of what kind a value is, without telling it.
func Told(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	default:
		return "a value of Go's type " + reflect.TypeOf(v).String()
	}
}

// Plain follows pointers; nil pointers, slices and maps are nil.
func Plain(v any) any {
	switch v.(type) {
	case nil, string, int, int64, float64, bool, time.Time, json.Number:
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

func text(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		switch r := reflect.ValueOf(v); {
		case r.Type() == reflect.TypeFor[json.Number]():
			return nil, Mismatch("text", v)
		case r.Kind() == reflect.String:
			s = r.String()
		default:
			m, ok := v.(encoding.TextMarshaler)
			if _, isTime := v.(time.Time); !ok || isTime {
				return nil, Mismatch("text", v)
			}
			raw, err := m.MarshalText()
			if err != nil {
				return nil, errs.New(errs.Invalid, "cannot be written as text")
			}
			s = string(raw)
		}
	}
	return s, CheckText(s)
}

// CheckText refuses text that is not text everywhere.
func CheckText(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return errs.New(errs.Invalid, "contains the character NUL, which no database keeps in text")
	}
	if !utf8.ValidString(s) {
		return errs.New(errs.Invalid, "is not UTF-8; keep other bytes in a column of type bytes")
	}
	return checkSize(len(s))
}

func checkSize(n int) error {
	if n > MaxSize {
		return errs.New(errs.TooLarge, "has %d bytes; a value has at most %d", n, MaxSize)
	}
	return nil
}

// Integer is an int64.
func Integer(v any) (any, error) {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int(), nil
	case r.CanUint():
		if r.Uint() > math.MaxInt64 {
			return nil, errs.New(errs.Invalid, "is over the largest integer, %d", int64(math.MaxInt64))
		}
		return int64(r.Uint()), nil
	case r.CanFloat():
		return Whole(r.Float())
	}
	n, ok := v.(json.Number)
	if !ok {
		return nil, Mismatch("integer", v)
	}
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, errs.New(errs.Invalid, "is no integer of 64 bits")
	}
	return Whole(f)
}

// Whole takes a float for an int64 where that loses nothing.
func Whole(f float64) (any, error) {
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return nil, errs.New(errs.Invalid, "is an integer of 64 bits, which %v is not exactly", f)
	}
	return int64(f), nil
}

func realNumber(v any) (any, error) {
	f, ok := Float(v)
	if !ok {
		return nil, Mismatch("real", v)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errs.New(errs.Invalid, "%v is no number that databases agree on; use NULL", f)
	}
	return f + 0, nil // -0 becomes 0: not every database tells them apart
}

// Float reads any number as one of 64 bits; one that is too large is infinite.
func Float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil || math.IsInf(f, 0)
	}
	switch r := reflect.ValueOf(v); {
	case r.CanFloat():
		return r.Float(), true
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	}
	return 0, false
}

// timeForms are what is read as a time; without a zone it is UTC.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02"}

func instant(v any) (any, error) {
	t, ok := v.(time.Time)
	if !ok {
		s, isText := v.(string)
		if !isText {
			return nil, Mismatch("time", v)
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

func octets(v any) (any, error) {
	if s, ok := v.(string); ok {
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, errs.New(errs.Invalid, "is of type bytes; text for it must be base64")
		}
		return raw, checkSize(len(raw))
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice || r.Type().Elem().Kind() != reflect.Uint8 || r.Type() == reflect.TypeFor[json.RawMessage]() {
		return nil, Mismatch("bytes", v)
	}
	return append([]byte{}, r.Bytes()...), checkSize(r.Len())
}
