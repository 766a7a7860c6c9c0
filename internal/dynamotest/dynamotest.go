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
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	release  = "dynamodb-local-2.5.2"
	patience = time.Minute
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
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	lib := filepath.Join(cache, "varve", release)
	if _, err := os.Stat(lib); err != nil {
		return fmt.Errorf("%s is missing: run scripts/need-dynamodb", release)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return fmt.Errorf("java is missing: run scripts/need-dynamodb")
	}
	if port, err = freePort(); err != nil {
		return err
	}
	return serve(exec.Command(java, "-Xmx512m", "-Djava.library.path="+lib, "-cp", filepath.Join(lib, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-port", port))
}

// serve starts the server and waits for it. The kernel ends it when the thread
// that started it ends, so the thread is kept.
func serve(cmd *exec.Cmd) error {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, exited := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if answers(ctx) {
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("DynamoDB Local ended: %v\n%s", err, out.String())
		case <-ctx.Done():
			return fmt.Errorf("DynamoDB Local does not answer")
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", err
	}
	return port, l.Close()
}
