package memory_test

import (
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

func openComponents(*testing.T) store.Store { return memory.Open() }

func TestComponents(t *testing.T) { componenttest.Run(t, openComponents) }
