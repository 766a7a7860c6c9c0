package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
)

// Limits of input.
const (
	MaxID    = 1024 // bytes of an id or identifier; indexes of databases end soon after
	MaxDepth = 100  // levels of JSON

	// A number as 1e9999 is short here and long in a database that keeps
	// numbers as decimals: few of them would make a row that cannot be read.
	MaxExponent  = 9999
	freeExponent = 99      // digits that a number may gain without being counted
	maxGrowth    = 4 << 20 // digits that all others of a call may gain together
)

// checker checks input and mends text, remembering what it mended. A NUL or
// half a surrogate pair in a text becomes U+FFFD: a message is not lost for a
// character. In ids and keys they are refused, since two ids could become one.
type checker struct {
	warnings []string
	err      error
	growth   int // digits that numbers gain when they are written out
}

func (c *checker) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// id checks an id that must be there.
func (c *checker) id(field, s string) {
	if s == "" {
		c.fail(errs.Field(errs.Invalid, field, "must not be empty"))
		return
	}
	c.ref(field, s)
}

// ref checks an id that may be empty.
func (c *checker) ref(field, s string) {
	switch {
	case len(s) > MaxID:
		c.fail(errs.Field(errs.Invalid, field, "is longer than %d bytes", MaxID))
	case !clean(s):
		c.fail(errs.Field(errs.Invalid, field, "contains NUL or text that is not valid Unicode"))
	}
}

// clean tells whether a text is valid and free of NUL. U+FFFD counts as
// unclean: it is what JSON decoding leaves of half a surrogate pair.
func clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, 0) && !strings.ContainsRune(s, utf8.RuneError)
}

// text mends a text in place.
func (c *checker) text(field string, s *string) {
	if mended := mend(*s); mended != *s {
		*s = mended
		c.warn(field)
	}
}

func (c *checker) warn(field string) {
	c.warnings = append(c.warnings, field+": NUL or text that is not valid Unicode became U+FFFD")
}

func mend(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// object replaces an object by a checked copy of its own.
func (c *checker) object(field string, o *Object) {
	if *o == nil {
		return
	}
	v, _ := c.value(field, 1, map[string]any(*o)).(map[string]any)
	*o = v
}

// raw checks a JSON value; it is replaced only where text had to be mended.
func (c *checker) raw(field string, raw *json.RawMessage) {
	if len(*raw) == 0 {
		return
	}
	if !json.Valid(*raw) {
		c.fail(errs.Field(errs.Invalid, field, "is not valid JSON"))
		return
	}
	// Most values have no escapes and are shallow, and are left as they are.
	if utf8.Valid(*raw) && !bytes.Contains(*raw, []byte(`\u`)) && !bytes.ContainsRune(*raw, utf8.RuneError) && !deep(*raw) && !farExponent(*raw) {
		return
	}
	before := len(c.warnings)
	v := c.value(field, 1, *raw)
	if len(c.warnings) > before && c.err == nil {
		*raw, _ = json.Marshal(v) // of decoded JSON: cannot fail
	}
}

// deep tells whether brackets nest beyond MaxDepth. Brackets inside strings
// count too: that only costs the slower look.
func deep(raw []byte) bool {
	level := 0
	for _, b := range raw {
		switch b {
		case '{', '[':
			if level++; level > MaxDepth {
				return true
			}
		case '}', ']':
			level--
		}
	}
	return false
}

// value returns a checked deep copy of a JSON value made of plain types. depth
// is its level if it is an object or a list; the outermost is on level 1.
func (c *checker) value(path string, depth int, v any) any {
	if c.err != nil {
		return nil
	}
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		c.text(path, &v)
		return v
	case json.Number:
		c.number(path, string(v))
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.fail(errs.Field(errs.Invalid, path, "is not a number that JSON can hold"))
			return nil
		}
		return c.other(path, depth, v)
	case Object:
		return c.members(path, depth, v)
	case map[string]any:
		return c.members(path, depth, v)
	case []any:
		if c.tooDeep(path, depth) {
			return nil
		}
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = c.value(fmt.Sprintf("%s[%d]", path, i), depth+1, item)
		}
		return list
	}
	return c.other(path, depth, v)
}

