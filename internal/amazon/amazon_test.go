package amazon_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/amazon"
)

// alone is a process to which nothing gives credentials.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
}

func credentials(t *testing.T) error {
	t.Helper()
	c, err := amazon.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Credentials.Retrieve(t.Context())
	return err
}

// A machine of Amazon's that has no role is asked too. The library writes about
// that on standard error, past the program's log.
func TestAMachineWithoutARole(t *testing.T) {
	alone(t)
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer metadata.Close()
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stderr := os.Stderr
	os.Stderr = f
	err = credentials(t)
	os.Stderr = stderr
	said, readErr := os.ReadFile(f.Name())
	if readErr != nil || len(said) > 0 {
		t.Errorf("said: %s, %v", said, readErr)
	}
	got := amazon.NoCredentials(err, "; or ask")
	if errs.KindOf(got) != errs.Unauthenticated || !strings.HasSuffix(got.Error(), "or give it a role; or ask") || !errors.Is(got, err) {
		t.Errorf("%s: %v", errs.KindOf(got), got)
	}
}

// What a profile lacks is told, since it was named.
func TestAProfileThatDoesNotWork(t *testing.T) {
	alone(t)
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("[profile broken]\ncredential_process = false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_PROFILE", "broken")
	got := amazon.NoCredentials(credentials(t), "")
	if errs.KindOf(got) != errs.Unauthenticated || !strings.Contains(got.Error(), "or give it a role: ") {
		t.Errorf("%s: %v", errs.KindOf(got), got)
	}
	t.Setenv("AWS_PROFILE", "nobodys")
	if _, err := amazon.Load(t.Context()); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "check AWS_PROFILE") {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
}

func TestOtherErrorsAreNotAboutCredentials(t *testing.T) {
	if err := amazon.NoCredentials(&aws.RequestCanceledError{Err: errors.New("x")}, ""); err != nil {
		t.Error(err)
	}
}
