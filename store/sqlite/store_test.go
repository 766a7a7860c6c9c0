package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

// open opens a file that is closed with the test.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) *sqlite.Store { return open(t, filepath.Join(scratch(t), "varve.db")) }

// scratch is a folder for one test, in memory where there is such a place: the
// suites make a thousand files and would wait for the disk most of their time.
// What is about durability uses t.TempDir.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "varve-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestOwnFile(t *testing.T) {
	t.Parallel()
	chattest.Run(t, fresh(t).Chat().Features(), func(t *testing.T) chat.API {
		return chattest.Service(t, fresh(t).Chat())
	})
}

func TestOwnFileAsStore(t *testing.T) {
	t.Parallel()
	chattest.RunStore(t, func(t *testing.T) store.Store { return fresh(t) })
}

func TestHistories(t *testing.T) {
	t.Parallel()
	chattest.Histories(t, 20, 60, func(*testing.T) store.Store { return memory.Open() },
		func(t *testing.T) store.Store { return fresh(t) })
}
