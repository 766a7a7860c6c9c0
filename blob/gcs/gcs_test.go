package gcs_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/blob/gcs"
	"github.com/varvedb/varve/internal/buckettest"
)

const email = "varve@varve.iam.gserviceaccount.com"

// signing gives the process a key to sign with, as Chainlit's variables do.
func signing(t *testing.T) *rsa.PublicKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	t.Setenv("APP_GCS_PROJECT_ID", "varve")
	t.Setenv("APP_GCS_CLIENT_EMAIL", email)
	t.Setenv("APP_GCS_PRIVATE_KEY", strings.ReplaceAll(text, "\n", `\n`))
	return &key.PublicKey
}

func open(t *testing.T, address string, opt blob.Options) *blob.Bucket {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b, err := gcs.Open(t.Context(), u, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// verify judges a V4 signed URL as Google documents it, since the server of
// the tests takes every signature.
func verify(r *http.Request, key *rsa.PublicKey) error {
	q := r.URL.Query()
	at, err := time.Parse("20060102T150405Z", q.Get("X-Goog-Date"))
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(q.Get("X-Goog-Expires"))
	if err != nil || !time.Now().Before(at.Add(time.Duration(seconds)*time.Second)) {
		return fmt.Errorf("over, %v", err)
	}
	signature, err := hex.DecodeString(q.Get("X-Goog-Signature"))
	if err != nil {
		return err
	}
	q.Del("X-Goog-Signature")
	scope := at.Format("20060102") + "/auto/storage/goog4_request"
	if q.Get("X-Goog-Credential") != email+"/"+scope || q.Get("X-Goog-SignedHeaders") != "host" {
		return fmt.Errorf("signed as %q with %q", q.Get("X-Goog-Credential"), q.Get("X-Goog-SignedHeaders"))
	}
	host, _, _ := strings.Cut(r.Host, ":") // Google's library signs no port
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(q.Encode(), "+", "%20"),
		"host:" + host, "", "host", "UNSIGNED-PAYLOAD"}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"GOOG4-RSA-SHA256", at.Format("20060102T150405Z"), scope, hex.EncodeToString(sum[:])}, "\n")
	digest := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
}

// judge stands before the server and verifies what readers of URLs send.
func judge(t *testing.T, server string, key *rsa.PublicKey) string {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api := strings.HasPrefix(r.URL.Path, "/storage/v1/") || strings.HasPrefix(r.URL.Path, "/upload/") || strings.HasPrefix(r.URL.Path, "/resumable/") || strings.HasPrefix(r.URL.Path, "/download/")
		if !api {
			if err := verify(r, key); err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestSuite(t *testing.T) {
	key := signing(t)
	// The server copies the whole object for each part of an upload, so that a
	// larger one says more about it than about us.
	size := int64(256 << 20)
	if testing.Short() {
		size = 32 << 20
	}
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		bucket, server, _ := strings.Cut(buckettest.GCS(t), "?endpoint=")
		return open(t, bucket+"?endpoint="+judge(t, server, key), blob.Options{TTL: ttl})
	}, blobtest.Fetch, size)
}

// What a library writes otherwise than it is must be signed so too.
func TestAwkwardNamesAreSignedAsTheyAreStored(t *testing.T) {
	signing(t)
	b := open(t, buckettest.GCS(t), blob.Options{})
	for _, key := range []string{"a/../b", "x\ny", "__0x41__", "__0x1__0x2__", "a__0x+2F__b", "__0xzz__", "__0x__", "___0x41__"} {
		if _, err := b.Write(t.Context(), key, strings.NewReader(key), "text/plain"); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
		address, err := b.SignedURL(t.Context(), key, "n", "text/plain")
		if err != nil {
			t.Fatal(err)
		}
		res, err := blobtest.Fetch(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(raw) != key {
			t.Errorf("%q reads %d %.100q, %v", key, res.StatusCode, raw, err)
		}
	}
}

func TestSigningAHundredURLsCostsNoCall(t *testing.T) {
	signing(t)
	b := open(t, "gs://bucket?endpoint=http://127.0.0.1:1", blob.Options{})
	for n := range 100 {
		if _, err := b.SignedURL(context.Background(), fmt.Sprint("k", n), "n", "image/png"); err != nil {
			t.Fatal(err)
		}
	}
}
