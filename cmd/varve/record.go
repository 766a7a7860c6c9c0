package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/state"
)

// idxForm is how dkdc writes the time of a version, its idx.
const idxForm = "2006-01-02 15:04:05.000000"

// record is a version of a row as commands print it: idx, the fields under
// their names, and what is Varve's own with an underscore before it.
type record struct {
	state.Meta
	fields any
}

func recordOf[T any](r state.RecordOf[T]) record { return record{r.Meta, r.Value} }

func recordsOf[T any](list []state.RecordOf[T]) []record {
	out := make([]record, len(list))
	for i, r := range list {
		out[i] = recordOf(r)
	}
	return out
}

// MarshalJSON implements json.Marshaler.
func (r record) MarshalJSON() ([]byte, error) {
	var out []byte
	for _, part := range []any{
		struct {
			Idx string `json:"idx"`
		}{r.At.UTC().Format(idxForm)},
		r.fields,
		struct {
			Seq     int64    `json:"_seq"`
			Version int64    `json:"_version"`
			Op      state.Op `json:"_op"`
			Actor   string   `json:"_actor"`
		}{r.Seq, r.Version, r.Op, r.Actor},
	} {
		var b bytes.Buffer
		if err := writeJSON(&b, part); err != nil {
			return nil, err
		}
		raw := bytes.TrimSpace(b.Bytes())
		if len(out) > 0 {
			out, raw = append(out[:len(out)-1], ','), raw[1:]
		}
		out = append(out, raw...)
	}
	return out, nil
}

// ago is how long something is past, for people; now is a matter of seconds.
func ago(now, at time.Time) string {
	switch d := now.Sub(at); {
	case d < 10*time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	case d < 7*24*time.Hour:
		return fmt.Sprintf("%d d ago", d/(24*time.Hour))
	}
	return at.Local().Format(time.DateOnly)
}

// changed tells which fields differ from the version before, and what they are
// now.
func changed(now, before any) (string, error) {
	var a, b map[string]json.RawMessage
	if err := errors.Join(members(now, &a), members(before, &b)); err != nil {
		return "", err
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if string(a[name]) != string(b[name]) {
			list = append(list, name+" "+short(string(a[name]), 40))
		}
	}
	return strings.Join(list, ", "), nil
}

func members(v any, to *map[string]json.RawMessage) error {
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return err
	}
	return json.Unmarshal(b.Bytes(), to)
}
