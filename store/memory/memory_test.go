package memory_test

import (
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/state/statetest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

func TestChat(t *testing.T) {
	chattest.Run(t, memory.Open().Chat().Features(), func(t *testing.T) chat.API {
		return chattest.Service(t, memory.Open().Chat())
	})
}

func TestStore(t *testing.T) {
	chattest.RunStore(t, func(*testing.T) store.Store { return memory.Open() })
}

// The reference agrees with itself, so that a difference elsewhere is one.
func TestHistories(t *testing.T) {
	open := func(*testing.T) store.Store { return memory.Open() }
	chattest.Histories(t, 20, 200, open, open)
}

func TestState(t *testing.T) {
	statetest.Run(t, func(*testing.T) state.Store { return memory.Open().State() })
}

func TestStateInTransactions(t *testing.T) {
	statetest.RunStore(t, func(*testing.T) store.Store { return memory.Open() })
}

// The reference agrees with itself, so that a difference elsewhere is one.
func TestStateHistories(t *testing.T) {
	open := func(*testing.T) state.Store { return memory.Open().State() }
	statetest.Histories(t, 20, 200, open, open)
}

func TestArtifacts(t *testing.T) {
	artifacttest.Run(t, func(*testing.T) artifact.Index { return memory.Open().Artifacts() })
}
