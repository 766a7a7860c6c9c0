package query

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// decodeJSON reads one value and keeps its numbers as they are written.
func decodeJSON(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, errs.New(errs.Invalid, "is not valid JSON")
	}
	return v, nil
}

// document takes anything that JSON can write; JSON's null is NULL.
func document(v any) (any, error) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = encodeJSON(v); err != nil {
			return nil, errs.New(errs.Invalid, "cannot be written as JSON: %s", told(v))
		}
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, errs.New(errs.Invalid, "is not valid JSON")
	}
	if b.String() == "null" {
		return nil, nil
	}
	if err := checkDocument(b.Bytes()); err != nil {
		return nil, err
	}
	return json.RawMessage(b.Bytes()), nil
}

// maxDepth is how deep JSON may nest: databases differ in what they read.
const maxDepth = 100

// checkDocument refuses what some database cannot keep in JSON.
func checkDocument(raw []byte) error {
	if !utf8.Valid(raw) {
		return errs.New(errs.Invalid, "has JSON that is not UTF-8")
	}
	for i := bytes.IndexByte(raw, '\\'); i >= 0; {
		n, ok := escaped(raw[i:])
		if !ok {
			return errs.New(errs.Invalid, "contains the character NUL or half a character, which not every database keeps in JSON")
		}
		next := bytes.IndexByte(raw[i+n:], '\\')
		if i += n + next; next < 0 {
			break
		}
	}
	if err := checkNesting(raw, maxDepth); err != nil {
		return err
	}
	return checkSize(len(raw))
}

func checkNesting(raw []byte, most int) error {
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

// escaped is the length of an escape, unless it stands for NUL or is one of a
// pair of surrogates alone.
func escaped(raw []byte) (int, bool) {
	if raw[1] != 'u' {
		return 2, true
	}
	code := func(at int) uint64 {
		if len(raw) < at+6 || raw[at] != '\\' || raw[at+1] != 'u' {
			return 0
		}
		n, err := strconv.ParseUint(string(raw[at+2:at+6]), 16, 16)
		if err != nil {
			return 0
		}
		return n
	}
	switch n := code(0); {
	case n == 0 || n >= 0xdc00 && n <= 0xdfff:
		return 0, false
	case n >= 0xd800 && n <= 0xdbff:
		low := code(6)
		return 12, low >= 0xdc00 && low <= 0xdfff
	}
	return 6, true
}

// encodeJSON is json.Marshal, with <, > and & as they are.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
