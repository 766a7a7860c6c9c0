// Package blobtest is the suite that every kind of bucket passes. Its subtests
// are named after the rules they hold.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// Bucket opens an empty bucket whose signed URLs work for ttl, 0 being the
// default. What it opens is closed by t.Cleanup.
type Bucket func(t *testing.T, ttl time.Duration) *blob.Bucket

// Get fetches a signed URL without other credentials. For a folder it asks a
// server that judges the URL, see [Server]; [Fetch] does for a cloud.
type Get func(url string, h http.Header) (*http.Response, error)

// Fetch fetches a URL as any program would.
func Fetch(url string, h http.Header) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header = h
	return http.DefaultClient.Do(req)
}

// Run runs the suite. big is how many bytes the test of flat memory sends.
func Run(t *testing.T, open Bucket, get Get, big int64) {
	s := suite{open: open, get: get}
	t.Run("what is written is read", s.roundTrip)
	t.Run("a write replaces what was there", s.overwrite)
	t.Run("a file that is there is not created", s.create)
	t.Run("of those who create a file at once, one does", s.race)
	t.Run("an empty file is a file", s.empty)
	t.Run("a missing file is not found, and can be deleted", s.missing)
	t.Run("a deleted file is not found", s.deleted)
	t.Run("a write that breaks off leaves nothing", s.broken)
	t.Run("a file can be read from anywhere", s.seek)
	t.Run("keys are any text", s.keys)
	t.Run("a signed URL reads one file, in ranges too", s.signed)
	t.Run("a signed URL tells type and name, and shows no scripts", s.shown)
	t.Run("a signed URL that was changed reads nothing", s.tampered)
	t.Run("a signed URL ends", s.expires)
	t.Run("a large file passes through a small memory", func(t *testing.T) { s.large(t, big) })
}

type suite struct {
	open Bucket
	get  Get
}

func write(t *testing.T, b *blob.Bucket, key, content, mime string) {
	t.Helper()
	n, err := b.Write(t.Context(), key, strings.NewReader(content), mime)
	if err != nil || n != int64(len(content)) {
		t.Fatalf("wrote %d bytes, %v", n, err)
	}
}

func read(t *testing.T, b *blob.Bucket, key string) string {
	t.Helper()
	c, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	defer c.Body.Close()
	raw, err := io.ReadAll(c.Body)
	if err != nil || c.Size != int64(len(raw)) {
		t.Fatalf("%q: read %d bytes of %d, %v", key, len(raw), c.Size, err)
	}
	return string(raw)
}

func gone(t *testing.T, b *blob.Bucket, key string) {
	t.Helper()
	if _, err := b.Open(t.Context(), key); !errors.Is(err, errs.NotFound) {
		t.Fatalf("got %v, want not found", err)
	}
}

func (s suite) roundTrip(t *testing.T) {
	b := s.open(t, 0)
	content := "\x00\xff" + strings.Repeat("varve", 100_000)
	write(t, b, "u/e/a.bin", content, "application/x-thing")
	if read(t, b, "u/e/a.bin") != content {
		t.Fatal("other bytes came back")
	}
}

func (s suite) overwrite(t *testing.T) {
	b := s.open(t, 0)
	write(t, b, "k", "a long first version", "")
	write(t, b, "k", "second", "text/plain")
	if got := read(t, b, "k"); got != "second" {
		t.Fatal(got)
	}
}

func (s suite) create(t *testing.T) {
	b := s.open(t, 0)
	n, err := b.Create(t.Context(), "k", strings.NewReader("first"), "text/plain")
	if err != nil || n != 5 {
		t.Fatalf("created %d bytes, %v", n, err)
	}
	write(t, b, "k", "the second", "text/plain")
	// More than a part of an upload in parts, too.
	for _, content := range []string{"the third", strings.Repeat("x", 12<<20)} {
		if _, err := b.Create(t.Context(), "k", strings.NewReader(content), "text/plain"); !errors.Is(err, errs.Exists) {
			t.Fatalf("got %v, want exists", err)
		}
	}
	if got := read(t, b, "k"); got != "the second" {
		t.Fatalf("%.20q", got)
	}
	if err := b.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Create(t.Context(), "k", strings.NewReader("again"), "text/plain"); err != nil {
		t.Fatalf("a key that was deleted: %v", err)
	}
}

