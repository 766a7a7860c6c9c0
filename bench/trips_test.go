package bench

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
)

// trips counts round trips to a server: how often a client that had been
// answered spoke again. What is sent in one go, in however many packets, is
// one.
type trips struct{ n atomic.Int64 }

// countTrips puts a counter in front of a database and returns the URL that
// goes through it.
func countTrips(b *testing.B, database string) (string, *trips) {
	b.Helper()
	u, err := url.Parse(database)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	t, server := &trips{}, u.Host
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go t.relay(client, server)
		}
	}()
	u.Host = l.Addr().String()
	return u.String(), t
}

func (t *trips) relay(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var asked atomic.Bool // the client spoke last
	go func() {
		defer client.Close()
		copyEach(client, server, func() { asked.Store(false) })
	}()
	copyEach(server, client, func() {
		if !asked.Swap(true) {
			t.n.Add(1)
		}
	})
}

// copyEach copies, and calls each before it passes on what came.
func copyEach(to io.Writer, from io.Reader, each func()) {
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

// per is how many round trips each of n runs took, after some that opened
// connections and prepared statements.
func (t *trips) per(b *testing.B, n int, run func(i int) error) float64 {
	b.Helper()
	before := int64(0)
	for i := range n + 5 {
		if i == 5 {
			before = t.n.Load()
		}
		if err := run(i); err != nil {
			b.Fatal(err)
		}
	}
	return float64(t.n.Load()-before) / float64(n)
}
