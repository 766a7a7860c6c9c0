package yaml

import (
	"errors"
	"strings"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

func TestAFileHoldsSeveralDocuments(t *testing.T) {
	got, err := Read(strings.NewReader(`
# a model, then a list
type_id: model
identifier: words
config: {n: 0x10, big: 123456789012345678901234567890, rate: 1.50, small: .5, day: 2024-01-02, yes: "no", on: yes, none: ~, off: false}
artifacts:
  raw: !!binary AP8=
  text: |
    two
    lines
---
- &vector {type_id: datatype, identifier: v, type: "vector[3]"}
- {type_id: model, identifier: m, datatype: *vector}
---
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"artifacts":{"raw":{"base64":"AP8="},"text":"two\nlines\n"},"config":{"big":123456789012345678901234567890,"day":"2024-01-02","n":16,"none":null,"off":false,"on":"yes","rate":1.5e+00,"small":5e-01,"yes":"no"},"identifier":"words","type_id":"model"}`,
		`{"identifier":"v","type":"vector[3]","type_id":"datatype"}`,
		`{"datatype":{"identifier":"v","type":"vector[3]","type_id":"datatype"},"identifier":"m","type_id":"model"}`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d components", len(got))
	}
	for i, c := range got {
		raw, err := component.Encode(c)
		if err != nil || string(raw) != want[i] {
			t.Errorf("%v\ngot  %s\nwant %s", err, raw, want[i])
		}
	}
}

func TestBadFilesAreNamedExactly(t *testing.T) {
	bomb := "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ",") + "]\n"
	}
	for text, want := range map[string]struct {
		kind        errs.Kind
		field, says string
	}{
		"type_id: model\nidentifier: m\nwat: 1\n":               {errs.Invalid, "wat", "document 1"},
		"type_id: model\nidentifier: m\n---\n[{identifier: x}]": {errs.Invalid, "type_id", "document 2"},
		"type_id: model\nidentifier: m\nidentifier: n\n":        {errs.Invalid, "", "line 3"},
		"type_id: model\nidentifier: m\nconfig: {a: .inf}":      {errs.Invalid, "", "line 3"},
		"type_id: model\nconfig:\n  <<: {a: 1}\n":               {errs.Invalid, "", "line 3"},
		"type_id: [":   {errs.Invalid, "", "no YAML"},
		"just a text":  {errs.Invalid, "", "document 1"},
		bomb:           {errs.TooLarge, "", "values"},
		"? [a]\n: 1\n": {errs.Invalid, "", "line 1"},
		"x: " + strings.Repeat("[", 200) + strings.Repeat("]", 200): {errs.Invalid, "", "deep"},
	} {
		_, err := Read(strings.NewReader(text))
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != want.kind || e.Field != want.field || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%.60q: got %v, want %s about %q, saying %q", text, err, want.kind, want.field, want.says)
		}
	}
}
