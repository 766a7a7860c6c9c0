package sqlcore

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/chat"
)

// Bound is a field of a noun with the column that keeps it.
type Bound[T any] struct {
	chat.Field[T]
	Column Column
}

// Mapping says which field of a T is in which column of a table.
type Mapping[T any] struct {
	Fields   []Bound[T]      // in the order of the fields
	Homeless []chat.Field[T] // fields without a column
	Fill     []Column        // columns that no field fills and that refuse NULL
	Extra    bool            // the table has ExtraColumn
}

// Map binds fields to the columns of the same name.
func Map[T any](t Table, fields []chat.Field[T]) Mapping[T] {
	m := Mapping[T]{Extra: t.Has(ExtraColumn)}
	known := map[string]bool{ExtraColumn: true, ActivityColumn: true}
	for _, f := range fields {
		known[f.Key] = true
		if c, ok := t.Column(f.Key); ok {
			m.Fields = append(m.Fields, Bound[T]{f, c})
		} else {
			m.Homeless = append(m.Homeless, f)
		}
	}
	for _, c := range t.Columns {
		if c.NotNull && !c.Default && !known[c.Name] {
			m.Fill = append(m.Fill, c)
		}
	}
	return m
}

// Select lists the expressions that Scan reads, for a table under an alias.
func (m Mapping[T]) Select(d Dialect, alias string) string {
	var b bytes.Buffer
	for i, f := range m.Fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(d.read(alias, f.Column))
	}
	if m.Extra {
		b.WriteByte(',')
		b.WriteString(d.read(alias, Column{Name: ExtraColumn, Kind: Text}))
	}
	return b.String()
}

// Width is the number of expressions in Select.
func (m Mapping[T]) Width() int {
	if m.Extra {
		return len(m.Fields) + 1
	}
	return len(m.Fields)
}

// Scan reads a row of Select, whose first expression is column at, into v, and
// returns the keys that no field of T has.
func (m Mapping[T]) Scan(r Row, at int, v *T) map[string]json.RawMessage {
	for i, f := range m.Fields {
		if text, ok := r.Text(at + i); ok {
			Decode(f.At(v), text)
		}
	}
	if !m.Extra {
		return nil
	}
	text, ok := r.Text(at + len(m.Fields))
	if !ok {
		return nil
	}
	return DecodeExtra(text)
}

// DecodeExtra reads the text of an ExtraColumn, nil when it says nothing.
func DecodeExtra(text string) map[string]json.RawMessage {
	var extra map[string]json.RawMessage
	if text == "" || json.Unmarshal([]byte(text), &extra) != nil || len(extra) == 0 {
		return nil
	}
	return extra
}

// Lift takes the keys that Stow put under PrivateKey out of a step's metadata:
// known fields to their places unless a column filled them, others to Extra.
func Lift(s *chat.Step) {
	private, ok := s.Metadata[PrivateKey].(map[string]any)
	if !ok {
		return
	}
	delete(s.Metadata, PrivateKey)
	for _, f := range chat.StepFields() {
		value, ok := private[f.Key]
		if !ok {
			continue
		}
		delete(private, f.Key)
		if p := f.At(s); Empty(p) {
			raw, _ := json.Marshal(value) // of decoded JSON: cannot fail
			_ = json.Unmarshal(raw, p)    // a value of a wrong type says nothing
		}
	}
	for key, value := range private {
		if _, has := s.Extra[key]; has {
			continue
		}
		if s.Extra == nil {
			s.Extra = map[string]json.RawMessage{}
		}
		s.Extra[key], _ = json.Marshal(value)
	}
}

// Stowed is what Stow keeps in a step's metadata: what the step says in fields
// without a column, and unknown keys when there is no column for them.
func (m Mapping[T]) Stowed(v *T, extra map[string]json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	put := func(key string, raw json.RawMessage) {
		if out == nil {
			out = map[string]json.RawMessage{}
		}
		out[key] = raw
	}
	if !m.Extra {
		for key, raw := range extra {
			put(key, raw)
		}
	}
	for _, f := range m.Homeless {
		if p := f.At(v); !Empty(p) {
			if raw, err := json.Marshal(p); err == nil {
				put(f.Key, raw)
			}
		}
	}
	return out
}

// Empty tells whether the field that p points to says nothing.
func Empty(p any) bool {
	switch p := p.(type) {
	case *string:
		return *p == ""
	case *chat.ShowInput:
		return *p == ""
	case **bool:
		return *p == nil
	case **int64:
		return *p == nil
	case *[]string:
		return *p == nil
	case *chat.Object:
		return len(*p) == 0
	case *json.RawMessage:
		return len(*p) == 0
	}
	return true
}
