package sqlcore

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/varvedb/varve/chat"
)

// AppendJSON appends a JSON value the way Python's json.dumps writes it: ": "
// and ", " between things and only ASCII. Chainlit's SQLite queries look for
// such text, so files that both write must hold it. Object keys are sorted.
func AppendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendString(b, v)
	case json.Number:
		if v == "" {
			return append(b, '0')
		}
		return append(b, v...)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case chat.Object:
		return appendObject(b, v)
	case map[string]any:
		return appendObject(b, v)
	case []any:
		return appendList(b, v, AppendJSON)
	case []string:
		return appendList(b, v, appendString)
	case json.RawMessage:
		return AppendRaw(b, v)
	case map[string]json.RawMessage:
		return appendObject(b, v)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return AppendRaw(b, raw)
}

// AppendRaw appends a JSON text in the form of [AppendJSON], its keys in their
// order and its numbers as they are.
func AppendRaw(b []byte, raw json.RawMessage) []byte {
	raw = bytes.TrimSpace(raw)
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case ',', ':':
			b = append(b, c, ' ')
			i++
		case '"':
			n := stringLen(raw[i:])
			b = appendQuoted(b, raw[i:i+n])
			i += n
		default:
			b = append(b, c)
			i++
		}
	}
	return b
}

// stringLen is the length of the JSON string that raw begins with.
func stringLen(raw []byte) int {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// appendQuoted appends a JSON string in Python's escapes.
func appendQuoted(b, quoted []byte) []byte {
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return append(b, quoted...)
	}
	return appendString(b, s)
}

func appendObject[V any](b []byte, o map[string]V) []byte {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendString(b, key)
		b = append(b, ": "...)
		b = AppendJSON(b, o[key])
	}
	return append(b, '}')
}

func appendList[V any](b []byte, list []V, item func([]byte, V) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = item(b, v)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			b = appendRune(b, r)
			i += size
			continue
		}
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\f':
			b = append(b, '\\', 'f')
		case '\b':
			b = append(b, '\\', 'b')
		default:
			if c < 0x20 {
				b = appendUnit(b, rune(c))
			} else {
				b = append(b, c)
			}
		}
		i++
	}
	return append(b, '"')
}

// appendRune writes a character beyond ASCII, as two surrogates where it needs
// more than 16 bits.
func appendRune(b []byte, r rune) []byte {
	if r < 0x10000 {
		return appendUnit(b, r)
	}
	r -= 0x10000
	return appendUnit(appendUnit(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
}

func appendUnit(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
