//go:build cgo && !no_duckdb

package duckdb_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/state/statetest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

func beside(ctx context.Context, path string) (store.Store, error) {
	s, err := sqlite.Open(ctx, path, sqlite.Options{Relaxed: true})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// open opens a file that is closed with the test.
func open(t testing.TB, path string) *duckdb.Store {
	t.Helper()
	s, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*duckdb.Store)
}

// scratch is a folder for one test, in memory where there is such a place: the
// suites make hundreds of files. What is about durability uses t.TempDir.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "varve-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func fresh(t *testing.T) store.Store { return open(t, filepath.Join(scratch(t), "docs.duckdb")) }

// seeds are fewer where the race detector makes each slow.
func seeds(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

func TestQuery(t *testing.T) { querytest.Run(t, fresh) }

func TestQueryHistories(t *testing.T) {
	querytest.Histories(t, seeds(20), 200, func(*testing.T) store.Store { return memory.Open() }, fresh)
}

func TestComponents(t *testing.T) { componenttest.Run(t, fresh) }

func TestComponentHistories(t *testing.T) {
	componenttest.Histories(t, seeds(10), 60, func(*testing.T) store.Store { return memory.Open() }, fresh)
}

// Conversations are the file's beside, and their notes are in the one log.
func TestConversations(t *testing.T) { chattest.RunStore(t, fresh) }

func TestVersionedTables(t *testing.T) { statetest.RunStore(t, fresh) }

// put stores a user in the file beside.
func put(t *testing.T, s *duckdb.Store, name string) {
	t.Helper()
	if _, err := s.Chat().PutUser(t.Context(), chat.User{ID: name, Identifier: name, CreatedAt: "2026-01-02T03:04:05.000Z", Metadata: chat.Object{}}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
}
