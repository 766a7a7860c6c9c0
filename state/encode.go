package state

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// meta is what stands beside the columns in a version written as JSON.
type meta struct {
	Seq     int64     `json:"_seq"`
	Version int64     `json:"_version"`
	At      time.Time `json:"_at"`
	Op      Op        `json:"_op"`
	Actor   string    `json:"_actor"`
	Source  int64     `json:"_source,omitempty"`
	Entity  int64     `json:"_entity"`
}

// EncodeVersion writes a version as JSON: an object of its columns in their
// order, then what begins with an underscore. Bytes are base64, times RFC 3339
// in UTC.
func (t *Table) EncodeVersion(v Version) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range t.Columns {
		var value any
		if i < len(v.Values) { // a newer declaration has more
			value = v.Values[i]
		}
		if err := member(&b, c.Name, value); err != nil {
			return nil, err
		}
	}
	raw, err := datum.Encode(meta{v.Seq, v.Number, v.At, v.Op, v.Actor, v.Source, v.Entity})
	if err != nil {
		return nil, err
	}
	b.WriteByte(',')
	b.Write(raw[1:])
	return b.Bytes(), nil
}

// DecodeVersion reads what EncodeVersion of a table with these columns, or
// with more, wrote. errs.Conflict, when a column is missing or of another type.
func (t *Table) DecodeVersion(raw []byte) (Version, error) {
	var m meta
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var given map[string]json.RawMessage
	if err := d.Decode(&given); err != nil {
		return Version{}, errs.New(errs.Invalid, "a version is a JSON object")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return Version{}, errs.New(errs.Invalid, "a version lacks what begins with an underscore")
	}
	v := Version{Seq: m.Seq, At: m.At.UTC(), Entity: m.Entity, Number: m.Version, Op: m.Op, Actor: m.Actor, Source: m.Source,
		Values: make([]any, len(t.Columns))}
	for i, c := range t.Columns {
		field, ok := given[c.Name]
		if !ok {
			return Version{}, t.changed(c.Name)
		}
		var err error
		if v.Values[i], err = c.Type.decode(field); err != nil {
			return Version{}, t.changed(c.Name)
		}
	}
	return v, nil
}

func (t *Table) changed(column string) error {
	return errs.Field(errs.Conflict, column, "of the table %q was declared anew meanwhile; open the table again", t.Name)
}

// decode reads a value as it stands in JSON.
func (t Type) decode(raw json.RawMessage) (any, error) {
	if string(raw) == "null" {
		return nil, nil
	}
	if t == JSON {
		return datum.Value(string(t), raw)
	}
	v, err := datum.Decode(raw)
	if err != nil {
		return nil, err
	}
	return datum.Value(string(t), v)
}

// DecodeRow reads the values of a row from JSON: numbers stay as they are
// written, and so does what is for a column of JSON. It does not check them:
// see [Rows.Append].
func (t *Table) DecodeRow(fields map[string]json.RawMessage) (Row, error) {
	row := make(Row, len(fields))
	for name, raw := range fields {
		if i := t.column(Column{Name: name}); i >= 0 && t.Columns[i].Type == JSON {
			row[name] = raw
			continue
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, errs.Field(errs.Invalid, name, "is no JSON")
		}
		row[name] = v
	}
	return row, nil
}
