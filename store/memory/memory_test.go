package memory_test

import (
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
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
