package sqlcore

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/varvedb/varve/chat"
)

func TestDecodeTakesEveryStoredForm(t *testing.T) {
	yes, no, four := true, false, int64(4)
	for _, c := range []struct {
		field any // a pointer to a new field
		text  string
		want  any
	}{
		{new(chat.Object), `{"a": 1.50}`, chat.Object{"a": json.Number("1.50")}},
		{new(chat.Object), `"{\"a\": 1}"`, chat.Object{"a": json.Number("1")}},
		{new(chat.Object), `"\"{\\\"a\\\": 1}\""`, chat.Object{"a": json.Number("1")}},
		{new(chat.Object), `null`, chat.Object(nil)},
		{new(chat.Object), `[1]`, chat.Object(nil)},
		{new(chat.Object), `{"a"`, chat.Object(nil)},
		{new(chat.Object), ``, chat.Object(nil)},
		{new(json.RawMessage), `null`, json.RawMessage(nil)},
		{new(json.RawMessage), `"null"`, json.RawMessage(nil)},
		{new(json.RawMessage), `{"a": 1}`, json.RawMessage(`{"a": 1}`)},
		{new(json.RawMessage), `"plain"`, json.RawMessage(`"plain"`)},
		{new(json.RawMessage), `"12"`, json.RawMessage(`"12"`)},
		{new(*bool), `1`, &yes},
		{new(*bool), `false`, &no},
		{new(*bool), `f`, &no},
		{new(*bool), `maybe`, (*bool)(nil)},
		{new(*int64), `4`, &four},
		{new(*int64), `4.0`, &four},
		{new(*int64), `x`, (*int64)(nil)},
		{new([]string), `["a", "b"]`, []string{"a", "b"}},
		{new([]string), `"[\"a\"]"`, []string{"a"}},
		{new([]string), `{a,"b \"c\", d",NULL,"NULL"}`, []string{"a", `b "c", d`, "NULL"}},
		{new([]string), `{env:prod, b ,"c:d"}`, []string{"env:prod", "b", "c:d"}},
		{new([]string), "{\u3000a\u00a0,\u2028}", []string{"\u3000a\u00a0", "\u2028"}},
		{new([]string), `{}`, []string{}},
		{new([]string), `[]`, []string{}},
		{new([]string), `{"a": 1}`, []string(nil)},
		{new([]string), `null`, []string(nil)},
		{new(string), `null`, "null"},
	} {
		Decode(c.field, c.text)
		if got := reflect.ValueOf(c.field).Elem().Interface(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("Decode(%T, %s) = %#v, want %#v", c.field, c.text, got, c.want)
		}
	}
}

// The expected texts were made with Python's json.dumps.
func TestJSONIsWrittenAsPythonDoes(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{chat.Object{"favorite": true}, `{"favorite": true}`},
		{chat.Object{"role": "é", "n": json.Number("1"), "f": json.Number("0.5")}, `{"f": 0.5, "n": 1, "role": "\u00e9"}`},
		{json.RawMessage(`{"k":[1,2.5],"é":null}`), `{"k": [1, 2.5], "\u00e9": null}`},
		{json.RawMessage(`{"z":"\u00E9\/","a":[ ]}`), `{"z": "\u00e9/", "a": []}`},
		{"😀\x7f\x01\n\"\\", `"\ud83d\ude00` + "\x7f" + `\u0001\n\"\\"`},
		{[]string{"a", "b"}, `["a", "b"]`},
		{chat.Object{"a": []any{nil, false, map[string]any{}}}, `{"a": [null, false, {}]}`},
		{json.RawMessage(`"a: b, c"`), `"a: b, c"`},
	} {
		if got := string(AppendJSON(nil, c.value)); got != c.want {
			t.Errorf("AppendJSON(%v) = %s, want %s", c.value, got, c.want)
		}
	}
}

func FuzzRawJSONKeepsItsMeaning(f *testing.F) {
	f.Add(`{"a":[1,"\ud83d\ude00",null],"b":{"c":"\\\""}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var before, after any
		if json.Unmarshal([]byte(raw), &before) != nil {
			return
		}
		out := AppendRaw(nil, json.RawMessage(raw))
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", raw, out, err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%q became %q", raw, out)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{a,"b`, `"\"{}\""`, `{"a":1}`, "1", "[\x00", `{"`, `{"a"b}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range []any{new(chat.Object), new(json.RawMessage), new([]string), new(*bool), new(*int64)} {
			Decode(p, text)
		}
	})
}

func TestWhatHasNoColumnIsStowedAndLifted(t *testing.T) {
	table := Table{Name: "steps", Columns: []Column{{Name: "id"}, {Name: "metadata", Kind: JSON}}}
	m := Map(table, chat.StepFields())
	in := chat.Step{ID: "s", Command: "go", IsError: chat.Ptr(false), Tags: []string{"x"}, Modes: json.RawMessage(`{"a":"b"}`),
		ShowInput: "true", Metadata: chat.Object{"mine": json.Number("1")}}
	stowed := m.Stowed(&in, map[string]json.RawMessage{"new": json.RawMessage(`[1.0]`)})
	var metadata chat.Object
	text := AppendJSON(nil, chat.Object{"mine": json.Number("1"), PrivateKey: stowed})
	if err := json.Unmarshal(text, &metadata); err != nil {
		t.Fatal(err)
	}
	out := chat.Step{ID: "s", Metadata: metadata}
	Lift(&out)
	in.Extra = map[string]json.RawMessage{"new": json.RawMessage(`[1.0]`)}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("stowed %+v, lifted %+v", in, out)
	}
}
