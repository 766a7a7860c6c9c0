package server_test

import (
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/store/memory"
)

// The client satisfies the suite that the service satisfies, so that the wire
// loses nothing: not a field, not a kind of error, not a digit.

func TestChatOverTCP(t *testing.T) {
	chattest.Run(t, memory.Open().Chat().Features(), func(t *testing.T) chat.API {
		b := start(t)
		return b.client(b.url, client.Options{}).Chat()
	})
}

func TestChatOverSocket(t *testing.T) {
	chattest.Run(t, memory.Open().Chat().Features(), func(t *testing.T) chat.API {
		b := start(t)
		return b.client("unix:"+b.socket, client.Options{}).Chat()
	})
}

func TestChatWithAKey(t *testing.T) {
	chattest.Run(t, memory.Open().Chat().Features(), func(t *testing.T) chat.API {
		file, use := withKeys(t, nil)
		b := start(t, use)
		return b.client(b.url, client.Options{APIKey: token(t, file, "", keys.Admin)}).Chat()
	})
}
