package yaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

const app = `# an application
type_id: application
identifier: app
components:
  - type_id: listener
    identifier: e.1
    key: x
    model:
      type_id: model
      identifier: m
      config:
        api.key: {b: 1}
        n: 1
    chunk_size: 5
  - &d {type_id: dataset, identifier: d,
     select: {select: {from: docs}}}
`

func TestAnErrorSaysWhereAComponentStands(t *testing.T) {
	f := Files{}
	for name, text := range map[string]string{"app.yaml": "---\n---\n" + app, "metric.yaml": "type_id: metric\nidentifier: m\n"} {
		if err := f.Read(name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	for field, want := range map[string]string{
		"application/app":            "(app.yaml, document 2, line 4)",
		"listener/e.1":               "(app.yaml, document 2, line 7)",
		"listener/e.1.chunk_size":    "line 16)",
		"listener/e.1.select":        "line 7)",
		"model/m.config.api.key":     "line 14)",
		"model/m.config.api.key.b":   "line 14)",
		"dataset/d.select":           "line 18)",
		"application/app.components": "line 6)",
		"metric/m.kind":              "(metric.yaml, document 1, line 1)",
	} {
		err := f.Place(errs.Field(errs.Invalid, field, "is wrong"))
		if !strings.HasSuffix(err.Error(), want) || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: got %v, want %s", field, err, want)
		}
	}
	for _, other := range []error{errors.New("x"), errs.Field(errs.Invalid, "model/n", "is wrong"), errs.Field(errs.Invalid, "", "is wrong")} {
		if got := f.Place(other); got.Error() != other.Error() {
			t.Errorf("got %v", got)
		}
	}
	err := new(Files).Read("x.yaml", strings.NewReader(strings.Replace(app, "chunk_size", "chunksize", 1)))
	if want := "components[0].chunksize: "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "(x.yaml, document 1, line 14)") {
		t.Errorf("got %v", err)
	}
}

// An identifier that none may have does not say which component it is of.
func TestAnErrorSaysWhereAnIdentifierStands(t *testing.T) {
	for text, want := range map[string]string{
		"- {type_id: model, identifier: m}\n- type_id: model\n  identifier: a/b\n- {type_id: model, identifier: c/d}\n": "line 3)",
		"- {type_id: metric, identifier: a/b}\n\n- {type_id: model}\n":                                                  "line 3)",
		"type_id: application\nidentifier: app\ncomponents:\n  - type_id: model\n    kind: hash\n    identifier: ..\n":  "line 6)",
	} {
		var f Files
		if err := f.Read("named.yaml", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		err := f.Place(errs.Field(errs.Invalid, "model.identifier", "is wrong"))
		if want = "model.identifier: is wrong (named.yaml, document 1, " + want; err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	texts := []string{"", " ", "yes", "123", "1e3", "2024-01-02", "null", "~", "a\nb", " a\n b\n", "\n", "a\n\n\n", "x: y", "- x", "#", "'", "\"", "\t", "a\u0085b", "\u2028", "é", "\x01", "&a", "*a", "!!str", "<<", "trailing ", "%", "|", "a: b\n  c", "\ufeff", "0x10", ".inf", "1_000", "=",
		strings.Repeat("long and longer ", 20)}
	for _, text := range texts {
		m := &component.Model{Base: component.Base{Identifier: "m", Description: text}, Config: component.Object{"n": json.Number("123456789012345678901234567890"), "f": 1.5e-7, "none": nil, "on": true,
			"key " + text: text, "list": []any{text, []any{}, map[string]any{}}}, Artifacts: map[string]component.Bytes{"raw": {Data: []byte{0, 255}}, "text": {Data: []byte(text)}}}
		var out bytes.Buffer
		if err := Write(&out, m); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got, err := Read(bytes.NewReader(out.Bytes()))
		if err != nil || len(got) != 1 {
			t.Fatalf("%q: %v in\n%s", text, err, out.String())
		}
		want, _ := component.Encode(m)
		if have, _ := component.Encode(got[0]); !bytes.Equal(have, want) {
			t.Errorf("%q:\ngot  %s\nwant %s\nin\n%s", text, have, want, out.String())
		}
	}
	var out bytes.Buffer
	if err := Write(&out, &component.Model{Base: component.Base{Identifier: "m"}, Config: component.Object{"api_key": "sk-1"}}); err != nil || strings.Contains(out.String(), "sk-1") {
		t.Errorf("%v, %s", err, out.String())
	}
	if !strings.HasPrefix(out.String(), "type_id: model\nidentifier: m\n") {
		t.Errorf("begins with %s", out.String())
	}
}

func TestValuesFillVariables(t *testing.T) {
	const file = `
type_id: model
identifier: <var:name>
config: {size: <var:size>, text: "of <var:size>"}
---
type_id: template
identifier: t
template: {type_id: metric, identifier: "<var:name>-metric"}
---
{type_id: metric, identifier: plain}
`
	values, err := ParseValues([]string{"name=a", "size=64"})
	if err != nil {
		t.Fatal(err)
	}
	f := Files{Values: values}
	if err := errors.Join(f.Read("x", strings.NewReader(file)), values.Unused()); err != nil {
		t.Fatal(err)
	}
	want := []string{`{"config":{"size":64,"text":"of 64"},"identifier":"a","type_id":"model"}`,
		`{"identifier":"a-metric","type_id":"metric"}`, `{"identifier":"plain","type_id":"metric"}`}
	for i, c := range f.Components {
		if raw, _ := component.Encode(c); string(raw) != want[i] {
			t.Errorf("got %s, want %s", raw, want[i])
		}
	}
	for _, bad := range []struct {
		set  []string
		says string
	}{
		{[]string{"name=a"}, `size: is a variable of the template "<var:name>" and has no value (x, document 1, line 2)`},
		{[]string{"name=a", "size=1", "other=2"}, `"other" is no variable of what is applied; it has name, size`},
		{[]string{"name"}, "no NAME=VALUE"}, {[]string{"=x"}, "no NAME=VALUE"}, {[]string{"a=1", "a=2"}, "twice"}, {[]string{"a=["}, "no YAML"},
	} {
		values, err := ParseValues(bad.set)
		if err == nil {
			f := Files{Values: values}
			err = f.Read("x", strings.NewReader(file))
		}
		if err == nil {
			err = values.Unused()
		}
		if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%v: got %v", bad.set, err)
		}
	}
}
