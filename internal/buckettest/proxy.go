package buckettest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Front stands before a server and answers some requests itself: those for
// which instead returns true. Signatures hold, since hosts are handed on.
func Front(t testing.TB, server string, instead func(http.ResponseWriter, *http.Request) bool) (address string) {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
		r.Out.Host = r.In.Host
	}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !instead(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Line is a way to a server that can be cut.
type Line struct {
	URL string

	to    string
	left  atomic.Int64
	mu    sync.Mutex
	ends  map[net.Conn]bool
	wait  sync.WaitGroup
	enter net.Listener
}

// NewLine makes a line to a server that is cut after so many bytes were sent
// to it, and mended by Mend.
func NewLine(t testing.TB, server string, after int64) *Line {
	t.Helper()
	enter, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{URL: "http://" + enter.Addr().String(), to: strings.TrimPrefix(server, "http://"), ends: map[net.Conn]bool{}, enter: enter}
	l.left.Store(after)
	l.wait.Go(l.serve)
	t.Cleanup(func() {
		enter.Close()
		l.cut()
		l.wait.Wait()
	})
	return l
}

// Mend lets everything through from now on.
func (l *Line) Mend() { l.left.Store(1 << 60) }

func (l *Line) serve() {
	for {
		from, err := l.enter.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", l.to)
		if err != nil || l.left.Load() <= 0 {
			from.Close()
			continue
		}
		l.mu.Lock()
		l.ends[from], l.ends[to] = true, true
		l.mu.Unlock()
		l.wait.Go(func() { io.Copy(to, meter{from, l}); l.drop(from, to) })
		l.wait.Go(func() { io.Copy(from, to); l.drop(from, to) })
	}
}

// meter cuts the line when its bytes are spent.
type meter struct {
	net.Conn
	l *Line
}

func (m meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if m.l.left.Add(-int64(n)) <= 0 {
		m.l.cut()
	}
	return n, err
}

func (l *Line) drop(ends ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range ends {
		c.Close()
		delete(l.ends, c)
	}
}

func (l *Line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.ends {
		c.Close()
	}
}
