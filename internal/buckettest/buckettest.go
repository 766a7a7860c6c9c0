// Package buckettest gives a test a bucket of its own, of every kind that the
// clouds have:
//
//	url := buckettest.S3(t)
//
// One server of each kind that is asked for runs per test process, on a free
// port and in a temporary folder; it ends with the process. A missing program
// fails the test and names the remedy.
package buckettest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/internal/daemon"
)

const remedy = "scripts/need-buckets"

// server is one server of the process, started at its first use.
type server struct {
	once    sync.Once
	start   func(dir, port string) (*exec.Cmd, error)
	address string // host:port
	dir     string
	failed  error
}

var buckets atomic.Int64

// name is the name of a new bucket.
func name() string { return fmt.Sprintf("bucket-%d", buckets.Add(1)) }

// run is where the server answers.
func (s *server) run(t testing.TB) string {
	t.Helper()
	s.once.Do(func() { s.failed = s.launch() })
	if s.failed != nil {
		t.Fatalf("a server of buckets for tests: %v", s.failed)
	}
	return s.address
}

func (s *server) launch() error {
	port, err := daemon.FreePort()
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "varve-buckets-"); err != nil {
		return err
	}
	cmd, err := s.start(s.dir, port)
	if err != nil {
		return err
	}
	cmd.Dir = s.dir
	s.address = "127.0.0.1:" + port
	return daemon.Start(s.dir, cmd, daemon.Listens(s.address))
}

// send makes a bucket by a plain request.
func send(ctx context.Context, t testing.TB, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %.300s", method, url, res.StatusCode, said)
	}
}

// subfolders makes folders of a server and returns them.
func subfolders(dir string, names ...string) ([]string, error) {
	var paths []string
	for _, n := range names {
		p := filepath.Join(dir, n)
		if err := os.Mkdir(p, 0o700); err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	return paths, nil
}
