package state

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// maxDepth bounds how deep JSON may nest.
const maxDepth = 100

// compact checks JSON and takes its white space out; everything else, numbers
// above all, stays as it is written. What one of the databases could not keep
// is refused: NUL and halves of surrogate pairs.
func compact(raw []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	if !utf8.Valid(raw) {
		return nil, errs.New(errs.Invalid, "is not UTF-8")
	}
	if err := json.Compact(&b, raw); err != nil {
		return nil, errs.New(errs.Invalid, "is no JSON")
	}
	depth, inText := 0, false
	out := b.Bytes()
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case inText && c == '\\':
			n, err := escape(out[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return nil, errs.New(errs.Invalid, "nests deeper than %d", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return json.RawMessage(out), nil
}

// escape is the length of the escape that valid JSON begins with, both halves
// of a pair together.
func escape(s []byte) (int, error) {
	if s[1] != 'u' {
		return 2, nil
	}
	switch r := hex4(s[2:]); {
	case r == 0:
		return 0, errs.New(errs.Invalid, "contains the character NUL, which no database keeps in text")
	case r >= 0xDC00 && r <= 0xDFFF:
	case r >= 0xD800 && r <= 0xDBFF:
		if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if low := hex4(s[8:]); low >= 0xDC00 && low <= 0xDFFF {
				return 12, nil
			}
		}
	default:
		return 6, nil
	}
	return 0, errs.New(errs.Invalid, "contains half of a surrogate pair, which is no character")
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
