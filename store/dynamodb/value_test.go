package dynamodb

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestWhatDynamoDBCannotHoldComesBackAsWritten(t *testing.T) {
	for _, raw := range []string{`1.50`, `1e400`, `-0`, `1E-7`, `123456789012345678901234567890123456789012345`, `0.1234567890123456789`,
		strings.Repeat(`[`, 60) + strings.Repeat(`]`, 60), `{"":1,"a":null}`} {
		v, err := decodeJSON([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		says := content{"metadata": map[string]any{"v": v}}
		r := seal(stepKey("t", "s"), says, "g", found{})
		got, whole := unseal(r.item, nil)
		if !whole || !reflect.DeepEqual(got, says) {
			t.Errorf("%.20s became %.200v", raw, got)
		}
		// What another layer wrote since counts.
		r.item["metadata"] = object(item{"v": number("7")})
		got, _ = unseal(r.item, nil)
		if !reflect.DeepEqual(got["metadata"], map[string]any{"v": json.Number("7")}) {
			t.Errorf("%.20s: read %.200v", raw, got["metadata"])
		}
	}
}

func TestIdsOfFeedbackAreReadExactly(t *testing.T) {
	for _, c := range []struct{ thread, step string }{{"t", "s"}, {"THREAD#a", "STEP#b"}, {"DEADBEEF-T", "PETS"}, {"a::STEP#b", "c"}} {
		thread, step, ok := stepOfFeedback(feedbackName(c.thread, c.step), c.thread)
		if !ok || thread != c.thread || step != c.step {
			t.Errorf("%q: %q %q %v", c, thread, step, ok)
		}
	}
	if _, _, ok := stepOfFeedback(feedbackName("a::STEP#b", "c"), ""); ok {
		t.Error("an id of two readings is read")
	}
}
