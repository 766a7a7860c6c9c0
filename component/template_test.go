package component

import (
	"testing"

	"github.com/varvedb/varve/errs"
)

func TestATemplateIsFilled(t *testing.T) {
	tpl := &Template{Base: Base{Identifier: "t"}, Body: Raw(`[
	  {"type_id":"model","identifier":"<var:name>-model","max_batch_size":"<var:size>","config":{"<var:name>":["<var:list>","n=<var:size>, l=<var:list>"]}},
	  {"type_id":"metric","identifier":"m"}]`)}
	if err := check(tpl); err != nil {
		t.Fatal(err)
	}
	got, err := tpl.Fill(map[string]any{"name": "x", "size": 8, "list": []int{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Encode(got[0])
	const want = `{"config":{"x":[[1,2],"n=8, l=[1,2]"]},"identifier":"x-model","max_batch_size":8,"type_id":"model"}`
	if err != nil || string(raw) != want || len(got) != 2 {
		t.Errorf("%v\ngot  %s\nwant %s", err, raw, want)
	}
	for field, values := range map[string]map[string]any{
		"size":           {"name": "x", "list": nil},
		"other":          {"name": "x", "size": 1, "list": nil, "other": 2},
		"max_batch_size": {"name": "x", "size": "eight", "list": nil},
		"<var:name>":     {"name": 7, "size": 1, "list": nil},
	} {
		if values != nil {
			_, err := tpl.Fill(values)
			isField(t, err, errs.Invalid, field)
		}
	}
}
