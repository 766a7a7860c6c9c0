package rowquery

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/varvedb/varve/query"
)

// placed is the value at a path into JSON, of the type that the plan has for
// it; NULL where there is none.
func placed(raw json.RawMessage, ref query.Ref) any {
	for _, part := range ref.Path {
		if raw = step(raw, part); raw == nil {
			return nil
		}
	}
	if string(raw) == "null" {
		return nil
	}
	if ref.Type.Kind == query.JSON {
		return raw
	}
	switch v := decoded(raw).(type) {
	case string:
		if ref.Type.Kind == query.Text {
			return v
		}
	case float64:
		if ref.Type.Kind == query.Real {
			return v
		}
	case bool:
		if ref.Type.Kind == query.Boolean {
			return v
		}
	}
	return nil
}

// step goes one part down: into a member of an object, or an item of a list.
func step(raw json.RawMessage, part string) json.RawMessage {
	switch {
	case bytes.HasPrefix(raw, []byte("{")):
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil {
			return object[part]
		}
	case bytes.HasPrefix(raw, []byte("[")):
		var list []json.RawMessage
		n, err := strconv.Atoi(part)
		if err == nil && strconv.Itoa(n) == part && json.Unmarshal(raw, &list) == nil && n >= 0 && n < len(list) {
			return list[n]
		}
	}
	return nil
}

func decoded(raw json.RawMessage) (v any) {
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// contains tells whether a text has another in it, or a list in JSON a value.
func contains(v, with any) bool {
	if s, ok := v.(string); ok {
		return strings.Contains(s, with.(string))
	}
	list, _ := decoded(v.(json.RawMessage)).([]any)
	for _, item := range list {
		switch item.(type) {
		case string, float64, bool:
			if item == with {
				return true
			}
		}
	}
	return false
}

// matches tells whether a text is like a pattern of SQL's.
func matches(text, pattern []rune) bool {
	for len(pattern) > 0 {
		p := pattern[0]
		switch {
		case p == '%':
			for i := len(text); i >= 0; i-- {
				if matches(text[i:], pattern[1:]) {
					return true
				}
			}
			return false
		case len(text) == 0:
			return false
		case p == '\\' && len(pattern) > 1 && strings.ContainsRune(`%_\`, pattern[1]):
			if pattern = pattern[1:]; text[0] != pattern[0] {
				return false
			}
		case p != '_' && text[0] != p:
			return false
		}
		text, pattern = text[1:], pattern[1:]
	}
	return len(text) == 0
}
