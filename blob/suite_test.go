package blob_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/blob/media"
	"github.com/varvedb/varve/errs"
)

// A folder's URLs lead to a server that judges them; this one does what
// Varve's does with them and nothing else.
func TestFolder(t *testing.T) {
	var folder *blob.Bucket
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/v1/objects/"))
		q := r.URL.Query()
		if err == nil {
			err = folder.Verify(key, q)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		c, err := folder.Open(r.Context(), key)
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
	}))
	t.Cleanup(srv.Close)
	size := int64(1 << 30)
	if testing.Short() {
		size = 16 << 20
	}
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		folder, _ = open(t, blob.Options{TTL: ttl})
		return folder
	}, func(address string, h http.Header) (*http.Response, error) {
		return blobtest.Fetch(srv.URL+address, h)
	}, size)
}
