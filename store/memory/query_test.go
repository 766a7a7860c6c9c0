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
