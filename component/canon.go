package component

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
)

// maxDepth is how deep JSON may be nested.
const maxDepth = 100

// Canonical is the one form of a JSON value under which equal values are equal
// bytes: no white space, keys in the order of their bytes and each once, text
// with no more escapes than JSON requires, and numbers as [number] says. It is
// what hashes are taken over, so it never changes.
func Canonical(raw []byte) ([]byte, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return appendCanonical(nil, v)
}

// maxValues is how many values, keys not counted, one component may have: each
// takes some hundred bytes of memory, however few it takes as text. What has
// more of them is data.
const maxValues = 500_000

// maxTogether is how many those have that are given in one list.
const maxTogether = 2_000_000

// tooMany is the error for a component with more than that.
func tooMany() error {
	return errs.New(errs.TooLarge, "a component has at most %d values; keep data in a table, or in an artifact", maxValues)
}

// parse reads one JSON value: objects are map[string]any, numbers
// json.Number. A key that stands twice in an object is refused, since readers
// differ about which of the two counts.
func parse(raw []byte) (any, error) {
	v, _, err := counted(raw)
	return v, err
}

// counted is parse, and tells how many values there are.
func counted(raw []byte) (any, int, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	p := parser{Decoder: d, left: maxValues}
	v, err := p.value("", 0)
	if err != nil {
		return nil, 0, err
	}
	return v, maxValues - p.left, p.ended()
}

// parser reads values, of which so many are left.
type parser struct {
	*json.Decoder
	left int
}

// ended is an error where something follows.
func (p *parser) ended() error {
	if _, err := p.Token(); !errors.Is(err, io.EOF) {
		return errs.New(errs.Invalid, "there is something behind the JSON value")
	}
	return nil
}

func (p *parser) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errs.Field(errs.Invalid, path, "is nested more than %d deep", maxDepth)
	}
	if p.left--; p.left < 0 {
		return nil, tooMany()
	}
	t, err := p.Token()
	if err != nil {
		return nil, notJSON(path, err)
	}
	switch t {
	case json.Delim('{'):
		return p.object(path, depth)
	case json.Delim('['):
		list := []any{}
		for p.More() {
			v, err := p.value(path+"["+strconv.Itoa(len(list))+"]", depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := p.Token()
		return list, notJSON(path, err)
	}
	if n, ok := t.(json.Number); ok {
		if _, err := number(n); err != nil {
			return nil, errs.Field(errs.Invalid, path, "the number %s is too large", n)
		}
	}
	return t, nil
}

func (p *parser) object(path string, depth int) (any, error) {
	m := map[string]any{}
	for p.More() {
		t, err := p.Token()
		if err != nil {
			return nil, notJSON(path, err)
		}
		key := t.(string) // the decoder takes nothing else for a key
		at := under(path, key)
		if _, twice := m[key]; twice {
			return nil, errs.Field(errs.Invalid, at, "stands twice")
		}
		if m[key], err = p.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := p.Token()
	return m, notJSON(path, err)
}

// values counts what parse counts.
func values(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += values(member)
		}
	case []any:
		for _, item := range v {
			n += values(item)
		}
	}
	return n
}

func notJSON(path string, err error) error {
	if err == nil {
		return nil
	}
	return &errs.Error{Kind: errs.Invalid, Field: path, Detail: "is no JSON", Err: err}
}

// under is the path of a field within another.
func under(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

func appendCanonical(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, k), ':')
			var err error
			if b, err = appendCanonical(b, v[k]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendCanonical(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case string:
		return appendText(b, v), nil
	case json.Number:
		n, err := number(v)
		return append(b, n...), err
	case bool:
		return strconv.AppendBool(b, v), nil
	case nil:
		return append(b, "null"...), nil
	}
	return nil, errs.New(errs.Internal, "a %T is no part of JSON", v)
}

// number is the canonical form of a number. A whole number that is written
// without a point and an exponent keeps all its digits, whatever their number.
// Any other is the float64 next to it: as a whole number where it is one below
// 10^15, else with as few digits as tell it from its neighbours, and an
// exponent. So 1, 1.0 and 1e0 are one number.
func number(n json.Number) (string, error) {
	s := n.String()
	if !strings.ContainsAny(s, ".eE") {
		if s == "-0" {
			return "0", nil
		}
		return s, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return "", errs.New(errs.Invalid, "the number %s is too large", s)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatInt(int64(f), 10), nil
	}
	return strconv.FormatFloat(f, 'e', -1, 64), nil
}

const hexDigits = "0123456789abcdef"

// appendText writes a string. Bytes that are no UTF-8 become U+FFFD, as in
// every other JSON.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "has a value that is no JSON")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// generic is a Go value as parse would have read it.
func generic(v any) (any, error) {
	raw, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return parse(raw)
}
