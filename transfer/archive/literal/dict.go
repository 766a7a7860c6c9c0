package literal

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// dict is a Python dictionary whose keys are taken one by one; what nobody took
// is kept.
type dict struct {
	path   string // for errors
	values map[string]json.RawMessage
	err    error
}

func newDict(path string, raw json.RawMessage) *dict {
	d := &dict{path: path}
	if err := json.Unmarshal(raw, &d.values); err != nil || d.values == nil {
		d.err = errs.Field(errs.Invalid, path, "is %s and should be an object", typeOf(raw))
	}
	for key, v := range d.values {
		if isNull(v) {
			delete(d.values, key)
		}
	}
	return d
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// typeOf says what a JSON value is.
func typeOf(raw json.RawMessage) string {
	switch raw = bytes.TrimSpace(raw); {
	case isNull(raw):
		return "null"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "a list"
	case raw[0] == '"':
		return "a text"
	case raw[0] == 't', raw[0] == 'f':
		return "a boolean"
	}
	return "a number"
}

// take takes a value; nil: it is missing or null.
func (d *dict) take(key string) json.RawMessage {
	raw := d.values[key]
	delete(d.values, key)
	return raw
}

// into takes a value of a type, or notes that it is of another one.
func into[T any](d *dict, key, should string) (v T) {
	raw := d.take(key)
	if isNull(raw) {
		return v
	}
	if err := json.Unmarshal(raw, &v); err != nil && d.err == nil {
		d.err = errs.Field(errs.Invalid, d.at(key), "is %s and should be %s", typeOf(raw), should)
	}
	return v
}

// ifIs takes a value if it is of a type, and leaves it there otherwise.
func ifIs[T any](d *dict, key string) (v T, ok bool) {
	raw := d.values[key]
	if isNull(raw) || json.Unmarshal(raw, &v) != nil {
		var none T
		return none, false
	}
	delete(d.values, key)
	return v, true
}

func (d *dict) at(key string) string {
	if d.path == "" {
		return key
	}
	return d.path + "." + key
}

func (d *dict) text(key string) string { return into[string](d, key, "a text") }

func (d *dict) texts(key string) []string { return into[[]string](d, key, "a list of texts") }

func (d *dict) list(key string) []json.RawMessage {
	return into[[]json.RawMessage](d, key, "a list")
}

func (d *dict) object(key string) chat.Object {
	if o := into[chat.Object](d, key, "an object"); o != nil {
		return o
	}
	return chat.Object{}
}

// keep puts a value back that has no place elsewhere.
func (d *dict) keep(key string, raw json.RawMessage) { d.values[key] = raw }

// OtherKey is the key under which metadata and elements keep what Varve has no
// place for.
const OtherKey = "literalai"

// other is what nobody took, as an object; nil: nothing.
func (d *dict) other() map[string]any {
	if len(d.values) == 0 {
		return nil
	}
	other := map[string]any{}
	for key, raw := range d.values {
		other[key] = plain(raw)
	}
	return other
}

// intoMetadata adds what nobody took, beside what is there.
func (d *dict) intoMetadata(o chat.Object) {
	other := d.other()
	if other == nil {
		return
	}
	key := OtherKey
	for _, taken := o[key]; taken; _, taken = o[key] {
		key += "_"
	}
	o[key] = other
}

// plain is a JSON value as metadata hold it.
func plain(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw) // it was decoded before: not met
	}
	return v
}
