package datum

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// MaxDepth is how deep JSON may nest: databases differ in what they read.
const MaxDepth = 100

// document takes anything that JSON can write; JSON's null is NULL.
func document(v any) (any, error) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = Encode(v); err != nil {
			return nil, errs.New(errs.Invalid, "cannot be written as JSON: %s", Told(v))
		}
	}
	raw, err := Compact(raw)
	if err != nil || string(raw) == "null" {
		return nil, err
	}
	return raw, checkSize(len(raw))
}

// Compact checks JSON and takes its white space out; everything else, numbers
// above all, stays as it is written. What some database could not keep is
// refused: NUL, half a surrogate pair, what nests too deep.
func Compact(raw []byte) (json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, errs.New(errs.Invalid, "has JSON that is not UTF-8")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, errs.New(errs.Invalid, "is not valid JSON")
	}
	out := b.Bytes()
	for i := bytes.IndexByte(out, '\\'); i >= 0; {
		n, ok := escape(out[i:])
		if !ok {
			return nil, errs.New(errs.Invalid, "contains the character NUL or half a character, which not every database keeps in JSON")
		}
		next := bytes.IndexByte(out[i+n:], '\\')
		if i += n + next; next < 0 {
			break
		}
	}
	return out, CheckNesting(out, MaxDepth)
}

// CheckNesting refuses JSON that nests deeper than so many levels. What is no
// JSON does it no harm.
func CheckNesting(raw []byte, most int) error {
	depth, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '[' || c == '{':
			if depth++; depth > most {
				return errs.New(errs.Invalid, "nests deeper than %d", most)
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return nil
}

// escape is the length of the escape that valid JSON begins with, both halves
// of a pair together; false where it stands for NUL or for half a pair.
func escape(s []byte) (int, bool) {
	if s[1] != 'u' {
		return 2, true
	}
	switch r := hex4(s[2:]); {
	case r == 0, r >= 0xDC00 && r <= 0xDFFF:
		return 0, false
	case r >= 0xD800 && r <= 0xDBFF:
		if len(s) < 12 || s[6] != '\\' || s[7] != 'u' {
			return 0, false
		}
		low := hex4(s[8:])
		return 12, low >= 0xDC00 && low <= 0xDFFF
	}
	return 6, true
}

// hex4 reads four hexadecimal digits, which valid JSON has there.
func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'F':
			c -= 'A' - 10
		default:
			c -= 'a' - 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// Decode reads one value and keeps its numbers as they are written.
func Decode(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, errs.New(errs.Invalid, "is not valid JSON")
	}
	return v, nil
}

// Encode is json.Marshal, with <, > and & as they are.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
