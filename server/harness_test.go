package server_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/store/memory"
)

// signing is files in memory with signed URLs of their own.
type signing struct {
	*chattest.Files
	secret []byte
	now    func() time.Time
}

func (f signing) mac(key, expires, name, mime string) string {
	m := hmac.New(sha256.New, f.secret)
	fmt.Fprintf(m, "%q %q %q %q", key, expires, name, mime)
	return hex.EncodeToString(m.Sum(nil))
}

func (f signing) Sign(_ context.Context, key, name, mime string, ttl time.Duration) (string, error) {
	if ttl == 0 {
		ttl = time.Hour
	}
	expires := strconv.FormatInt(f.now().Add(ttl).Unix(), 10)
	q := url.Values{"expires": {expires}, "name": {name}, "type": {mime}, "signature": {f.mac(key, expires, name, mime)}}
	return "/v1/objects/" + url.PathEscape(key) + "?" + q.Encode(), nil
}

func (f signing) SignedURL(ctx context.Context, key, name, mime string) (string, error) {
	return f.Sign(ctx, key, name, mime, 0)
}

func (f signing) Verify(key string, q url.Values) error {
	want := f.mac(key, q.Get("expires"), q.Get("name"), q.Get("type"))
	expires, err := strconv.ParseInt(q.Get("expires"), 10, 64)
	if err != nil || !hmac.Equal([]byte(want), []byte(q.Get("signature"))) || f.now().Unix() > expires {
		return errs.New(errs.Forbidden, "the signed URL is wrong or over")
	}
	return nil
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Now()} }

// bench is a running server and what a test needs of it.
type bench struct {
	testing.TB
	server *server.Server
	files  signing
	clock  *clock
	log    *logBuffer
	url    string // of its TCP listener
	socket string
}

// logBuffer collects a log that is written from many goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a server over a memory store on loopback and on a socket.
func start(t testing.TB, change ...func(*server.Options)) *bench {
	t.Helper()
	b := &bench{TB: t, clock: newClock(), log: &logBuffer{}, socket: filepath.Join(t.TempDir(), "v.sock")}
	b.files = signing{chattest.NewFiles(), []byte("a secret of the test"), b.clock.now}
	o := server.Options{
		Databases: []server.Database{b.database("default")},
		Listen:    []string{"127.0.0.1:0", "unix:" + b.socket},
		Log:       slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	b.server = s
	if addrs := s.Addrs(); len(addrs) > 0 {
		b.url = "http://" + addrs[0].String()
	}
	return b
}

// database is one over a memory store of its own.
func (b *bench) database(name string) server.Database {
	svc := chat.NewService(memory.Open().Chat(), chat.Options{Files: b.files})
	b.Cleanup(func() { svc.Close() })
	return server.Database{Name: name, Chat: svc, Files: b.files}
}

// client is a Go client of the server.
func (b *bench) client(address string, o client.Options) *client.Client {
	b.Helper()
	c, err := client.New(address, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// kind is the kind of a problem, "" where it is none.
func (r reply) kind() errs.Kind {
	if r.header.Get("Content-Type") != "application/problem+json" {
		return ""
	}
	var p struct{ Kind errs.Kind }
	if json.Unmarshal([]byte(r.body), &p) != nil {
		return ""
	}
	return p.Kind
}

// send makes a raw request: headers are "Name: value".
func (b *bench) send(method, path, body string, headers ...string) reply {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	return b.do(http.DefaultClient, req)
}

func (b *bench) do(c *http.Client, req *http.Request) reply {
	b.Helper()
	res, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(raw)}
}

func (b *bench) want(r reply, status int, kind errs.Kind) {
	b.Helper()
	if r.status != status || r.kind() != kind {
		b.Errorf("got %d %q, want %d %q: %s", r.status, r.kind(), status, kind, r.body)
	}
}

// asJSON is the header of a JSON body.
const asJSON = "Content-Type: application/json"

// withKeys gives the server a file of keys, and returns it.
func withKeys(t testing.TB, now func() time.Time) (*keys.File, func(*server.Options)) {
	t.Helper()
	f, err := keys.Open(filepath.Join(t.TempDir(), "keys.json"), keys.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return f, func(o *server.Options) { o.Keys = f }
}

func token(t testing.TB, f *keys.File, database string, scopes ...keys.Scope) string {
	t.Helper()
	_, token, err := f.Create(keys.Spec{Database: database, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return token
}