func (c *checker) number(path, n string) {
	if !json.Valid([]byte(n)) {
		c.fail(errs.Field(errs.Invalid, path, "is not a number"))
		return
	}
	at := strings.IndexAny(n, "eE")
	if at < 0 {
		return
	}
	exponent, err := strconv.Atoi(n[at+1:])
	if exponent = max(exponent, -exponent); exponent > freeExponent {
		c.growth += exponent
	}
	if err != nil || exponent > MaxExponent || c.growth > maxGrowth {
		c.fail(errs.Field(errs.Invalid, shorten(path), "is a number with too large an exponent"))
	}
}

// farExponent tells whether a number may have an exponent of three digits or
// more. Text that looks like it only costs the slower look.
func farExponent(raw []byte) bool {
	digits := -1 // seen since an e; -1 outside an exponent
	for _, b := range raw {
		switch {
		case b == 'e' || b == 'E':
			digits = 0
		case digits < 0 || digits == 0 && (b == '+' || b == '-' || b == '0'):
		case '0' <= b && b <= '9':
			if digits++; digits == 3 {
				return true
			}
		default:
			digits = -1
		}
	}
	return false
}

func (c *checker) tooDeep(path string, depth int) bool {
	if depth > MaxDepth {
		c.fail(errs.Field(errs.Invalid, shorten(path), "is nested deeper than %d levels", MaxDepth))
	}
	return depth > MaxDepth
}

func (c *checker) members(path string, depth int, v map[string]any) map[string]any {
	if c.tooDeep(path, depth) {
		return nil
	}
	members := make(map[string]any, len(v))
	for key, item := range v {
		if !clean(key) {
			c.fail(errs.Field(errs.Invalid, path, "has a key with NUL or text that is not valid Unicode"))
			return nil
		}
		members[key] = c.value(path+"."+key, depth+1, item)
	}
	return members
}

// other brings any Go value into plain JSON types by way of its JSON.
func (c *checker) other(path string, depth int, v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		c.fail(errs.Field(errs.Invalid, path, "cannot be written as JSON"))
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		c.fail(errs.Field(errs.Invalid, path, "is not valid JSON"))
		return nil
	}
	return c.value(path, depth, plain)
}

// extra replaces keys this version does not know by a checked copy.
func (c *checker) extra(extra *map[string]json.RawMessage) {
	if *extra == nil {
		return
	}
	own := make(map[string]json.RawMessage, len(*extra))
	for key, raw := range *extra {
		if !clean(key) || len(key) > MaxID {
			c.fail(errs.Field(errs.Invalid, "", "has a key with NUL, invalid Unicode or over %d bytes", MaxID))
			return
		}
		c.raw(key, &raw)
		own[key] = raw
	}
	*extra = own
}

func (c *checker) tags(field string, tags *[]string) {
	if *tags == nil {
		return
	}
	own := make([]string, len(*tags))
	for i, tag := range *tags {
		c.text(field, &tag)
		own[i] = tag
	}
	*tags = own
}

// fields checks all known fields of a noun; ids names those that are ids.
func fields[T any](c *checker, fs []Field[T], v *T, ids map[string]bool) {
	for _, f := range fs {
		switch p := f.At(v).(type) {
		case *string:
			if ids[f.Key] {
				c.ref(f.Key, *p)
			} else {
				c.text(f.Key, p)
			}
		case *ShowInput:
			c.text(f.Key, (*string)(p))
		case *[]string:
			c.tags(f.Key, p)
		case *Object:
			c.object(f.Key, p)
		case *json.RawMessage:
			c.raw(f.Key, p)
		}
	}
}

// shorten keeps a path readable: a depth bomb has a long one.
func shorten(path string) string {
	if len(path) <= 80 {
		return path
	}
	return path[:40] + "…" + path[len(path)-30:]
}
