package query

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

// Value brings what a caller gives for a column of the type into the form of
// the port, as [Kind] says, or refuses it. nil, nil pointers, slices and maps
// and JSON's null are NULL. The result shares no memory with the input.
//
//	text     strings, and what writes itself as text
//	integer  Go's integers, and numbers that are whole
//	real     any number but NaN and the infinities; -0 becomes 0
//	boolean  bool
//	time     time.Time, or text as in RFC 3339, cut to microseconds; without a zone it is UTC
//	bytes    []byte, or text in base64
//	json     what encoding/json writes; a json.RawMessage as it is, without white space
//	vector   lists of numbers of its length
//	tensor   an [Array] of its type, or lists within lists; []byte of its size
//	file     its text
//
// A json.Number is a number; a json.RawMessage is what it says.
func (t Type) Value(v any) (any, error) {
	if v = plain(v); v == nil {
		return nil, nil
	}
	if t.holds(v) {
		return v, nil
	}
	if raw, ok := v.(json.RawMessage); ok && t.Kind != JSON {
		var err error
		if v, err = decodeJSON(raw); err != nil || v == nil {
			return nil, err
		}
	}
	switch t.Kind {
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
	case Vector:
		return t.vector(v)
	case Tensor:
		return t.tensor(v)
	case File:
		if s, ok := v.(string); ok && IsFile(s) {
			return s, nil
		}
		return nil, errs.New(errs.Invalid, "is of type file; its value is %q and the SHA-256 of what is in the artifact store, in hexadecimal", filePrefix)
	}
	return nil, mismatch(t, v)
}

// holds tells that a value is in the form of the port already: for most it is,
// and to box it again would cost an allocation each.
func (t Type) holds(given any) bool {
	switch v := given.(type) {
	case string:
		return t.Kind == Text && checkText(v) == nil
	case int64:
		return t.Kind == Integer
	case bool:
		return t.Kind == Boolean
	case float64:
		return t.Kind == Real && v-v == 0 && v != 0
	}
	return false
}

func mismatch(t Type, v any) error {
	return errs.New(errs.Invalid, "is of type %s and cannot hold %s", t, told(v))
}

// told says of what kind a value is, without telling it.
func told(v any) string {
	switch v := v.(type) {
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

// plain follows pointers; nil pointers, slices and maps are NULL.
func plain(v any) any {
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
			return nil, mismatch(Type{Kind: Text}, v)
		case r.Kind() == reflect.String:
			s = r.String()
		default:
			m, ok := v.(encoding.TextMarshaler)
			if _, isTime := v.(time.Time); !ok || isTime {
				return nil, mismatch(Type{Kind: Text}, v)
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
	return checkSize(len(s))
}

func checkSize(n int) error {
	if n > MaxText {
		return errs.New(errs.TooLarge, "has %d bytes; a value has at most %d", n, MaxText)
	}
	return nil
}

func integer(v any) (any, error) {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int(), nil
	case r.CanUint():
		if r.Uint() > math.MaxInt64 {
			return nil, errs.New(errs.Invalid, "is over the largest integer, %d", int64(math.MaxInt64))
		}
		return int64(r.Uint()), nil
	case r.CanFloat():
		return whole(r.Float())
	}
	n, ok := v.(json.Number)
	if !ok {
		return nil, mismatch(Type{Kind: Integer}, v)
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
		return nil, errs.New(errs.Invalid, "is an integer of 64 bits, which %v is not exactly", f)
	}
	return int64(f), nil
}

func realNumber(v any) (any, error) {
	f, ok := float(v)
	if !ok {
		return nil, mismatch(Type{Kind: Real}, v)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errs.New(errs.Invalid, "%v is no number that databases agree on; use NULL", f)
	}
	return f + 0, nil // -0 becomes 0: not every database tells them apart
}

// float reads any number as one of 64 bits; one that is too large is infinite.
func float(v any) (float64, bool) {
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
			return nil, mismatch(Type{Kind: Time}, v)
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
		return raw, checkSize(len(raw))
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice || r.Type().Elem().Kind() != reflect.Uint8 {
		return nil, mismatch(Type{Kind: Bytes}, v)
	}
	return append([]byte{}, r.Bytes()...), checkSize(r.Len())
}

const filePrefix = "&:blob:"

// IsFile tells whether a text is the value of a column of type file.
func IsFile(s string) bool {
	digest, ok := strings.CutPrefix(s, filePrefix)
	if !ok || len(digest) != 64 {
		return false
	}
	return !strings.ContainsFunc(digest, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}
