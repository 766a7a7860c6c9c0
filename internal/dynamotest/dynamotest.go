// Package dynamotest gives a test the name of a DynamoDB table of its own.
//
//	url := dynamotest.Missing(t) // a table that is not there yet
//
// One DynamoDB Local runs per test process, in memory and on a free port; it
// ends with the process, however that ends. A missing program fails the test
// and names the remedy.
package dynamotest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/internal/daemon"
)

const (
	release = "dynamodb-local-2.5.2"
	// Region is what the URLs say; DynamoDB Local keeps them apart.
	Region = "eu-central-1"
)

var (
	once   sync.Once
	port   string
	failed error
	tables atomic.Int64
)

// Missing is the URL of a table that is not there. It also gives the process
// credentials, which DynamoDB Local asks for and does not check.
func Missing(t testing.TB) string {
	t.Helper()
	once.Do(func() { failed = start() })
	if failed != nil {
		t.Fatalf("DynamoDB for tests: %v", failed)
	}
	return fmt.Sprintf("dynamodb://table-%d?region=%s&endpoint=http://127.0.0.1:%s", tables.Add(1), Region, port)
}

// Endpoint is where the server of this process answers, as host:port.
func Endpoint(t testing.TB) string {
	t.Helper()
	Missing(t)
	return "127.0.0.1:" + port
}

func start() error {
	// Before anything else of the process could read them.
	os.Setenv("AWS_ACCESS_KEY_ID", "varve")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "varve")
	lib, err := daemon.Cached(release, "scripts/need-dynamodb")
	if err != nil {
		return err
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return fmt.Errorf("java is missing: run scripts/need-dynamodb")
	}
	if port, err = daemon.FreePort(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "varve-dynamodb-")
	if err != nil {
		return err
	}
	cmd := exec.Command(java, "-Xmx512m", "-Djava.library.path="+lib, "-cp", filepath.Join(lib, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-port", port)
	cmd.Dir = dir
	return daemon.Start(dir, cmd, answers)
}

func answers(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
