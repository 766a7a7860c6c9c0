package server

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// maxBrackets is how deep JSON may nest in a body. Values of a body's keys may
// be chat.MaxDepth deep, which the service judges; a body deeper than that and
// its own two levels is not even decoded.
const maxBrackets = chat.MaxDepth + 2

// scan looks at a JSON text before it is decoded, for what decoding hides: it
// returns the top-level keys under which half a surrogate pair or invalid
// UTF-8 stands, which decoding turns into U+FFFD in silence, and an error that
// names the path when it nests too deep. It is no validation: any bytes may
// come, and decoding comes after it.
func scan(raw []byte) (mended []string, err error) {
	if harmless(raw) {
		return nil, nil
	}
	depth, top := 0, ""
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			if depth++; depth > maxBrackets {
				return nil, errs.Field(errs.Invalid, deepPath(raw[:i]), "is nested deeper than %d levels", chat.MaxDepth)
			}
		case '}', ']':
			depth--
		case '"':
			text, end := stringAt(raw, i)
			if depth == 1 && isKey(raw, end) {
				top = keyName(text)
			}
			if broken(text) && !slices.Contains(mended, top) {
				mended = append(mended, top)
			}
			i = end
		}
	}
	return mended, nil
}

// harmless tells, as fast as memory is read, that scan would find nothing: there
// are too few brackets to nest deep, no escapes of units, and all is UTF-8. Most
// bodies are so.
func harmless(raw []byte) bool {
	return bytes.Count(raw, []byte("{"))+bytes.Count(raw, []byte("[")) <= maxBrackets &&
		!bytes.Contains(raw, []byte(`\u`)) && utf8.Valid(raw)
}

// stringAt returns what stands between the quotes that begin at raw[i], and
// the place of the closing one (or the end).
func stringAt(raw []byte, i int) (text []byte, end int) {
	for j := i + 1; j < len(raw); {
		k := bytes.IndexByte(raw[j:], '"')
		if k < 0 {
			break
		}
		quote := j + k
		slashes := 0
		for p := quote - 1; p > i && raw[p] == '\\'; p-- {
			slashes++
		}
		if slashes%2 == 0 {
			return raw[i+1 : quote], quote
		}
		j = quote + 1
	}
	return raw[i+1:], len(raw)
}

// isKey tells whether a colon follows the string that ends at raw[end].
func isKey(raw []byte, end int) bool {
	for i := end + 1; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return raw[i] == ':'
		}
	}
	return false
}

// keyName is a key as it may stand in a message.
func keyName(text []byte) string {
	const longest = 64
	if len(text) > longest || !utf8.Valid(text) || bytes.IndexByte(text, '\\') >= 0 {
		return "a key"
	}
	return string(text)
}

// broken tells whether the inside of a JSON string has half a surrogate pair
// or bytes that are not UTF-8.
func broken(text []byte) bool {
	if !utf8.Valid(text) {
		return true
	}
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return false
		}
		text = text[i:]
		if text[1] != 'u' {
			text = text[2:]
			continue
		}
		switch unit := escape(text); {
		case unit < 0:
			return false // not JSON; decoding says so
		case unit >= 0xD800 && unit < 0xDC00:
			low := escape(text[6:])
			if low < 0xDC00 || low > 0xDFFF {
				return true
			}
			text = text[12:]
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		default:
			text = text[6:]
		}
	}
}

// escape is the UTF-16 unit of the \uXXXX that a text begins with, or -1.
func escape(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// deepPath names the innermost value that is open at the end of a text, like
// metadata.a[0].b, shortened in the middle.
func deepPath(raw []byte) string {
	type level struct {
		key   string
		list  bool
		index int
	}
	var open []level
	for i := 0; i < len(raw); i++ {
		last := len(open) - 1
		switch raw[i] {
		case '{', '[':
			open = append(open, level{list: raw[i] == '['})
		case '}', ']':
			if last >= 0 {
				open = open[:last]
			}
		case ',':
			if last >= 0 {
				open[last].index++
			}
		case '"':
			text, end := stringAt(raw, i)
			if last >= 0 && !open[last].list && isKey(raw, end) {
				open[last].key = keyName(text)
			}
			i = end
		}
	}
	var path strings.Builder
	for i, l := range open {
		switch {
		case l.list:
			fmt.Fprintf(&path, "[%d]", l.index)
		case i > 0:
			path.WriteString("." + l.key)
		default:
			path.WriteString(l.key)
		}
	}
	return shorten(path.String())
}

// shorten keeps the ends of a path: a depth bomb has a long one.
func shorten(path string) string {
	const head, tail = 40, 30
	runes := []rune(path)
	if len(runes) <= head+tail {
		return path
	}
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}
