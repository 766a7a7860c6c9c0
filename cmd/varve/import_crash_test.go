package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/transfer"
)

// TestKilledImportIsFinishedByTheNext kills with SIGKILL who imports through a
// server, or the server: while files are sent, while the first rows are, and
// while the next ones are. The run that is let finish goes on there, and leaves
// what was exported, no more and no less.
func TestKilledImportIsFinishedByTheNext(t *testing.T) {
	if testing.Short() {
		t.Skip("a program that is killed has no races to look for")
	}
	t.Run("the importer", func(t *testing.T) { killImports(t, false) })
	t.Run("the server", func(t *testing.T) { killImports(t, true) })
}

func killImports(t *testing.T, server bool) {
	dir, err := os.MkdirTemp("", "varve") // short, since a socket's path must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	i := imports{T: t, export: filepath.Join(dir, "export"), client: filepath.Join(dir, "client"), server: filepath.Join(dir, "to")}
	from := erasures{T: t, dir: dir, data: filepath.Join(dir, "from")}
	i.fill(from.data)
	from.run("chat", "export", "--bytes", "-o", i.export)

	w := newWay(t, filepath.Join(i.server, socketName))
	i.killed(w, w.file, 5, server)
	i.killed(w, w.rows, 1, server)
	i.killed(w, w.rows, 2, server)
	i.whole(w)

	to := erasures{T: t, dir: dir, data: i.server}
	again := filepath.Join(dir, "again")
	to.run("chat", "export", "--bytes", "-o", again)
	if want, got := i.conversations(i.export), i.conversations(again); !bytes.Equal(want, got) {
		t.Errorf("exported %d bytes, and again %d others", len(want), len(got))
	}
	if n := len(to.files()); n != imported40 {
		t.Errorf("there are %d files of elements, want %d", n, imported40)
	}
}

// imported40 is how many threads are imported. Their texts are so long that they
// are written in several pieces, the first of which is 16 threads at most.
const imported40 = 40

// imports are runs of `varve chat import` through a server.
type imports struct {
	*testing.T
	export         string
	client, server string // data folders
}

func (i imports) fill(data string) {
	i.Helper()
	ctx := context.Background()
	db, err := all.Open(ctx, "sqlite:"+filepath.Join(data, "varve.db"), nil)
	if err != nil {
		i.Fatal(err)
	}
	defer db.Close()
	c := db.Chat()
	u, err := c.PutUser(ctx, chat.User{Identifier: "ada"})
	for n := 0; err == nil && n < imported40; n++ {
		id := fmt.Sprint("t", n)
		_, threadErr := c.UpdateThread(ctx, chat.ThreadPatch{ID: id, UserID: u.ID, Name: chat.Ptr(id)})
		_, stepErr := c.PutStep(ctx, chat.Step{ID: "s" + id, ThreadID: id, Type: "user_message", Output: strings.Repeat(id+" ", 100_000)})
		_, elementErr := c.PutElement(ctx, chat.Element{ID: "e" + id, ThreadID: id, Name: id}, strings.NewReader(strings.Repeat(id, 500)))
		err = errors.Join(threadErr, stepErr, elementErr)
	}
	if err != nil {
		i.Fatal(err)
	}
}

func (i imports) conversations(export string) []byte {
	i.Helper()
	raw, err := os.ReadFile(filepath.Join(export, "conversations.jsonl"))
	if err != nil {
		i.Fatal(err)
	}
	return raw
}

func (i imports) command(w *way) (cmd *exec.Cmd, out, said *bytes.Buffer) {
	out, said = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = command(i, "chat", "import", "--json", "--data", i.client, "--url", w.url, i.export)
	cmd.Stdout, cmd.Stderr = out, said
	return cmd, out, said
}

// killed imports, and kills who does it, or the server, at the n-th request of a
// kind.
func (i imports) killed(w *way, kind func(*http.Request) bool, n int, server bool) {
	i.Helper()
	s := startServer(i.T, i.server, "")
	defer s.client.Close()
	cmd, out, said := i.command(w)
	victim := cmd
	if server {
		victim = s.cmd
	}
	w.kill(kind, n, victim)
	if err := cmd.Start(); err != nil {
		i.Fatal(err)
	}
	err := cmd.Wait()
	s.cmd.Process.Kill() // of no effect on one that is dead
	s.cmd.Wait()
	if !w.reached() || err == nil {
		i.Fatalf("nobody was killed, or an import that was broken off says it is done: %v: %s%s", err, out, said)
	}
	if server && !strings.Contains(said.String(), "run the same command again and it goes on where it stopped") {
		i.Errorf("the importer says %s", said)
	}
}

// whole imports to the end, and looks at what that says of itself.
func (i imports) whole(w *way) {
	i.Helper()
	s := startServer(i.T, i.server, "")
	defer s.client.Close()
	w.kill(w.rows, 0, nil)
	cmd, out, said := i.command(w)
	err := cmd.Run()
	s.cmd.Process.Signal(os.Interrupt)
	s.cmd.Wait()
	if err != nil {
		i.Fatalf("%v: %s%s", err, out, said)
	}
	var done imported
	if err := json.Unmarshal(out.Bytes(), &done); err != nil {
		i.Fatal(err)
	}
	if !done.Resumed {
		i.Error("the last run began anew")
	}
	if n := done.Created.Threads + done.Kept.Threads; n != imported40 {
		i.Errorf("%d threads were imported", n)
	}
	if v := done.Verified; v == nil || v.Different != 0 || v.From != v.To || v.From == (transfer.Count{}) {
		i.Errorf("compared: %+v", v)
	}
}

// way is the way to a server at a socket, on which its client, or the server,
// can be killed.
type way struct {
	url string

	mu     sync.Mutex
	kind   func(*http.Request) bool
	left   int
	victim *exec.Cmd
}

func newWay(t *testing.T, socket string) *way {
	t.Helper()
	w := &way{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "localhost", "localhost"
		},
		// Servers come and go.
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	srv := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.pass(r)
		proxy.ServeHTTP(out, r)
	}))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// file and rows are the requests that write.
func (w *way) file(r *http.Request) bool { return r.Method == http.MethodPut }

func (w *way) rows(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/rows/write")
}

// kill kills a program at the n-th request of a kind from now on, and at none
// for 0.
func (w *way) kill(kind func(*http.Request) bool, n int, victim *exec.Cmd) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kind, w.left, w.victim = kind, n, victim
}

// reached tells whether it was killed.
func (w *way) reached() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left == 0
}

func (w *way) pass(r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 || !w.kind(r) {
		return
	}
	if w.left--; w.left == 0 {
		w.victim.Process.Kill()
	}
}
