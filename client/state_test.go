package client_test

import (
	"net/http/httptest"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/state/statetest"
	"github.com/varvedb/varve/store/memory"
)

// The room of versioned tables stands on a server as it does on a database.
func TestStateThroughHTTP(t *testing.T) {
	statetest.Run(t, func(t *testing.T) state.Store { return newState(t, client.Options{}) })
}

func newState(t *testing.T, o client.Options) state.Store {
	t.Helper()
	db := memory.Open()
	svc := chat.NewService(db.Chat(), chat.Options{})
	t.Cleanup(func() { svc.Close() })
	s, err := server.New(server.Options{Databases: []server.Database{{Name: server.DefaultDatabase, Chat: svc,
		State: state.NewService(db.State(), state.Options{})}}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	c, err := client.New(h.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.State()
}
