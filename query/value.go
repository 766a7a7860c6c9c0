package query

import (
	"encoding/json"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
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
	if v = datum.Plain(v); v == nil {
		return nil, nil
	}
	if t.holds(v) {
		return v, nil
	}
	if raw, ok := v.(json.RawMessage); ok && t.Kind != JSON {
		var err error
		if v, err = datum.Decode(raw); err != nil || v == nil {
			return nil, err
		}
	}
	switch t.Kind {
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
	return datum.Value(string(t.Kind), v)
}

// holds tells that a value is in the form of the port already: for most it is,
// and to box it again would cost an allocation each.
func (t Type) holds(given any) bool {
	switch v := given.(type) {
	case string:
		return t.Kind == Text && datum.CheckText(v) == nil
	case int64:
		return t.Kind == Integer
	case bool:
		return t.Kind == Boolean
	case float64:
		return t.Kind == Real && v-v == 0 && v != 0
	}
	return false
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