// together reads nothing until all are there, so that they end at once.
type together struct {
	io.Reader
	all *sync.WaitGroup
	one *sync.Once
}

func (r together) Read(p []byte) (int, error) {
	r.one.Do(func() { r.all.Done(); r.all.Wait() })
	return r.Reader.Read(p)
}

func (s suite) race(t *testing.T) {
	b := s.open(t, 0)
	for round := range 5 {
		const writers = 8
		key := fmt.Sprint("k", round)
		var all sync.WaitGroup
		all.Add(writers)
		failed := make(chan error, writers)
		won := make(chan string, writers)
		for i := range writers {
			go func() {
				content, one := fmt.Sprintf("%d wins", i), new(sync.Once)
				_, err := b.Create(t.Context(), key, together{strings.NewReader(content), &all, one}, "text/plain")
				one.Do(all.Done) // where nothing was read, nobody waits for it
				if err == nil {
					won <- content
				}
				failed <- err
			}()
		}
		for range writers {
			if err := <-failed; err != nil && !errors.Is(err, errs.Exists) && !errors.Is(err, errs.Conflict) {
				t.Error(err)
			}
		}
		if len(won) != 1 {
			t.Fatalf("%d created one file", len(won))
		}
		if got, want := read(t, b, key), <-won; got != want {
			t.Errorf("%q created it, and it holds %q", want, got)
		}
	}
}

func (s suite) empty(t *testing.T) {
	b := s.open(t, 0)
	write(t, b, "k", "", "text/plain")
	if got := read(t, b, "k"); got != "" {
		t.Fatal(got)
	}
}

func (s suite) missing(t *testing.T) {
	b := s.open(t, 0)
	gone(t, b, "never")
	if err := b.Delete(t.Context(), "never"); err != nil {
		t.Fatal(err)
	}
	if ok, err := b.Exists(t.Context(), "never"); ok || err != nil {
		t.Fatal(ok, err)
	}
}

