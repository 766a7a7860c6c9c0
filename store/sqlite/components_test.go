package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

func TestComponents(t *testing.T) {
	componenttest.Run(t, func(t *testing.T) store.Store { return fresh(t) })
}

func TestComponentHistories(t *testing.T) {
	componenttest.Histories(t, 20, 80, func(*testing.T) store.Store { return memory.Open() },
		func(t *testing.T) store.Store { return fresh(t) })
}

func TestComponentProcesses(t *testing.T) {
	componenttest.Processes(t, filepath.Join(t.TempDir(), "varve.db"), func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
	})
}
