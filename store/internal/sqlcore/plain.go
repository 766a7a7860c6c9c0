package sqlcore

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/chat"
)

// Plain reads the text of a column of conversations as questions see it: a
// string, bool, int64 or, for JSON, compact text; nil for what says nothing.
// kind is "boolean", "integer", "list", "object", "json", "metadata", which is
// an object in any case and without what Varve keeps in it, or "stowed", which
// is that alone.
func Plain(text, kind string) any {
	switch kind {
	case "boolean":
		if b, ok := decodeBool(text); ok {
			return b
		}
	case "integer":
		if n, ok := decodeInt(text); ok {
			return n
		}
	case "list":
		if list, ok := decodeList(text); ok && len(list) > 0 {
			return compactJSON(list)
		}
	case "object":
		if o, ok := decodeObject(text); ok && len(o) > 0 {
			return compactJSON(o)
		}
	case "metadata", "stowed":
		o, _ := decodeObject(text)
		if kind == "stowed" {
			private, ok := o[PrivateKey].(map[string]any)
			if !ok {
				return nil
			}
			return compactJSON(private)
		}
		if o == nil {
			o = chat.Object{}
		}
		delete(o, PrivateKey)
		return compactJSON(o)
	case "json":
		if raw, ok := decodeRaw(text); ok && string(raw) != "{}" && string(raw) != "[]" {
			return compactJSON(raw)
		}
	}
	return nil
}

func compactJSON(v any) any {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// PlainJSON is the kind that Plain reads a column of JSON as.
func PlainJSON(column string) string {
	switch column {
	case "metadata":
		return "metadata"
	case "tags":
		return "list"
	case "props", "playerConfig", "generation":
		return "object"
	}
	return "json"
}