func (s suite) deleted(t *testing.T) {
	b := s.open(t, 0)
	write(t, b, "k", "x", "")
	if err := b.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	gone(t, b, "k")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (s suite) broken(t *testing.T) {
	b := s.open(t, 0)
	cut := errors.New("cut")
	// More than a part of an upload in parts, so that some of it was sent.
	half := strings.NewReader(strings.Repeat("x", 12<<20))
	if _, err := b.Write(t.Context(), "k", io.MultiReader(half, failing{cut}), ""); !errors.Is(err, cut) {
		t.Fatalf("got %v", err)
	}
	gone(t, b, "k")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Write(ctx, "k", strings.NewReader("x"), ""); err == nil {
		t.Fatal("no error")
	}
	gone(t, b, "k")
}

func (s suite) seek(t *testing.T) {
	b := s.open(t, 0)
	write(t, b, "k", "0123456789", "")
	c, err := b.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Body.Close()
	if _, err := c.Body.(io.Seeker).Seek(-3, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(c.Body)
	if err != nil || string(raw) != "789" {
		t.Fatalf("%q, %v", raw, err)
	}
}

// Keys are names that are awkward somewhere.
var Keys = []string{"plain", "u/e/a b.txt", "ünï/日本/🌋.png", "a%2Fb", "a/b", "a+b&c=d?e#f", `quo"te'd`, "x/%2E%2E/y", "CASE", "case", "semi;colon,comma", "trailing."}

func (s suite) keys(t *testing.T) {
	b := s.open(t, 0)
	for _, key := range Keys {
		write(t, b, key, "content of "+key, "text/plain")
	}
	for _, key := range Keys {
		if got := read(t, b, key); got != "content of "+key {
			t.Errorf("%q reads %q", key, got)
		}
		if got := s.body(t, s.url(t, b, key, "n.txt", "text/plain"), nil, http.StatusOK); got != "content of "+key {
			t.Errorf("the URL of %q reads %q", key, got)
		}
	}
}

func (s suite) url(t *testing.T, b *blob.Bucket, key, name, mime string) string {
	t.Helper()
	url, err := b.SignedURL(t.Context(), key, name, mime)
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	return url
}

func (s suite) body(t *testing.T, url string, h http.Header, status int) string {
	t.Helper()
	res, err := s.get(url, h)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("status %d, want %d, %v: %.300s", res.StatusCode, status, err, raw)
	}
	return string(raw)
}

func (s suite) signed(t *testing.T) {
	b := s.open(t, 0)
	write(t, b, "u/e/n.txt", "0123456789", "text/plain")
	write(t, b, "u/e/other", "secret", "text/plain")
	url := s.url(t, b, "u/e/n.txt", "n.txt", "text/plain")
	if got := s.body(t, url, nil, http.StatusOK); got != "0123456789" {
		t.Fatal(got)
	}
	if got := s.body(t, url, http.Header{"Range": {"bytes=2-4"}}, http.StatusPartialContent); got != "234" {
		t.Fatal(got)
	}
}

func (s suite) shown(t *testing.T) {
	b := s.open(t, 0)
	for _, c := range []struct{ mime, kind string }{{"image/png", "inline"}, {"text/html", "attachment"}, {"image/svg+xml", "attachment"}} {
		write(t, b, "k", "<b>", c.mime)
		res, err := s.get(s.url(t, b, "k", `grü"n.png`, c.mime), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		disposition := res.Header.Get("Content-Disposition")
		if !strings.HasPrefix(disposition, c.kind+";") || !strings.Contains(disposition, "gr%C3%BC%22n.png") {
			t.Errorf("%s: disposition %q", c.mime, disposition)
		}
		if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, c.mime) {
			t.Errorf("%s: type %q", c.mime, got)
		}
	}
}

func (s suite) tampered(t *testing.T) {
	b := s.open(t, 0)
	write(t, b, "aaa", "mine", "text/plain")
	write(t, b, "bbb", "another's", "text/plain")
	url := s.url(t, b, "aaa", "n", "text/plain")
	res, err := s.get(strings.Replace(url, "aaa", "bbb", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if raw, _ := io.ReadAll(res.Body); res.StatusCode < 400 || strings.Contains(string(raw), "another's") {
		t.Fatalf("status %d: %.100s", res.StatusCode, raw)
	}
}

// expires asks again until the URL is over, which it must be soon.
func (s suite) expires(t *testing.T) {
	b := s.open(t, time.Second)
	write(t, b, "k", "x", "text/plain")
	url := s.url(t, b, "k", "n", "text/plain")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); <-tick.C {
		res, err := s.get(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode >= 400 {
			return
		}
	}
	t.Fatal("a URL for a second still works after fifteen")
}

// large streams a file through and compares hashes, not bytes.
func (s suite) large(t *testing.T, size int64) {
	b := s.open(t, 0)
	in := sha256.New()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := b.Write(t.Context(), "large", io.TeeReader(io.LimitReader(pattern{}, size), in), "application/octet-stream"); err != nil {
		t.Fatal(err)
	}
	c, err := b.Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Body.Close()
	out := sha256.New()
	if n, err := io.Copy(out, c.Body); err != nil || n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if !bytes.Equal(in.Sum(nil), out.Sum(nil)) {
		t.Fatal("other bytes came back")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 200<<20 {
		t.Fatalf("the process grew by %d MiB for %d MiB", grown>>20, size>>20)
	}
}

// pattern is an endless stream of bytes that do not repeat soon.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7 >> 3)
	}
	return len(p), nil
}
