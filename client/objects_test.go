package client_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

// The lake runs on a server's tables and objects as on its own.
func TestALakeOverHTTP(t *testing.T) {
	db := memory.Open()
	bucket, err := blob.OpenFolder(filepath.Join(t.TempDir(), "elements"), blob.Options{Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	svc := chat.NewService(db.Chat(), chat.Options{})
	t.Cleanup(func() { svc.Close(); bucket.Close() })
	s, err := server.New(server.Options{Databases: []server.Database{{Name: server.DefaultDatabase, Chat: svc, Files: bucket,
		State: state.NewService(db.State(), state.Options{})}}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	c, err := client.New(h.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx := t.Context()
	files := lake.New(state.NewService(c.State(), state.Options{}), lake.Options{Bucket: c.Objects()})
	large := strings.Repeat("0123456789abcdef", 200_000) // 3.2 MB: in the bucket, of four pieces
	for name, bytes := range map[string]string{"small.txt": "hello", "large.bin": large, "empty": ""} {
		if _, err := files.Append(ctx, lake.File{Filename: name}, strings.NewReader(bytes)); err != nil {
			t.Fatal(name, err)
		}
		r, err := files.Open(ctx, lake.At(name))
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != bytes {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if _, err := r.Seek(-int64(min(len(bytes), 10)), io.SeekEnd); err != nil {
			t.Error(name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !strings.HasSuffix(bytes, string(got)) || len(got) != min(len(bytes), 10) {
			t.Errorf("the end of %s: %q %v", name, got, err)
		}
		if err := r.Close(); err != nil {
			t.Error(name, err)
		}
	}
	objects := c.Objects()
	if _, err := objects.Open(ctx, "nothing"); !errors.Is(err, errs.NotFound) {
		t.Errorf("no object: %v", err)
	}
	if err := objects.Delete(ctx, "nothing"); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	if _, err := objects.Write(ctx, "half", io.MultiReader(strings.NewReader("half"), broken{})); !errors.Is(err, errs.Invalid) {
		t.Errorf("a reader that fails: %v", err)
	}
	if _, err := objects.Open(ctx, "half"); !errors.Is(err, errs.NotFound) {
		t.Errorf("half an object: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("unplugged") }
