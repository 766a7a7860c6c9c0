package chat

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"testing"
)

// reference is decode by way of encoding/json alone.
func reference[T any](fields []Field[T], v *T, raw []byte) (map[string]json.RawMessage, bool) {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil, false
	}
	maps.DeleteFunc(all, func(_ string, value json.RawMessage) bool { return bytes.Equal(value, []byte("null")) })
	for _, f := range fields {
		if value, ok := all[f.Key]; ok {
			if json.Unmarshal(value, f.At(v)) != nil {
				return nil, false
			}
			delete(all, f.Key)
		}
	}
	if len(all) == 0 {
		all = nil
	}
	return all, true
}

// FuzzDecodeStep holds decoding to what encoding/json makes of the same text,
// and encoding to be read back.
func FuzzDecodeStep(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { } `, `null`, `[]`, `"x"`, `7`, `{`, ``, `{"id":"a","id":"b"}`, `{"id":"a","id":null}`,
		`{"id":"a\"b\\","name":"ü\u00fc\ud83d\ude00","output":"\ud800","input":"<&>"}`,
		`{"metadata":{"a":1,"b":[{}]},"metadata":{"c":9007199254740993}}`, `{"metadata":[]}`, `{"metadata":7}`,
		"{\n\t\"showInput\" : \"json\" , \"streaming\":true,\"isError\":false,\"waitForAnswer\":1 }\r\n", `{"showInput":false}`,
		`{"tags":["a","b"],"modes":{"x":"y"},"generation":[1, 2],"extra":{"k" : [ ] },"\u0069d":"i","n":-1.5e+9}`,
		`{"tags":"a"}`, `{"id":7}`, `{"id":{"a":"}"}}`, `{"feedback":{"forId":"s","value":1}}`, "{\"id\":\"\xff\"}", "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want Step
		extra, err := decode(stepFields, &got, bytes.Clone(raw))
		wantExtra, ok := reference(stepFields, &want, raw)
		if (err == nil) != ok {
			t.Fatalf("error %v, encoding/json takes it: %v", err, ok)
		}
		if !ok {
			return
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(extra, wantExtra) {
			t.Fatalf("differs\n got %+v %s\nwant %+v %s", got, extra, want, wantExtra)
		}
		got.Extra = extra
		delete(got.Extra, "feedback")
		out, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var back Step
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
