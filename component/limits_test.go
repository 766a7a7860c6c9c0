package component_test

import (
	"strings"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/memory"
)

// A component's memory is bounded by its values, not by its text.
func TestTooManyValues(t *testing.T) {
	const most = 500_000
	model := func(id string, values int) string {
		return `{"type_id":"model","identifier":"` + id + `","kind":"hash","config":{"x":[` + strings.TrimSuffix(strings.Repeat("1,", values), ",") + `]}}`
	}
	if _, err := component.DecodeAll([]byte(model("m", most))); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("decoded: %v", err)
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
