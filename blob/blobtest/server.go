package blobtest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/media"
	"github.com/varvedb/varve/errs"
)

// Server is for buckets whose URLs lead to a server that judges them: it does
// what Varve's does with them and nothing else. serve says for which bucket.
func Server(t *testing.T) (get Get, serve func(*blob.Bucket)) {
	var bucket atomic.Pointer[blob.Bucket]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, bucket.Load()) }))
	t.Cleanup(srv.Close)
	return func(address string, h http.Header) (*http.Response, error) { return Fetch(srv.URL+address, h) }, bucket.Store
}

func answer(w http.ResponseWriter, r *http.Request, b *blob.Bucket) {
	key, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/v1/objects/"))
	q := r.URL.Query()
	if err == nil {
		err = b.Verify(key, q)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	c, err := b.Open(r.Context(), key)
	if errors.Is(err, errs.NotFound) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer c.Body.Close()
	mime, shown := media.Safe(q.Get("type"))
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Content-Disposition", media.Disposition(shown, q.Get("name")))
	http.ServeContent(w, r, "", c.ModTime, c.Body.(io.ReadSeeker))
}
