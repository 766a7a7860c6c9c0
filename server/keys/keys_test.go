package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time          { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

func open(t *testing.T, path string) (*File, *clock) {
	t.Helper()
	c := &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	f, err := Open(path, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func create(t *testing.T, f *File, s Spec) (Key, string) {
	t.Helper()
	if s.Scopes == nil {
		s.Scopes = []Scope{Read}
	}
	key, token, err := f.Create(s)
	if err != nil {
		t.Fatal(err)
	}
	return key, token
}

func refuses(t *testing.T, f *File, token string) {
	t.Helper()
	if _, err := f.Check(token); !errors.Is(err, errs.Unauthenticated) {
		t.Errorf("the token passes: %v", err)
	}
}

func TestATokenIsItsKey(t *testing.T) {
	f, _ := open(t, filepath.Join(t.TempDir(), "keys.json"))
	if any, err := f.Any(); any || err != nil {
		t.Fatalf("a missing file: any=%v, %v", any, err)
	}
	key, token := create(t, f, Spec{Name: "app", Scopes: []Scope{Read, Write}})
	got, err := f.Check(token)
	if err != nil || got.ID != key.ID || got.Database != DefaultDatabase {
		t.Fatalf("Check: %+v, %v", got, err)
	}
	if !got.May(Read) || !got.May(Write) || got.May(Admin) {
		t.Errorf("scopes %v", got.Scopes)
	}
	for _, bad := range []string{"", "varve", "varve__", token + "x", token[:len(token)-1], "varve_" + key.ID + "_" + key.SHA256,
		strings.Replace(token, key.ID, "aaaaaaaaaaaaa", 1), strings.ToUpper(token), token + "_x"} {
		refuses(t, f, bad)
	}
}

func TestAdminMayAll(t *testing.T) {
	for _, s := range Scopes() {
		if !(Key{Scopes: []Scope{Admin}}).May(s) {
			t.Errorf("admin may not %s", s)
		}
	}
}

func TestTheFileHoldsNoSecretAndIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	f, _ := open(t, path)
	_, token := create(t, f, Spec{Name: "app"})
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := parse(token)
	if strings.Contains(string(raw), secret) {
		t.Error("the secret stands in the file")
	}
	info, _ := os.Stat(path)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestRevokedEndsAtOnceAndInOtherProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	f, _ := open(t, path)
	other, _ := open(t, path)
	key, token := create(t, f, Spec{})
	if _, err := other.Check(token); err != nil {
		t.Fatalf("the other process does not see the new key: %v", err)
	}
	if err := other.Revoke(key.ID); err != nil {
		t.Fatal(err)
	}
	refuses(t, f, token)
	if any, _ := f.Any(); !any {
		t.Error("a revoked key opens the door")
	}
	if err := f.Revoke(key.ID); err != nil {
		t.Errorf("revoking twice: %v", err)
	}
	if err := f.Revoke("nobody"); !errors.Is(err, errs.NotFound) {
		t.Errorf("revoking an unknown key: %v", err)
	}
}

func TestExpiry(t *testing.T) {
	f, c := open(t, filepath.Join(t.TempDir(), "keys.json"))
	_, token := create(t, f, Spec{TTL: time.Hour})
	c.advance(time.Hour - time.Second)
	if _, err := f.Check(token); err != nil {
		t.Errorf("before it expires: %v", err)
	}
	c.advance(time.Second)
	refuses(t, f, token)
}

func TestWrongSpecsAreRefused(t *testing.T) {
	f, _ := open(t, filepath.Join(t.TempDir(), "keys.json"))
	for _, s := range []Spec{{}, {Scopes: []Scope{"root"}}, {Scopes: []Scope{Read}, TTL: -1}} {
		if _, _, err := f.Create(s); !errors.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestABrokenFileIsNotNoKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	f, _ := open(t, path)
	_, token := create(t, f, Spec{})
	for _, content := range []string{"", "{", `{"version":2}`, `{"version":1,"kez":[]}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); err == nil {
			t.Errorf("Open takes %q", content)
		}
		if _, err := f.Any(); err == nil {
			t.Errorf("Any takes %q", content)
		}
		if _, err := f.Check(token); err == nil {
			t.Errorf("Check takes %q", content)
		}
	}
}

func TestManyWritersLoseNoKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f, err := Open(path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				if _, _, err := f.Create(Spec{Scopes: []Scope{Read}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f, _ := open(t, path)
	if list, err := f.List(); err != nil || len(list) != 40 {
		t.Errorf("%d keys, %v", len(list), err)
	}
}
