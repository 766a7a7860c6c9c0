package memory_test

import (
	"testing"

	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

func TestQuery(t *testing.T) {
	querytest.Run(t, func(*testing.T) store.Store { return memory.Open() })
}

// The reference agrees with itself, so that a difference elsewhere is one.
func TestQueryHistories(t *testing.T) {
	open := func(*testing.T) store.Store { return memory.Open() }
	querytest.Histories(t, 20, 200, open, open)
}
