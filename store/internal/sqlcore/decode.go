package sqlcore

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/varvedb/varve/chat"
)

// Decode reads the text of a column into the field that p points to. It takes
// every form that Chainlit's layers and their users have written: JSON as
// itself, as text, encoded twice, or null; booleans as words or digits; lists
// as JSON or as an array literal. What cannot be read leaves the field as it
// is: one bad value must not hide a conversation.
func Decode(p any, text string) {
	switch p := p.(type) {
	case *string:
		*p = text
	case *chat.ShowInput:
		*p = chat.ShowInput(text)
	case **bool:
		if b, ok := decodeBool(text); ok {
			*p = &b
		}
	case **int64:
		if n, ok := decodeInt(text); ok {
			*p = &n
		}
	case *[]string:
		if list, ok := decodeList(text); ok {
			*p = list
		}
	case *chat.Object:
		if o, ok := decodeObject(text); ok {
			*p = o
		}
	case *json.RawMessage:
		if raw, ok := decodeRaw(text); ok {
			*p = raw
		}
	}
}

func decodeBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "1", "t", "true", "1.0":
		return true, true
	case "0", "f", "false", "0.0":
		return false, true
	}
	return false, false
}

func decodeInt(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	return int64(f), err == nil && f == float64(int64(f))
}

func decodeObject(text string) (chat.Object, bool) {
	text = strings.TrimSpace(text)
	if text == "{}" {
		return chat.Object{}, true
	}
	if strings.HasPrefix(text, "{") { // as itself, which is nearly always
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var o chat.Object
		if d.Decode((*map[string]any)(&o)) != nil || d.InputOffset() != int64(len(text)) {
			return nil, false
		}
		return o, true
	}
	raw, ok := decodeRaw(text)
	if !ok || raw[0] != '{' {
		return nil, false
	}
	var o chat.Object
	if json.Unmarshal(raw, &o) != nil {
		return nil, false
	}
	return o, true
}

// decodeRaw returns the JSON value that a text holds, unwrapped where it was
// encoded more than once; false for null and for what is no JSON.
func decodeRaw(text string) (json.RawMessage, bool) {
	raw := json.RawMessage(strings.TrimSpace(text))
	for range 3 {
		if len(raw) == 0 || string(raw) == "null" {
			return nil, false
		}
		if raw[0] != '"' {
			break
		}
		var inner string
		if json.Unmarshal(raw, &inner) != nil {
			return nil, false
		}
		trimmed := strings.TrimSpace(inner)
		if trimmed == "" || !strings.Contains(`{["n`, trimmed[:1]) || !json.Valid([]byte(trimmed)) {
			break // a plain string
		}
		raw = json.RawMessage(trimmed)
	}
	return raw, json.Valid(raw)
}

func decodeList(text string) ([]string, bool) {
	text = strings.TrimSpace(text)
	if list, ok := decodeLiteral(text); ok {
		return list, true
	}
	raw, ok := decodeRaw(text)
	if !ok || raw[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var items []any
	if d.Decode(&items) != nil {
		return nil, false
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		switch item := item.(type) {
		case string:
			list = append(list, item)
		case json.Number:
			list = append(list, item.String())
		}
	}
	return list, true
}

// decodeLiteral reads an array literal of PostgreSQL: {a,"b c",NULL}.
func decodeLiteral(text string) ([]string, bool) {
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return nil, false
	}
	list := []string{}
	for rest := text[1 : len(text)-1]; rest != ""; {
		item, quoted, after, ok := literalItem(rest)
		if !ok {
			return nil, false
		}
		if quoted || !strings.EqualFold(item, "NULL") {
			list = append(list, item)
		}
		rest = after
	}
	return list, true
}

// literalSpace is what PostgreSQL takes for blanks around an item, and therefore
// quotes in one; it does neither with other blanks of Unicode, nor with a colon.
const literalSpace = " \t\n\r\v\f"

// literalItem cuts the first item off an array literal's inside.
func literalItem(s string) (item string, quoted bool, rest string, ok bool) {
	if s[0] != '"' {
		item, rest, _ = strings.Cut(s, ",")
		return strings.Trim(item, literalSpace), false, rest, !strings.ContainsAny(item, `{}"`)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			rest = s[i+1:]
			if rest == "" {
				return b.String(), true, "", true
			}
			return b.String(), true, rest[1:], rest[0] == ','
		default:
			b.WriteByte(s[i])
		}
	}
	return "", true, "", false
}
