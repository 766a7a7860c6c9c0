package blob_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

func open(t *testing.T, opt blob.Options) (*blob.Bucket, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "elements")
	b, err := blob.OpenFolder(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, dir
}

func read(t *testing.T, b *blob.Bucket, key string) string {
	t.Helper()
	c, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Body.Close()
	raw, err := io.ReadAll(c.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestHostileKeysStayInTheFolderAndApart(t *testing.T) {
	b, dir := open(t, blob.Options{})
	keys := []string{"../../etc/passwd", "/abs", "a/b", "a%2Fb", "A/B", strings.Repeat("long/", 400), "ü/日本", " ", "a/../b", "con", `a\b`, "x\ny"}
	for _, key := range keys {
		if _, err := b.Write(t.Context(), key, strings.NewReader(key), "text/plain"); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
	}
	for _, key := range keys {
		if got := read(t, b, key); got != key {
			t.Errorf("%q reads %q", key, got)
		}
	}
	if n := files(t, dir); n != len(keys) {
		t.Errorf("%d files for %d keys", n, len(keys))
	}
	if n := files(t, filepath.Dir(dir)); n != len(keys) {
		t.Errorf("%d files around the folder", n)
	}
}

func TestWhatIsNoMediaTypeIsStored(t *testing.T) {
	b, _ := open(t, blob.Options{})
	for _, mediaType := range []string{"", "x", "text/html;;", "image/svg+xml; x=image/png", "image/pngé", "a\tb"} {
		if _, err := b.Write(t.Context(), "key", strings.NewReader(mediaType), mediaType); err != nil {
			t.Errorf("%q: %v", mediaType, err)
		} else if got := read(t, b, "key"); got != mediaType {
			t.Errorf("%q reads %q", mediaType, got)
		}
	}
}

func TestAWriteThatFailsLeavesNothing(t *testing.T) {
	b, dir := open(t, blob.Options{})
	broken := errors.New("broken")
	_, err := b.Write(t.Context(), "k", io.MultiReader(strings.NewReader("half"), reader{broken}), "")
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if _, err := b.Open(t.Context(), "k"); !errors.Is(err, errs.NotFound) {
		t.Fatalf("got %v", err)
	}
	if n := files(t, dir); n != 0 {
		t.Fatalf("%d files stay", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Write(ctx, "k", strings.NewReader("x"), ""); err == nil {
		t.Fatal("no error")
	}
}

type reader struct{ err error }

func (r reader) Read([]byte) (int, error) { return 0, r.err }

func TestTheFolderIsItsOwnersOnly(t *testing.T) {
	_, dir := open(t, blob.Options{})
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v", info.Mode())
	}
}

func TestSignedURLs(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b, _ := open(t, blob.Options{Secret: []byte("s"), Base: "https://x.example", Database: "db", Now: func() time.Time { return now }})
	key := "u/e/a b?.png"
	if _, err := b.SignedURL(t.Context(), key, "n", "image/png"); !errors.Is(err, errs.NotFound) {
		t.Fatalf("got %v for bytes that are not there", err)
	}
	if _, err := b.Write(t.Context(), key, strings.NewReader("x"), "image/png"); err != nil {
		t.Fatal(err)
	}
	signed, err := b.SignedURL(t.Context(), key, "a b?.png", "image/png")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimPrefix(u.Path, "/v1/objects/"); got != key || u.Host != "x.example" {
		t.Fatalf("URL %s names the key %q", signed, got)
	}
	if err := b.Verify(key, u.Query()); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"expires", "name", "type", "database", "signature"} {
		q := u.Query()
		q.Set(part, q.Get(part)+"1")
		if err := b.Verify(key, q); !errors.Is(err, errs.Forbidden) {
			t.Errorf("changed %s: %v", part, err)
		}
	}
	if err := b.Verify("u/e/other", u.Query()); !errors.Is(err, errs.Forbidden) {
		t.Errorf("another key: %v", err)
	}
	now = now.Add(blob.DefaultTTL)
	if err := b.Verify(key, u.Query()); !errors.Is(err, errs.Forbidden) {
		t.Errorf("over: %v", err)
	}
}

// A process that is killed while it writes leaves a piece beside the place of
// the file.
func TestDeletingTakesThePiecesOfABrokenWriteAlong(t *testing.T) {
	b, dir := open(t, blob.Options{})
	for _, key := range []string{"mine", "other"} {
		if _, err := b.Write(t.Context(), key, strings.NewReader("x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	pieces := func(key string) string {
		var path string
		sum := sha256.Sum256([]byte(key))
		name := hex.EncodeToString(sum[:])
		path = filepath.Join(dir, name[:2], name[2:])
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".1763712000000000000.tmp", []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := pieces("mine")
	pieces("other")
	for range 2 { // the second time there is only a piece again
		if err := b.Delete(t.Context(), "mine"); err != nil {
			t.Fatal(err)
		}
		if n := files(t, dir); n != 2 {
			t.Fatalf("%d files are left, not the two of the other", n)
		}
		if err := os.WriteFile(path+".7.tmp", []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
