package chat_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

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

// What has the stored form already is not parsed; it must be a time all the same.
func TestStoredTimesAreLookedAt(t *testing.T) {
	for _, s := range []string{"2026-01-02T03:04:05.000001Z", "2026-02-28T23:59:59.999999Z", "2026-02-29T00:00:00.000000Z", "2024-02-29T00:00:00.000000Z",
		"2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-01-00T00:00:00.000000Z", "2026-01-31T00:00:00.000000Z", "2026-04-31T00:00:00.000000Z",
		"2026-01-01T24:00:00.000000Z", "2026-01-01T00:60:00.000000Z", "2026-01-01T00:00:60.000000Z", "2026-01-01 00:00:00.000000Z", "", "2026-01-02T03:04:05Z"} {
		_, err := time.Parse("2006-01-02T15:04:05.000000Z", s)
		got, ok := chat.NormalTime(s)
		if stored := err == nil; stored && got != s || len(s) == 27 && s[10] == 'T' && ok != stored {
			t.Errorf("NormalTime(%q) = %q, %v; time.Parse %v", s, got, ok, err)
		}
	}
}
