package chat

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// members hands every member of a JSON object to a function: its key, and its
// value as it is written, without spaces around it. Both point into raw. Steps
// are the most frequent thing on the wire, and this reads them in one pass
// where encoding/json takes four.
func members(raw []byte, each func(key string, value []byte)) error {
	if !json.Valid(raw) {
		return errs.New(errs.Invalid, "is not valid JSON")
	}
	i := space(raw, 0)
	if raw[i] != '{' {
		// encoding/json knows the words for what it is instead.
		var object map[string]json.RawMessage
		return json.Unmarshal(raw, &object)
	}
	for i = space(raw, i+1); raw[i] != '}'; {
		end := skip(raw, i)
		key, err := unquote(raw[i:end])
		if err != nil {
			return err
		}
		i = space(raw, space(raw, end)+1) // over the colon
		end = skip(raw, i)
		each(key, raw[i:end])
		if i = space(raw, end); raw[i] == ',' {
			i = space(raw, i+1)
		}
	}
	return nil
}

// space is the first place from i on that is no space. In valid JSON there is
// one until the last bracket.
func space(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r' {
		i++
	}
	return i
}

// skip is the place after the value that begins at i, in valid JSON.
func skip(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return skipString(raw, i)
	case '{', '[':
		return skipBrackets(raw, i)
	}
	for i < len(raw) && bytes.IndexByte([]byte(" \n\t\r,]}"), raw[i]) < 0 {
		i++
	}
	return i
}

func skipString(raw []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(raw[i:], '"')
		slashes := 0
		for raw[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

func skipBrackets(raw []byte, i int) int {
	for depth := 0; ; {
		switch raw[i] {
		case '"':
			i = skipString(raw, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
}

// unquote decodes a JSON string. Most have no escapes.
func unquote(quoted []byte) (string, error) {
	if inner := quoted[1 : len(quoted)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), nil
	}
	var s string
	err := json.Unmarshal(quoted, &s)
	return s, err
}

// decodeField decodes a value that is valid JSON into the field that p points
// to, like encoding/json does but without looking at it twice.
func decodeField(value []byte, p any) (err error) {
	switch p := p.(type) {
	case *string:
		if value[0] == '"' {
			*p, err = unquote(value)
			return err
		}
	case *Object:
		*p = nil // not laid over what an earlier member said
		return p.UnmarshalJSON(value)
	case *json.RawMessage:
		*p = bytes.Clone(value)
		return nil
	case **bool:
		if value[0] == 't' || value[0] == 'f' {
			*p = Ptr(value[0] == 't')
			return nil
		}
	}
	return json.Unmarshal(value, p)
}

// plainText tells whether a text stands in JSON as it is, between quotes, in
// the spelling of encoding/json, which also escapes what HTML and JavaScript
// take for their own.
func plainText(s string) bool {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b < ' ' || b >= utf8.RuneSelf || b == '"' || b == '\\' || b == '<' || b == '>' || b == '&' {
			return false
		}
	}
	return true
}
