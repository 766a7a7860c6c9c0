package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// Bytes that lay elsewhere before are there still: read, not written over by a
// new key, and deleted.
func TestThePast(t *testing.T) {
	first, firstDir := open(t, blob.Options{})
	second, secondDir := open(t, blob.Options{})
	put := func(b *blob.Bucket, key, text string) {
		t.Helper()
		if _, err := b.Write(t.Context(), key, strings.NewReader(text), ""); err != nil {
			t.Fatal(err)
		}
	}
	put(first, "a", "of the first")
	put(second, "a", "of the second")
	put(second, "b", "of the second")
	dir := filepath.Join(t.TempDir(), "now")
	missing := filepath.Join(t.TempDir(), "missing")
	now, err := blob.Open(t.Context(), dir, nil, blob.Options{Within: "databases/x/", Past: []string{missing, firstDir, secondDir, firstDir, filepath.Join(dir, "databases", "x")}})
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	if _, err := os.Stat(missing); err == nil {
		t.Error("a folder was made of the past")
	}
	for key, want := range map[string]string{"a": "of the first", "b": "of the second"} {
		if got := read(t, now, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
		if _, err := now.Create(t.Context(), key, strings.NewReader("new"), ""); !errors.Is(err, errs.Exists) {
			t.Errorf("%s was created again: %v", key, err)
		}
	}
	put(now, "a", "new")
	if got := read(t, now, "a"); got != "new" {
		t.Errorf("what is newer reads %q", got)
	}
	if got := read(t, first, "a"); got != "of the first" {
		t.Errorf("the past was written: %q", got)
	}
	for _, key := range []string{"a", "b", "nothing"} {
		if err := now.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		if ok, err := now.Exists(t.Context(), key); ok || err != nil {
			t.Errorf("%s is there, %v", key, err)
		}
		if _, err := now.Open(t.Context(), key); !errors.Is(err, errs.NotFound) {
			t.Error(err)
		}
	}
	if n := files(t, firstDir) + files(t, secondDir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}
