package azure_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
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
		if strings.Contains(err.Error(), "sig=") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: too much is told: %v", what, err)
		}
	}
}

// keyed is a container that is entered with the account's key; server is its
// address.
func keyed(t *testing.T) (address, server string) {
	t.Helper()
	t.Setenv("AZURE_STORAGE_KEY", buckettest.AzureKey)
	address = buckettest.Azure(t)
	_, endpoint, _ := strings.Cut(address, "&endpoint=")
	return address, strings.TrimSuffix(endpoint, "/"+buckettest.AzureAccount)
}

func TestWrongCredentials(t *testing.T) {
	address, _ := keyed(t)
	t.Setenv("AZURE_STORAGE_KEY", base64.StdEncoding.EncodeToString([]byte("wrong")))
	fails(t, open(t, address, blob.Options{}), errs.Forbidden, "check AZURE_STORAGE_KEY")
	t.Setenv("AZURE_STORAGE_KEY", "")
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", strings.Replace(buckettest.AzureToken(t), "sig=", "sig=x", 1))
	fails(t, open(t, address, blob.Options{}), errs.Forbidden, "check AZURE_STORAGE_KEY")
	t.Setenv("AZURE_STORAGE_KEY", "no base64!")
	_, err := blob.Open(t.Context(), address, openers, blob.Options{})
	if !errors.Is(err, errs.Invalid) || strings.Contains(err.Error(), "no base64") {
		t.Error(err)
	}
}

func TestMissingContainer(t *testing.T) {
	address, _ := keyed(t)
	_, rest, _ := strings.Cut(address, "?")
	fails(t, open(t, "azblob://nobodys?"+rest, blob.Options{}), errs.Unavailable, `there is no container "nobodys"`)
}

func front(t *testing.T, instead func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	address, server := keyed(t)
	return strings.Replace(address, server, buckettest.Front(t, server, instead), 1)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(status)
}

func TestClockThatIsOff(t *testing.T) {
	address := front(t, func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		refuse(w, http.StatusForbidden, "AuthenticationFailed")
		return true
	})
	fails(t, open(t, address, blob.Options{}), errs.Unavailable, "the clock of this machine")
}

func TestForbidden(t *testing.T) {
	address := front(t, func(w http.ResponseWriter, r *http.Request) bool {
		refuse(w, http.StatusForbidden, "AuthorizationPermissionMismatch")
		return true
	})
	fails(t, open(t, address, blob.Options{}), errs.Forbidden, "Storage Blob Data Contributor")
}

func TestLineCutInMidUpload(t *testing.T) {
	address, server := keyed(t)
	t.Setenv("AZURE_STORAGE_KEY", "")
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", buckettest.AzureToken(t))
	line := buckettest.NewLine(t, server, 12<<20)
	b := open(t, strings.Replace(address, server, line.URL, 1), blob.Options{})
	_, err := b.Write(t.Context(), "k", strings.NewReader(strings.Repeat("x", 40<<20)), "")
	if !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "sig=") {
		t.Fatalf("%s %v", errs.KindOf(err), err)
	}
	line.Mend()
	if _, err := b.Open(t.Context(), "k"); !errors.Is(err, errs.NotFound) {
		t.Errorf("half an object: %v", err)
	}
}

func TestURLs(t *testing.T) {
	for address, said := range map[string]string{
		"azblob://c":                            "needs an account",
		"azblob://c?account=a&sas=hunt2":        "there is no parameter",
		"azblob://c@a?account=a":                "cannot be read",
		"abfss://a.dfs.core.windows.net":        "abfss://CONTAINER@ACCOUNT",
		"abfss://c@a.blob.core.windows.net":     "abfss://CONTAINER@ACCOUNT",
		"azblob://c?account=a&endpoint=a.b:443": "endpoint is http://HOST",
		"azblob://c?account=a":                  "cannot be a container's name",
		"azblob://Upper?account=a":              "cannot be a container's name",
	} {
		_, err := blob.Open(t.Context(), address, openers, blob.Options{})
		if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), said) || strings.Contains(err.Error(), "hunt2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// What Chainlit's layer stores is named as it is named, whatever is in it.
func TestNamesAreStoredAsTheyAre(t *testing.T) {
	address, _ := keyed(t)
	b := open(t, address, blob.Options{})
	for _, key := range []string{"u/e/50%.pdf", "u/e/a#1?.txt", `u/e/say "hi".txt`, "u/e/__0x41__", "u/e/x=1&y=2;z"} {
		if _, err := b.Write(t.Context(), key, strings.NewReader("x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"u/e/50%.pdf", "u/e/__0x41__", "u/e/a#1?.txt", `u/e/say "hi".txt`, "u/e/x=1&y=2;z"}
	if got := buckettest.AzureNames(t, address); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("stored as %q", got)
	}
}
