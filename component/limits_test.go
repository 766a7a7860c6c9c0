package component_test

import (
	"strings"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/memory"
)

// A component's memory is bounded by its values, not by its text: of each kind
// one too many is refused, and a list may have more of them together.
func TestTooManyValues(t *testing.T) {
	const most = 500_000
	model := func(id string, values int) string {
		return `{"type_id":"model","identifier":"` + id + `","kind":"hash","config":{"x":[` + strings.TrimSuffix(strings.Repeat("1,", values), ",") + `]}}`
	}
	for name, text := range map[string]string{"numbers": model("m", most), "objects": strings.ReplaceAll(model("m", most), "1", "{}"), "in a list": "[" + model("m", most) + "]"} {
		_, err := component.DecodeAll([]byte(text))
		if errs.KindOf(err) != errs.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := component.DecodeAll([]byte("[" + model("a", most/2+1) + "," + model("b", most/2+1) + "]"))
	if err != nil || len(list) != 2 {
		t.Errorf("a list of components came as %d, %v", len(list), err)
	}
	big := make([]any, most)
	for i := range big {
		big[i] = i
	}
	m := &component.Model{Base: component.Base{Identifier: "m"}, Kind: "hash", Config: component.Object{"x": big}}
	if _, err := component.New(memory.Open().Components(), component.Options{}).Apply(t.Context(), m); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("applied: %v", err)
	}
}

func TestWhatFollowsADeclarationIsRefused(t *testing.T) {
	const one = `{"type_id":"model","identifier":"m","kind":"hash"}`
	for _, behind := range []string{"]", "}", "x", "{}", "0"} {
		for _, text := range []string{one, "[" + one + "]"} {
			if _, err := component.DecodeAll([]byte(text + behind)); errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: %v", text+behind, err)
			}
		}
	}
}
