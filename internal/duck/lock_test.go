//go:build cgo && !no_duckdb && unix

package duck

import (
	"os"
	"path/filepath"
	"testing"
)

func TestALockIsOnesOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, held, err := LockFile(path)
	if err != nil || held || l == nil {
		t.Fatal(l, held, err)
	}
	if _, held, err := LockFile(path); err != nil || !held {
		t.Errorf("a second one: %v, %v", held, err)
	}
	l.Release()
	again, held, err := LockFile(path)
	if err != nil || held {
		t.Errorf("after it was given back: %v, %v", held, err)
	}
	again.Release()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil || Locked(path) {
		t.Errorf("nobody has it: %v", err)
	}
}
