package erasure_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
)

var seed = []byte(strings.Repeat("s", 32))

func receipt(t *testing.T) (erasure.Report, []byte) {
	t.Helper()
	want := erasure.Report{Format: erasure.Format, ID: "1", Subject: erasure.Subject(seed, "ada@example.org"),
		Began: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Ended: time.Date(2026, 11, 21, 8, 0, 1, 0, time.UTC),
		Complete: true, Removed: chat.Erased{Users: 1, Threads: 3}, Cleaned: []string{"a <file>"}, Kept: []erasure.Kept{{Table: "todos", Rows: 2}},
		Beyond: []string{"backups & more"}, Undone: []string{}}
	r, err := erasure.Sign(seed, want)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return want, raw
}

func TestAReceiptIsReadByWhoHasThePublicKey(t *testing.T) {
	want, raw := receipt(t)
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", "\t"); err != nil {
		t.Fatal(err)
	}
	for _, form := range [][]byte{raw, indented.Bytes()} {
		got, err := erasure.Verify(form, erasure.Key(seed))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	if bytes.Contains(raw, []byte("ada")) {
		t.Fatal("the receipt names the person")
	}
}

func TestWhatWasChangedIsRefused(t *testing.T) {
	_, raw := receipt(t)
	other := erasure.Key([]byte(strings.Repeat("o", 32)))
	for name, c := range map[string]struct {
		raw, key string
		kind     errs.Kind
	}{
		"another key":       {string(raw), other, errs.Forbidden},
		"a count":           {strings.Replace(string(raw), `"threads":3`, `"threads":4`, 1), erasure.Key(seed), errs.Forbidden},
		"complete":          {strings.Replace(string(raw), `"complete":true`, `"complete":false`, 1), erasure.Key(seed), errs.Forbidden},
		"a blank in a text": {strings.Replace(string(raw), "a \\u003cfile", "a  \\u003cfile", 1), erasure.Key(seed), errs.Forbidden},
		"no key":            {string(raw), "", errs.Invalid},
		"no receipt":        {`{"threads":[]}`, erasure.Key(seed), errs.Invalid},
		"no JSON":           {`receipt`, erasure.Key(seed), errs.Invalid},
	} {
		if _, err := erasure.Verify([]byte(c.raw), c.key); errs.KindOf(err) != c.kind {
			t.Errorf("%s: got %v, want kind %s", name, err, c.kind)
		}
	}
	// The key that a receipt brings along proves nothing, and is not asked.
	forged := strings.Replace(string(raw), erasure.Key(seed), other, 1)
	if _, err := erasure.Verify([]byte(forged), erasure.Key(seed)); err != nil {
		t.Error(err)
	}
}

func TestASubjectIsTheSameForOnePersonAndOneDatabase(t *testing.T) {
	a, other := erasure.Subject(seed, "ada"), []byte(strings.Repeat("o", 32))
	if a != erasure.Subject(seed, "ada") || a == erasure.Subject(seed, "adb") || a == erasure.Subject(other, "ada") {
		t.Fatal(a)
	}
}
