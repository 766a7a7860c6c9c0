package chat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/store/memory"
)

// What is decoded is encoded to the same, and nothing but invalid comes of bad
// input.
func FuzzStepJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"id":"a","showInput":true,"metadata":{"n":12345678901234567890}}`,
		`{"id":1}`, `{"tags":["a",null]}`, `{"feedback":{"forId":"x","value":1}}`, `{"x":{"y":[1e400]}}`,
		`{"output":"\ud800"}`, `{"showInput":"none","generation":null,"modes":{}}`, `{"streaming":0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s chat.Step
		if err := json.Unmarshal(raw, &s); err != nil {
			return
		}
		once, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again chat.Step
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		twice, err := json.Marshal(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s, %v", once, twice, err)
		}
		svc := chat.NewService(memory.Open().Chat(), chat.Options{})
		defer svc.Close()
		if _, err := svc.PutStep(t.Context(), s); err != nil && !errors.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
	})
}

// A cursor is one of ours or invalid, whatever it looks like.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "v1.", "v1.AAAA", "x", "\x00", "v1.AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "{\"PK\":{}}"} {
		f.Add(seed, "search", 1)
	}
	svc := chat.NewService(memory.Open().Chat(), chat.Options{})
	f.Fuzz(func(t *testing.T, cursor, search string, first int) {
		_, err := svc.Threads(t.Context(), chat.ThreadFilter{Search: search}, page.Request{First: first, Cursor: cursor})
		if cursor != "" && !errors.Is(err, errs.Invalid) {
			t.Fatalf("cursor %q: %v", cursor, err)
		}
		if cursor == "" && err != nil {
			t.Fatal(err)
		}
	})
}

// A normal time is normal already, and sorts as text.
func FuzzNormalTime(f *testing.F) {
	for _, seed := range []string{"2026-01-02T03:04:05Z", "2026-01-02 03:04:05.123456+02", "0000-01-01T00:00:00-10:00", "9999-12-31T23:59:59-01:00", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := chat.NormalTime(s)
		if !ok {
			return
		}
		if len(n) != len("2006-01-02T15:04:05.000000Z") {
			t.Fatalf("%q became %q", s, n)
		}
		if again, ok := chat.NormalTime(n); !ok || again != n {
			t.Fatalf("%q became %q", n, again)
		}
	})
}

// Folding twice changes nothing: queries and texts meet.
func FuzzFold(f *testing.F) {
	for _, seed := range []string{"Straße", "İ", "ΣΑΣ", "ﬁ", "Å", "a\u0301\u0316", "\u0345"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if once := chat.Fold(s); chat.Fold(once) != once {
			t.Fatalf("%q: %q, then %q", s, once, chat.Fold(once))
		}
	})
}
