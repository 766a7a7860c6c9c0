package state

import (
	"bytes"
	"encoding/json"
	"github.com/varvedb/varve/internal/datum"
	"time"
)

// Row is a row by the names of its columns. What a value is for each type of
// column says [Type]; what may be given for it, [Rows.Append]. nil is NULL.
type Row map[string]any

// Meta is what a table knows about a version of a row.
type Meta struct {
	Seq     int64     // its position in the table
	Version int64     // its number in its row, from 1
	At      time.Time // when it was written, UTC
	Op      Op
	Actor   string // who wrote it, "" when unknown
	Source  int64  // of a restore: the version whose values these are
}

// Record is one version of a row.
type Record struct {
	Meta
	Row     Row      // every column; of a deletion the key and the owner, else NULL
	Columns []string // the names of the columns in their order
}

// MarshalJSON gives the columns in their order, then what begins with an
// underscore: _seq, _version, _at, _op, _actor.
func (r Record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range r.Columns {
		if err := member(&b, name, r.Row[name]); err != nil {
			return nil, err
		}
	}
	for _, m := range []struct {
		name  string
		value any
	}{{"_seq", r.Seq}, {"_version", r.Version}, {"_at", r.At}, {"_op", r.Op}, {"_actor", r.Actor}} {
		if err := member(&b, m.name, m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func member(b *bytes.Buffer, name string, value any) error {
	if b.Len() > 1 {
		b.WriteByte(',')
	}
	for i, part := range []any{name, value} {
		raw, err := datum.Encode(part)
		if err != nil {
			return err
		}
		b.Write(raw)
		if i == 0 {
			b.WriteByte(':')
		}
	}
	return nil
}

// record names the values of a version.
func (t *Table) record(v Version) Record {
	r := Record{
		Meta:    Meta{Seq: v.Seq, Version: v.Number, At: v.At, Op: v.Op, Actor: v.Actor, Source: v.Source},
		Row:     make(Row, len(t.Columns)),
		Columns: make([]string, len(t.Columns)),
	}
	for i, c := range t.Columns {
		r.Columns[i], r.Row[c.Name] = c.Name, nil
		if i < len(v.Values) { // a declaration newer than the version has more
			r.Row[c.Name] = v.Values[i]
		}
	}
	return r
}

// Describes tells whether a version, as a store's write returned it, is one of
// this Table and not of a newer one.
func (t *Table) Describes(v Version) bool {
	if len(v.Values) != len(t.Columns) {
		return false
	}
	for i, value := range v.Values {
		if value != nil && !t.Columns[i].Type.holds(value) {
			return false
		}
	}
	return true
}

func (t Type) holds(v any) bool {
	var ok bool
	switch t {
	case Text:
		_, ok = v.(string)
	case Integer:
		_, ok = v.(int64)
	case Real:
		_, ok = v.(float64)
	case Boolean:
		_, ok = v.(bool)
	case Time:
		_, ok = v.(time.Time)
	case Bytes:
		_, ok = v.([]byte)
	case JSON:
		_, ok = v.(json.RawMessage)
	}
	return ok
}
