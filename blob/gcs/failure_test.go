package gcs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/gcs"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/buckettest"
)

// fails makes every call on a bucket and wants a kind and a remedy from each.
func fails(t *testing.T, b *blob.Bucket, kind errs.Kind, remedy string) {
	t.Helper()
	_, err := b.Write(t.Context(), "k", strings.NewReader("x"), "")
	_, openErr := b.Open(t.Context(), "k")
	for what, err := range map[string]error{"write": err, "open": openErr, "delete": b.Delete(t.Context(), "k"), "check": b.Check(t.Context())} {
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%s: %s %v", what, errs.KindOf(err), err)
		}
	}
}

// refusing is a bucket at a server that refuses everything.
func refusing(t *testing.T, status int, header http.Header, message string) *blob.Bucket {
	t.Helper()
	bucket, server, _ := strings.Cut(buckettest.GCS(t), "?endpoint=")
	front := buckettest.Front(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":%q}}`, status, message)
		return true
	})
	return open(t, bucket+"?endpoint="+front, blob.Options{})
}

func TestRefusals(t *testing.T) {
	fails(t, refusing(t, http.StatusUnauthorized, nil, "Invalid Credentials"), errs.Unauthenticated, "gcloud auth application-default login")
	fails(t, refusing(t, http.StatusForbidden, nil, "does not have storage.objects.get access"), errs.Forbidden, "Storage Object Admin")
	fails(t, refusing(t, http.StatusNotFound, nil, "The specified bucket does not exist."), errs.Unavailable, `there is no bucket "bucket-`)
	late := http.Header{"Date": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}
	fails(t, refusing(t, http.StatusUnauthorized, late, "Invalid Credentials"), errs.Unavailable, "the clock of this machine")
}

// A server that says no more than "not found" is asked to write.
func TestWritingIntoNoBucket(t *testing.T) {
	_, server, _ := strings.Cut(buckettest.GCS(t), "?endpoint=")
	_, err := open(t, "gs://nobodys?endpoint="+server, blob.Options{}).Write(t.Context(), "k", strings.NewReader("x"), "")
	if errs.KindOf(err) != errs.Unavailable || errors.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "the bucket is not there: make it") {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	b := open(t, "gs://bucket?endpoint=http://127.0.0.1:1", blob.Options{})
	if err := b.Check(t.Context()); !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Error(err)
	}
}

func TestUnreadableCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, []byte(`{"private_key": hunter2`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
	_, err := blob.Open(t.Context(), "gs://bucket", map[string]blob.Opener{"gs": gcs.Open}, blob.Options{})
	if !errors.Is(err, errs.Invalid) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "nothing"))
	_, err = blob.Open(t.Context(), "gs://bucket", map[string]blob.Opener{"gs": gcs.Open}, blob.Options{})
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "cannot be read: open ") {
		t.Error(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	signing(t)
	t.Setenv("APP_GCS_PRIVATE_KEY", "hunter2")
	_, err = blob.Open(t.Context(), "gs://bucket", map[string]blob.Opener{"gs": gcs.Open}, blob.Options{})
	if !errors.Is(err, errs.Invalid) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// Who gives tokens is asked before the bucket is, and may refuse too.
func TestATokenThatIsRefused(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		kind   errs.Kind
		remedy string
	}{
		`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`: {http.StatusBadRequest, errs.Unauthenticated, "does not take the credentials: run `gcloud auth application-default login`"},
		`{"error":"invalid_client"}`: {http.StatusUnauthorized, errs.Unauthenticated, "does not take the credentials: run `gcloud auth application-default login`"},
	} {
		tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(want.status)
			fmt.Fprint(w, body)
		}))
		defer tokens.Close()
		signing(t)
		key, err := json.Marshal(map[string]string{"type": "service_account", "client_email": email, "token_uri": tokens.URL,
			"private_key": strings.ReplaceAll(os.Getenv("APP_GCS_PRIVATE_KEY"), `\n`, "\n")})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "key.json")
		if err := os.WriteFile(path, key, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("APP_GCS_PROJECT_ID", "")
		t.Setenv("APP_GCS_CLIENT_EMAIL", "")
		t.Setenv("APP_GCS_PRIVATE_KEY", "")
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
		fails(t, open(t, "gs://bucket", blob.Options{}), want.kind, want.remedy)
	}
}
