package chat_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

func TestNormalTime(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-02T03:04:05.000001Z":         "2026-01-02T03:04:05.000001Z",
		"2026-01-02T03:04:05Z":                "2026-01-02T03:04:05.000000Z",
		"2026-01-02T03:04:05.687":             "2026-01-02T03:04:05.687000Z",
		"2026-01-02T03:04:05":                 "2026-01-02T03:04:05.000000Z",
		"2026-01-02 03:04:05+00":              "2026-01-02T03:04:05.000000Z",
		"2026-01-02T03:04:05.5+02:00":         "2026-01-02T01:04:05.500000Z",
		"2026-01-02T03:04:05+0200":            "2026-01-02T01:04:05.000000Z",
		"2026-01-02T03:04:05.1234567899Z":     "2026-01-02T03:04:05.123456Z",
		"2026-01-02T03:04":                    "2026-01-02T03:04:00.000000Z",
		"2026-01-02":                          "",
		"yesterday at about noon":             "",
		"2026-13-02T03:04:05Z":                "",
		"":                                    "",
		"12026-01-02T03:04:05Z":               "",
		"2026-01-02T03:04:05Z and then some!": "",
	} {
		got, ok := chat.NormalTime(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"ABC": "abc", "Crème BRÛLÉE": "creme brulee", "Straße": "strasse", "ΌΔΥΣΣΕΎΣ": "οδυσσευσ", "İ": "i", "東京": "東京",
	} {
		if got := chat.Fold(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestStepJSONHasChainlitsKeys(t *testing.T) {
	raw, err := json.Marshal(chat.Step{ID: "i", ThreadID: "t", Extra: map[string]json.RawMessage{"later": json.RawMessage(`1`)}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"i","threadId":"t","parentId":null,"name":"","type":"","command":null,"modes":null,"streaming":null,` +
		`"waitForAnswer":null,"isError":null,"metadata":{},"tags":null,"input":"","output":"","createdAt":null,"start":null,` +
		`"end":null,"generation":null,"showInput":null,"defaultOpen":null,"autoCollapse":null,"language":null,"icon":null,` +
		`"feedback":null,"later":1}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Fatal(diff)
	}
}

func TestAWrongTypeIsInvalidAndNamed(t *testing.T) {
	for in, field := range map[string]string{
		`{"output":5}`: "output", `{"metadata":[]}`: "metadata", `{"streaming":"yes"}`: "streaming", `{"tags":"a"}`: "tags",
	} {
		var s chat.Step
		err := json.Unmarshal([]byte(in), &s)
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != errs.Invalid || e.Field != field {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestAThreadSurvivesJSON(t *testing.T) {
	want := chat.Thread{ID: "t", CreatedAt: "c", ThreadCreatedAt: "d", Name: "n", UserID: "u", UserIdentifier: "i",
		Tags: []string{"a"}, Metadata: chat.Object{"n": json.Number("1")}, Steps: []chat.Step{{ID: "s", Metadata: chat.Object{}}},
		Elements: []chat.Element{{ID: "e", Page: chat.Ptr(int64(2))}}}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got chat.Thread
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}
