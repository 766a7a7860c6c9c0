package sqlcore

import (
	"encoding/json"
	"maps"

	"github.com/varvedb/varve/chat"
)

// Names are the columns that [Mapping.Values] fills, in their order.
func (m Mapping[T]) Names() []string {
	var names []string
	for _, f := range m.Fields {
		names = append(names, f.Column.Name)
	}
	if m.Extra {
		names = append(names, ExtraColumn)
	}
	return names
}

// Values are the values of a whole row.
func (m Mapping[T]) Values(v *T, extra map[string]json.RawMessage) []any {
	values := make([]any, 0, len(m.Fields)+1)
	for _, f := range m.Fields {
		values = append(values, Encode(f.At(v), f.Column))
	}
	if !m.Extra {
		return values
	}
	if len(extra) == 0 {
		return append(values, nil)
	}
	return append(values, Extra(extra))
}

// set replaces the value of a column by name.
func (m Mapping[T]) set(values []any, name string, value any) {
	for i, f := range m.Fields {
		if f.Column.Name == name {
			values[i] = value
		}
	}
}

// StepRow is the whole row of a step. What has no column goes into its
// metadata.
func (c *Core) StepRow(s *chat.Step) []any {
	m := c.StepMap
	values := m.Values(s, s.Extra)
	metadata := s.Metadata
	if stowed := m.Stowed(s, s.Extra); stowed != nil {
		metadata = maps.Clone(metadata)
		if metadata == nil {
			metadata = chat.Object{}
		}
		metadata[PrivateKey] = stowed
		m.set(values, "metadata", string(AppendJSON(nil, metadata)))
	} else if len(metadata) == 0 {
		m.set(values, "metadata", "{}")
	}
	if len(s.Generation) == 0 {
		m.set(values, "generation", Generation(s.Type))
	}
	return values
}

// ThreadValues is the whole row of a thread.
func (c *Core) ThreadValues(t *chat.Thread) []any {
	values := c.ThreadMap.Values(t, nil)
	if len(t.Metadata) == 0 {
		c.ThreadMap.set(values, "metadata", "{}")
	}
	return values
}
