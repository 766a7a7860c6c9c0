package buckettest

import (
	"os/exec"
	"testing"

	"github.com/varvedb/varve/internal/daemon"
)

var gcsServer = &server{start: func(dir, port string) (*exec.Cmd, error) {
	program, err := daemon.Cached("fake-gcs-server-v1.56.1/fake-gcs-server", remedy)
	if err != nil {
		return nil, err
	}
	at, err := subfolders(dir, "root")
	if err != nil {
		return nil, err
	}
	return exec.Command(program, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-public-host", "127.0.0.1:"+port,
		"-backend", "filesystem", "-filesystem-root", at[0], "-log-level", "error"), nil
}}

// GCS is the URL of an empty bucket of Google's kind. The server takes every
// signature.
func GCS(t testing.TB) string {
	t.Helper()
	endpoint, bucket := "http://"+gcsServer.run(t), name()
	send(t.Context(), t, "POST", endpoint+"/storage/v1/b?project=varve", `{"name":"`+bucket+`"}`)
	return "gs://" + bucket + "?endpoint=" + endpoint
}
