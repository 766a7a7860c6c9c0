package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/varvedb/varve/errs"
)

// UnmarshalJSON reads an object and keeps its numbers as they are written.
func (o *Object) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode((*map[string]any)(o))
}

// UnmarshalJSON takes a boolean, a string or null.
func (s *ShowInput) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "null":
		return nil
	case "true", "false":
		*s = ShowInput(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(s))
}

// MarshalJSON gives true, false, the language name, or null.
func (s ShowInput) MarshalJSON() ([]byte, error) {
	switch s {
	case "", "none":
		return []byte("null"), nil
	case "true", "false":
		return []byte(s), nil
	}
	return json.Marshal(string(s))
}

// MarshalJSON gives every known key, then the unknown ones in order.
func (s Step) MarshalJSON() ([]byte, error) {
	feedback, err := json.Marshal(s.Feedback)
	if err != nil {
		return nil, err
	}
	return encode(stepFields, &s, s.Extra, func(b *bytes.Buffer) {
		b.WriteString(`,"feedback":`)
		b.Write(feedback)
	})
}

// UnmarshalJSON takes what MarshalJSON gives, and what Chainlit sends. Keys of
// a wrong type are errs.Invalid and named.
func (s *Step) UnmarshalJSON(raw []byte) error {
	extra, err := decode(stepFields, s, raw)
	if err != nil {
		return err
	}
	if fb, ok := extra["feedback"]; ok {
		delete(extra, "feedback")
		// Steps that were read from another layer carry their feedback along.
		// It is not written this way, so what cannot be read is left out.
		var f Feedback
		if json.Unmarshal(fb, &f) == nil && f.ForID != "" {
			s.Feedback = &f
		}
	}
	s.Extra = extra
	return nil
}

// MarshalJSON gives every known key, then the unknown ones in order.
func (e Element) MarshalJSON() ([]byte, error) {
	return encode(elementFields, &e, e.Extra, nil)
}

// UnmarshalJSON takes what MarshalJSON gives, and what Chainlit sends.
func (e *Element) UnmarshalJSON(raw []byte) (err error) {
	e.Extra, err = decode(elementFields, e, raw)
	return err
}

// MarshalJSON gives Chainlit's PersistedUser.
func (u User) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID          string  `json:"id"`
		CreatedAt   string  `json:"createdAt"`
		Identifier  string  `json:"identifier"`
		DisplayName *string `json:"display_name"`
		Metadata    Object  `json:"metadata"`
	}{u.ID, u.CreatedAt, u.Identifier, null(u.DisplayName), u.Metadata})
}

type threadJSON struct {
	ID              string     `json:"id"`
	CreatedAt       *string    `json:"createdAt"`
	ThreadCreatedAt *string    `json:"threadCreatedAt"`
	Name            *string    `json:"name"`
	UserID          *string    `json:"userId"`
	UserIdentifier  *string    `json:"userIdentifier"`
	Tags            []string   `json:"tags"`
	Metadata        Object     `json:"metadata"`
	Steps           []Step     `json:"steps"`
	Elements        []Element  `json:"elements"`
	Loose           []Feedback `json:"looseFeedback,omitempty"`
}

// MarshalJSON gives Chainlit's ThreadDict and threadCreatedAt.
func (t Thread) MarshalJSON() ([]byte, error) {
	j := threadJSON{ID: t.ID, CreatedAt: null(t.CreatedAt), ThreadCreatedAt: null(t.ThreadCreatedAt),
		Name: null(t.Name), UserID: null(t.UserID), UserIdentifier: null(t.UserIdentifier),
		Tags: t.Tags, Metadata: t.Metadata, Steps: t.Steps, Elements: t.Elements, Loose: t.Loose}
	if j.Metadata == nil {
		j.Metadata = Object{}
	}
	if j.Steps == nil {
		j.Steps = []Step{}
	}
	if j.Elements == nil {
		j.Elements = []Element{}
	}
	return json.Marshal(j)
}

// UnmarshalJSON takes what MarshalJSON gives.
func (t *Thread) UnmarshalJSON(raw []byte) error {
	var j threadJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return wrongType(err, "thread")
	}
	*t = Thread{ID: j.ID, CreatedAt: text(j.CreatedAt), ThreadCreatedAt: text(j.ThreadCreatedAt),
		Name: text(j.Name), UserID: text(j.UserID), UserIdentifier: text(j.UserIdentifier),
		Tags: j.Tags, Metadata: j.Metadata, Steps: j.Steps, Elements: j.Elements, Loose: j.Loose}
	return nil
}

func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func encode[T any](fields []Field[T], v *T, extra map[string]json.RawMessage, more func(*bytes.Buffer)) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(f.Key)
		b.WriteString(`":`)
		if err := encodeField(&b, f.At(v), f.Always); err != nil {
			return nil, err
		}
	}
	if more != nil {
		more(&b)
	}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		b.WriteByte(',')
		b.Write(name)
		b.WriteByte(':')
		b.Write(extra[key])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func encodeField(b *bytes.Buffer, p any, always bool) error {
	o, isObject := p.(*Object)
	switch {
	case isObject && *o == nil && always:
		b.WriteString("{}")
		return nil
	case !isObject && !always && isZero(p):
		b.WriteString("null")
		return nil
	}
	if text, ok := p.(*string); ok && plainText(*text) {
		b.WriteByte('"')
		b.WriteString(*text)
		b.WriteByte('"')
		return nil
	}
	raw, err := json.Marshal(p)
	b.Write(raw)
	return err
}

// decode fills the known fields and returns the others. Null says nothing, and
// of a key that is there twice the last one counts.
func decode[T any](fields []Field[T], v *T, raw []byte) (map[string]json.RawMessage, error) {
	values := make([][]byte, len(fields))
	var extra map[string]json.RawMessage
	err := members(raw, func(key string, value []byte) {
		for i := range fields {
			if fields[i].Key == key {
				values[i] = value
				return
			}
		}
		if extra == nil {
			extra = map[string]json.RawMessage{}
		}
		extra[key] = bytes.Clone(value)
	})
	if err != nil {
		return nil, wrongType(err, "")
	}
	for i, value := range values {
		if value == nil || string(value) == "null" {
			continue
		}
		if err := decodeField(value, fields[i].At(v)); err != nil {
			return nil, wrongType(err, fields[i].Key)
		}
	}
	maps.DeleteFunc(extra, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	if len(extra) == 0 {
		return nil, nil
	}
	return extra, nil
}

// wrongType names the field without quoting its value.
func wrongType(err error, field string) error {
	var e *errs.Error
	if errors.As(err, &e) {
		return err
	}
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		if field == "" || t.Field != "" {
			field = t.Field
		}
		return errs.Field(errs.Invalid, field, "is a %s and should be a %s", t.Value, jsonType(t.Type.Kind().String()))
	}
	return errs.Field(errs.Invalid, field, "is not valid JSON")
}

func jsonType(kind string) string {
	switch kind {
	case "map", "struct":
		return "object"
	case "slice":
		return "list"
	case "bool":
		return "boolean"
	case "int", "int64":
		return "whole number"
	}
	return kind
}
