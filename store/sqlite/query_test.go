package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

func openQuery(t *testing.T) store.Store {
	return open(t, filepath.Join(t.TempDir(), "varve.db"))
}

func TestQuery(t *testing.T) { querytest.Run(t, openQuery) }

func TestQueryHistories(t *testing.T) {
	querytest.Histories(t, 20, 200, func(*testing.T) store.Store { return memory.Open() }, openQuery)
}
