package memory_test

import (
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

func openComponents(*testing.T) store.Store { return memory.Open() }

func TestComponents(t *testing.T) { componenttest.Run(t, openComponents) }

// The reference agrees with itself, so that a difference elsewhere is one.
func TestComponentHistories(t *testing.T) {
	open := func(*testing.T) store.Store { return memory.Open() }
	componenttest.Histories(t, 30, 100, open, open)
}
