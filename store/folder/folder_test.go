package folder_test

import (
	"context"
	"os"
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/folder"
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

// open opens a folder that is closed with the test.
func open(t testing.TB, dir string, o folder.Options) store.Store {
	t.Helper()
	s, err := folder.Open(t.Context(), dir, beside, o)
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

// scratch is a folder for one test, in memory where there is such a place: the
// suites make hundreds. What is about durability uses t.TempDir.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "varve-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func fresh(t *testing.T) store.Store { return open(t, scratch(t), folder.Options{}) }

func TestQuery(t *testing.T) { querytest.Run(t, fresh) }

func TestQueryHistories(t *testing.T) {
	querytest.Histories(t, 20, 200, func(*testing.T) store.Store { return memory.Open() }, fresh)
}

func TestComponents(t *testing.T) { componenttest.Run(t, fresh) }
