package sqlcore

import (
	"encoding/json"
	"strings"

	"github.com/varvedb/varve/chat"
)

// Encode gives the value of the field that p points to for a column: nil, a
// string, a bool, an int64 or, for a List column, a []string. JSON is text in
// the form of [AppendJSON]. A field that says nothing is NULL, or the zero
// value of the column where NULL is refused.
func Encode(p any, c Column) any {
	if Empty(p) {
		if c.NotNull {
			return Zero(c)
		}
		return nil
	}
	switch p := p.(type) {
	case *string:
		return *p
	case *chat.ShowInput:
		return strings.ToLower(string(*p))
	case **bool:
		return encodeBool(**p, c)
	case **int64:
		return **p
	case *[]string:
		if c.Kind == List {
			return *p
		}
		return string(AppendJSON(nil, *p))
	case *chat.Object:
		return string(AppendJSON(nil, *p))
	case *json.RawMessage:
		return string(AppendRaw(nil, *p))
	}
	return nil
}

func encodeBool(b bool, c Column) any {
	switch c.Kind {
	case Bool:
		return b
	case Int:
		if b {
			return int64(1)
		}
		return int64(0)
	}
	if b {
		return "true"
	}
	return "false"
}

// Zero is the value for a column that refuses NULL and has nothing to hold.
func Zero(c Column) any {
	switch c.Kind {
	case Bool:
		return false
	case Int:
		return int64(0)
	case JSON:
		return "{}"
	case List:
		return []string{}
	}
	return ""
}

// Generation is what Chainlit's layer writes for a step without one: an empty
// object for messages, JSON null for the others.
func Generation(stepType string) string {
	if strings.Contains(stepType, "message") {
		return "{}"
	}
	return "null"
}
