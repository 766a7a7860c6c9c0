package server_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
)

// signer is a keeper that has nothing, and signs that.
type signer struct {
	seed    []byte
	rules   []chat.Retention
	exports []erasure.Export
}

func (s *signer) Erase(_ context.Context, identifier string, dry bool) (erasure.Receipt, error) {
	if identifier == "" {
		return erasure.Receipt{}, errs.Field(errs.Invalid, "identifier", "must not be empty")
	}
	return erasure.Sign(s.seed, erasure.Report{Format: erasure.Format, Subject: erasure.Subject(s.seed, identifier), DryRun: dry,
		Beyond: []string{"backups <old & new> \u2028"}})
}

func (s *signer) VerifyReceipt(_ context.Context, receipt []byte, identifier string) (erasure.Report, bool, error) {
	r, err := erasure.Verify(receipt, erasure.Key(s.seed))
	return r, r.Subject == erasure.Subject(s.seed, identifier), err
}

func (s *signer) Retain(_ context.Context, rules []chat.Retention, _ bool, each func(chat.Thread)) (chat.Retained, error) {
	s.rules = rules
	each(chat.Thread{ID: "t1"})
	return chat.Retained{Threads: 1, Undated: 2}, nil
}

func (s *signer) SweepFiles(_ context.Context, dry bool, each func(string)) (chat.Swept, error) {
	each("a/<b>")
	return chat.Swept{Keys: 1, Files: 1, Bytes: 3, Waiting: 2}, nil
}

func (s *signer) Erased(_ context.Context, identifiers []string) (map[string]time.Time, error) {
	return map[string]time.Time{identifiers[len(identifiers)-1]: time.Unix(1e9, 0).UTC()}, nil
}

func (s *signer) NoteExport(_ context.Context, e erasure.Export) error {
	s.exports = append(s.exports, e)
	return nil
}

func (s *signer) ForgetExport(_ context.Context, id string) error {
	s.exports = slices.DeleteFunc(s.exports, func(e erasure.Export) bool { return e.ID == id })
	return nil
}

// A path that somebody names over a network is one that no server goes to.
func TestNotesOfExportsCrossTheWire(t *testing.T) {
	k := &signer{}
	b := start(t, func(o *server.Options) { o.Databases[0].Keeper = k })
	c := b.client(b.url, client.Options{})
	e := erasure.Export{ID: "a1", Path: "/backups/a", Host: "h", Made: time.Unix(1e9, 0).UTC(), Digest: "d"}
	if err := c.NoteExport(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	e.Distant = true
	if !slices.Equal(k.exports, []erasure.Export{e}) {
		t.Errorf("%+v", k.exports)
	}
	if err := c.ForgetExport(t.Context(), "a1"); err != nil || len(k.exports) != 0 {
		t.Errorf("%+v %v", k.exports, err)
	}
	known, err := c.Erased(t.Context(), []string{"ana", "bob"})
	if err != nil || len(known) != 1 || !known["bob"].Equal(time.Unix(1e9, 0)) {
		t.Errorf("%v %v", known, err)
	}
}

func TestAReceiptLeavesTheServerAsItWasSigned(t *testing.T) {
	k := &signer{seed: []byte(strings.Repeat("s", 32))}
	b := start(t, func(o *server.Options) { o.Databases[0].Keeper = k })
	c := b.client(b.url, client.Options{})
	receipt, err := c.Erase(t.Context(), "ada", true)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(receipt, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := erasure.Verify(raw, erasure.Key(k.seed)); err != nil || !r.DryRun || r.Beyond[0] != "backups <old & new> \u2028" {
		t.Fatalf("%+v, %v", r, err)
	}
	for who, want := range map[string]bool{"ada": true, "bob": false} {
		if r, about, err := c.VerifyReceipt(t.Context(), raw, who); err != nil || about != want || r.Format != erasure.Format {
			t.Errorf("%s: %+v, %v, %v", who, r, about, err)
		}
	}
	receipt.Report = json.RawMessage(strings.Replace(string(receipt.Report), `"dryRun":true`, `"dryRun":false`, 1))
	forged, err := json.Marshal(receipt)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.VerifyReceipt(t.Context(), forged, ""); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("a changed receipt: %v", err)
	}
	if _, err := c.Erase(t.Context(), "", false); errs.KindOf(err) != errs.Invalid {
		t.Errorf("nobody: %v", err)
	}
}

func TestRulesOfRetentionCrossTheWire(t *testing.T) {
	k := &signer{}
	b := start(t, func(o *server.Options) { o.Databases[0].Keeper = k })
	rules := []chat.Retention{{Age: 90 * 24 * time.Hour}, {Tag: "a=b", Age: 90 * time.Minute}, {Tag: "keep", Age: chat.Forever}}
	var gone []string
	got, err := b.client(b.url, client.Options{}).Retain(t.Context(), rules, false, func(t chat.Thread) { gone = append(gone, t.ID) })
	if err != nil || got != (chat.Retained{Threads: 1, Undated: 2}) || !slices.Equal(gone, []string{"t1"}) || !slices.Equal(k.rules, rules) {
		t.Errorf("%+v %v, rules %v, %v", got, gone, k.rules, err)
	}
	for _, body := range []string{`{}`, `{"rules":[]}`, `{"rules":["soon"]}`, `{"rules":["5m"]}`} {
		b.want(b.send("POST", "/v1/retention", body, asJSON), 400, errs.Invalid)
	}
}

func TestASweepCrossesTheWire(t *testing.T) {
	b := start(t, func(o *server.Options) { o.Databases[0].Keeper = &signer{} })
	var keys []string
	got, err := b.client(b.url, client.Options{}).SweepFiles(t.Context(), true, func(key string) { keys = append(keys, key) })
	if err != nil || got != (chat.Swept{Keys: 1, Files: 1, Bytes: 3, Waiting: 2}) || !slices.Equal(keys, []string{"a/<b>"}) {
		t.Errorf("%+v %v %v", got, keys, err)
	}
}

// What is about everybody is for who may do anything, and acts for nobody.
func TestOnlyAdministratorsEraseAndRetain(t *testing.T) {
	file, err := keys.Open(filepath.Join(t.TempDir(), "keys.json"), keys.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := &signer{seed: []byte(strings.Repeat("s", 32))}
	b := start(t, func(o *server.Options) { o.Databases[0].Keeper, o.Keys = k, file })
	admin := token(t, file, "default", keys.Admin)
	for path, body := range map[string]string{"/v1/sweeps": `{}`, "/v1/erasures": `{"identifier":"ada"}`, "/v1/retention": `{"rules":["90d"]}`, "/v1/erasures/verify": `{"receipt":{}}`, "/v1/erasures/known": `{"identifiers":["ada"]}`} {
		b.want(b.send("POST", path, body, asJSON, "Authorization: Bearer "+token(t, file, "default", keys.Read, keys.Write)), 403, errs.Forbidden)
		b.want(b.send("POST", path, body, asJSON, "Authorization: Bearer "+admin, "Varve-User: ada"), 403, errs.Forbidden)
		b.want(b.send("POST", path, body, asJSON), 401, errs.Unauthenticated)
	}
	if _, err := b.client(b.url, client.Options{APIKey: admin}).Erase(t.Context(), "ada", true); err != nil {
		t.Error(err)
	}
	none := start(t)
	none.want(none.send("POST", "/v1/erasures", `{"identifier":"ada"}`, asJSON), 501, errs.Unsupported)
}
