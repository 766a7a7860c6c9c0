package state_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

const document = `{
  "title": "todos", "type": "object", "x-key": ["id"], "x-owner": "user_id", "required": ["id"],
  "properties": {
    "id":       {"type": "string", "minLength": 1},
    "user_id":  {"type": ["string", "null"]},
    "zeta":     {"type": "integer"},
    "alpha":    {"type": "number"},
    "body":     {"type": "string", "x-was": ["text"]},
    "done":     {"type": "boolean"},
    "due":      {"type": "string", "format": "date-time"},
    "picture":  {"type": "string", "contentEncoding": "base64"},
    "labels":   {"type": "array", "items": {"type": "string"}},
    "extra":    {"type": "object"},
    "either":   {"type": ["string", "integer"]},
    "anything": {}
  }
}`

func TestParseSchema(t *testing.T) {
	got, err := state.ParseSchema([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	want := state.Schema{Name: "todos", Key: []string{"id"}, Owner: "user_id", Columns: []state.Column{
		{Name: "id", Type: state.Text}, {Name: "user_id", Type: state.Text}, {Name: "zeta", Type: state.Integer}, {Name: "alpha", Type: state.Real},
		{Name: "body", Type: state.Text, Was: []string{"text"}}, {Name: "done", Type: state.Boolean}, {Name: "due", Type: state.Time}, {Name: "picture", Type: state.Bytes},
		{Name: "labels", Type: state.JSON}, {Name: "extra", Type: state.JSON}, {Name: "either", Type: state.JSON}, {Name: "anything", Type: state.JSON},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestParseSchemaNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ document, field string }{
		{``, ""}, {`[]`, ""}, {`{"title": 1}`, ""}, {`{} {}`, ""}, {`null`, "properties"},
		{`{"title":"t"}`, "properties"}, {`{"title":"t","properties":[]}`, "properties"}, {`{"title":"t","properties":null}`, "properties"},
		{`{"title":"t","type":"array"}`, "type"}, {`{"title":"t","properties":{"id":{"type":"string"}}}`, "key"},
		{`{"title":"t","x-key":["id"],"properties":{"id":{"type":"text"}}}`, "id"}, {`{"title":"t","x-key":["id"],"properties":{"id":1}}`, "id"},
		{`{"title":"t","x-key":["id"],"properties":{"id":{"type":1}}}`, "id"}, {`{"title":"t","x-key":["id"],"properties":{"id":{"type":"string"},"ID":{}}}`, "columns"},
		{`{"x-key":["id"],"properties":{"id":{"type":"string"}}}`, "name"}, {`{"title":"varve_x","x-key":["id"],"properties":{"id":{"type":"string"}}}`, "name"},
		{`{"title":"t","x-key":["id"],"properties":{"id":{"type":"string"},"a b":{}}}`, "columns"},
	} {
		_, err := state.ParseSchema([]byte(c.document))
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != errs.Invalid || e.Field != c.field {
			t.Errorf("%s: got %v, want invalid about %q", c.document, err, c.field)
		}
	}
	if _, err := state.ParseSchema([]byte(strings.Repeat(" ", 1<<20+1))); !errors.Is(err, errs.TooLarge) {
		t.Error(err)
	}
}

// Whatever is parsed can be declared, and is the same the second time.
func FuzzParseSchema(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(`{"title":"order","x-key":["a","b"],"properties":{"a":{"type":["null","integer"]},"b":{"type":"string"},"c":{"type":[]}}}`))
	f.Add([]byte(`{"title":"t","x-key":["\u0061"],"properties":{"a":{"type":"string","x-was":["b","b"]},"B":{"type":"integer","x-was":["a"]}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := state.ParseSchema(raw)
		if err != nil {
			if k := errs.KindOf(err); k != errs.Invalid && k != errs.TooLarge {
				t.Fatalf("kind %s: %v", k, err)
			}
			return
		}
		db := memory.Open().State()
		first, err := db.Declare(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		second, err := db.Declare(t.Context(), s)
		if k := errs.KindOf(err); k == errs.Conflict {
			return // former names that mean another column
		}
		if err != nil || len(second.Columns) < len(first.Columns) {
			t.Fatalf("declared again: %v, %v", second, err)
		}
	})
}

// A value is refused, or comes back in the type of its column and is the same
// when it is given again.
func FuzzValues(f *testing.F) {
	for _, s := range []string{``, `null`, `"a"`, `"\u0000"`, `1`, `1.0`, `1e400`, `-0`, `9223372036854775807`, `true`, `[1.50, "\ud83d\ude00"]`, `{"a":{"b":[null]}}`, `"2026-01-01T00:00:00Z"`, `"AAE="`, "\xff"} {
		f.Add(s, int64(1), 0.5)
	}
	types := []state.Type{state.Text, state.Integer, state.Real, state.Boolean, state.Time, state.Bytes, state.JSON}
	schema := state.Schema{Name: "t", Key: []string{"id"}, Columns: []state.Column{{Name: "id", Type: state.Integer}}}
	for _, typ := range types {
		schema.Columns = append(schema.Columns, state.Column{Name: "c" + string(typ), Type: typ})
	}
	f.Fuzz(func(t *testing.T, s string, n int64, x float64) {
		db := state.NewService(memory.Open().State(), state.Options{})
		rows, err := db.Declare(t.Context(), schema)
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range types {
			for _, given := range []any{s, n, x, []byte(s), json.RawMessage(s), json.Number(s), []any{s, n}, map[string]any{s: x}} {
				name := "c" + string(typ)
				got, err := rows.Put(t.Context(), state.Row{"id": 1, name: given})
				if err != nil {
					if k := errs.KindOf(err); k != errs.Invalid && k != errs.TooLarge {
						t.Fatalf("%s, %T: %v", typ, given, err)
					}
					continue
				}
				again, err := rows.Put(t.Context(), state.Row{"id": 1, name: got.Row[name]})
				if err != nil || !cmp.Equal(again.Row[name], got.Row[name]) {
					t.Fatalf("%s, %T %v: %#v, then %#v, %v", typ, given, given, got.Row[name], again.Row[name], err)
				}
				if _, err := json.Marshal(got); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// Keys that differ have texts that differ.
func FuzzKeys(f *testing.F) {
	f.Add("a", "b", int64(1), "a", "b", int64(1))
	f.Add(`a","b`, "", int64(1), "a", `b",""`, int64(1))
	f.Fuzz(func(t *testing.T, a1, b1 string, n1 int64, a2, b2 string, n2 int64) {
		table := state.Table{Schema: state.Schema{Key: []string{"a", "b", "n"}}}
		one, err1 := table.KeyOf([]any{a1, b1, n1})
		two, err2 := table.KeyOf([]any{a2, b2, n2})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		valid := strings.ToValidUTF8(a1+b1+a2+b2, "") == a1+b1+a2+b2
		if same := a1 == a2 && b1 == b2 && n1 == n2; valid && same != (one == two) {
			t.Fatalf("%q and %q", one, two)
		}
		if null, err := table.KeyOf([]any{nil, b1, n1}); err != nil || null == one {
			t.Fatalf("NULL is as %q", a1)
		}
	})
}
