package azure

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/buckettest"
	"github.com/varvedb/varve/store/memory"
)

// lake is a fake of what a Data Lake account has that a plain one has not:
// folders are real, so that a file can be in the way of a folder and a folder
// in the way of a file. It answers for Azurite, which has no such accounts, as
// Azure documents it, and knows both hosts of the account.
type lake struct {
	*http.Client
	mu    sync.Mutex
	files map[string]bool
}

func (l *lake) Do(req *http.Request) (*http.Response, error) {
	if host := req.URL.Hostname(); host != buckettest.AzureAccount+".blob.core.windows.net" {
		return nil, errors.New("a Data Lake is called at " + host)
	}
	writes := req.Method == http.MethodPut && req.URL.Query().Get("comp") != "block"
	l.mu.Lock()
	defer l.mu.Unlock()
	if writes && l.blocked(req.URL.Path) {
		return &http.Response{StatusCode: http.StatusConflict, Status: "409 Conflict", Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"X-Ms-Error-Code": {"PathConflict"}}, Body: io.NopCloser(bytes.NewReader(nil))}, nil
	}
	res, err := l.Client.Do(req)
	if err == nil && writes && res.StatusCode == http.StatusCreated {
		l.files[req.URL.Path] = true
	}
	if err == nil && req.Method == http.MethodDelete && res.StatusCode == http.StatusAccepted {
		delete(l.files, req.URL.Path)
	}
	return res, err
}

func (l *lake) blocked(name string) bool {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if l.files[dir] {
			return true
		}
	}
	for file := range l.files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

func openLake(t *testing.T, ttl time.Duration) (*blob.Bucket, *http.Client) {
	t.Helper()
	address, id, client := buckettest.AzureIdentity(t)
	container, _, _ := strings.Cut(strings.TrimPrefix(address, "azblob://"), "?")
	a := parsed(t, "abfss://"+container+"@"+buckettest.AzureAccount+".dfs.core.windows.net", nothing)
	d, err := a.drive(id, &lake{Client: client, files: map[string]bool{}})
	if err != nil {
		t.Fatal(err)
	}
	b := blob.New(d, blob.Options{TTL: ttl})
	t.Cleanup(func() { b.Close() })
	return b, client
}

func TestDataLake(t *testing.T) {
	var client *http.Client
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) (b *blob.Bucket) {
		b, client = openLake(t, ttl)
		return b
	}, func(address string, h http.Header) (*http.Response, error) {
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		req.Header = h
		return client.Do(req)
	}, 32<<20)
}

func TestAFileInTheWayOfAFolder(t *testing.T) {
	b, _ := openLake(t, 0)
	if _, err := b.Write(t.Context(), "a", strings.NewReader("x"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(t.Context(), "a/b", strings.NewReader("x"), ""); !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "a folder where the file would be") {
		t.Fatal(err)
	}
}

// No element's file is in the way of another's, nor of its own next one.
func TestElementsInADataLake(t *testing.T) {
	b, _ := openLake(t, 0)
	service := chat.NewService(memory.Open().Chat(), chat.Options{Files: b})
	t.Cleanup(func() { service.Close() })
	for _, name := range []string{"", "", "n", "", "n"} {
		e := chat.Element{ID: "e", ThreadID: "t", Name: name}
		if _, err := service.PutElement(t.Context(), e, strings.NewReader("content")); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
}
