//go:build cgo && !no_duckdb

package analytics_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/analytics/duckdb"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/postgres"
)

// counter stands before a server and counts how often a client that had been
// answered spoke again.
type counter struct {
	trips atomic.Int64
	open  sync.WaitGroup
}

func (c *counter) listen(t *testing.T, server string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		c.open.Wait()
	})
	c.open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			c.open.Go(func() { c.relay(client, server) })
		}
	})
	return l.Addr().String()
}

func (c *counter) relay(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var asked atomic.Bool // the client spoke last
	c.open.Go(func() {
		defer client.Close()
		pass(client, server, func() { asked.Store(false) })
	})
	pass(server, client, func() {
		if !asked.Swap(true) {
			c.trips.Add(1)
		}
	})
}

func pass(to io.Writer, from io.Reader, each func()) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			each()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Whether anything is new is one round trip, however many tables there are.
// (A connection that lay idle is tried with another, now and then.)
func TestNothingNewOnPostgreSQLIsOneRoundTrip(t *testing.T) {
	u, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{}
	u.Host = c.listen(t, u.Host)
	s, err := postgres.Open(t.Context(), u.String(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tables := state.NewService(s.State(), state.Options{})
	for i := range 12 {
		schema := todos
		schema.Name = fmt.Sprint("todos", i)
		r, err := tables.Declare(t.Context(), schema)
		if err == nil {
			_, err = r.Put(t.Context(), state.Row{"id": "a"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m, err := duckdb.Open(t.Context(), duckdb.Sources{State: s.State(), Chat: s.Chat(), Changes: s, ID: "this"}, duckdb.Options{Path: filepath.Join(t.TempDir(), "mirror.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var least int64 = 1 << 40
	for range 20 {
		before := c.trips.Load()
		if err := m.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		least = min(least, c.trips.Load()-before)
	}
	if least != 1 {
		t.Errorf("it was %d round trips", least)
	}
}
