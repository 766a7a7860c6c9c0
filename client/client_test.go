package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/store/memory"
)

func newServer(t *testing.T, listen ...string) *server.Server {
	svc := chat.NewService(memory.Open().Chat(), chat.Options{Files: chattest.NewFiles()})
	t.Cleanup(func() { svc.Close() })
	s, err := server.New(server.Options{Listen: listen, Databases: []server.Database{{Name: server.DefaultDatabase, Chat: svc}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClient(t *testing.T, address string, o client.Options) *client.Chat {
	t.Helper()
	c, err := client.New(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Chat()
}

func TestAddresses(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:8484", "https://chat.example", "https://chat.example/varve/", "unix:/tmp/x.sock", "unix:x.sock", "unix:///tmp/x.sock"} {
		if _, err := client.New(good, client.Options{}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "127.0.0.1:8484", "localhost:8484", "ftp://x", "http://", "unix:", "http://user:hush@ho st", "://"} {
		_, err := client.New(bad, client.Options{})
		if !errors.Is(err, errs.Invalid) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Every id is one segment of a path, whatever is in it.
func TestIDsOfAnyText(t *testing.T) {
	h := httptest.NewServer(newServer(t).Handler())
	t.Cleanup(h.Close)
	c, ctx := newClient(t, h.URL, client.Options{}), t.Context()
	if _, err := c.PutStep(ctx, chat.Step{ID: "/", ThreadID: "t"}); !errors.Is(err, errs.Invalid) {
		t.Errorf("a slash alone: %v", err) // the one that a path cannot hold
	}
	ids := []string{".", "..", "...", "-", "a/b", "/a/", "//", "a?b#c", "a%2Fb", "%", "a b+c", "ä/ö", "🧑‍🚀", "'\"\\", ";&=", "~", "{x}", "author", strings.Repeat("x", 1024)}
	for _, id := range ids {
		if _, err := c.PutUser(ctx, chat.User{Identifier: id}); err != nil {
			t.Errorf("user %q: %v", id, err)
		}
		if _, err := c.PutStep(ctx, chat.Step{ID: id, ThreadID: id, Type: "run", Name: id}); err != nil {
			t.Errorf("step %q: %v", id, err)
		}
		if _, err := c.PutElement(ctx, chat.Element{ID: id, ThreadID: id, Type: "file", Name: "n"}, strings.NewReader(id)); err != nil {
			t.Errorf("element %q: %v", id, err)
		}
	}
	for _, id := range ids {
		if u, err := c.User(ctx, id); err != nil || u.Identifier != id {
			t.Errorf("user %q: %q, %v", id, u.Identifier, err)
		}
		if thread, err := c.Thread(ctx, id); err != nil || thread.ID != id || len(thread.Steps) != 1 || len(thread.Elements) != 1 {
			t.Errorf("thread %q: %+v, %v", id, thread, err)
		}
		if s, err := c.Step(ctx, chat.Ref{ID: id, ThreadID: id}); err != nil || s.Name != id {
			t.Errorf("step %q: %q, %v", id, s.Name, err)
		}
		content, err := c.Content(ctx, chat.Ref{ID: id, ThreadID: id})
		if err != nil {
			t.Errorf("content %q: %v", id, err)
			continue
		}
		raw, err := io.ReadAll(content.Body)
		content.Body.Close()
		if string(raw) != id || err != nil {
			t.Errorf("content %q: %q, %v", id, raw, err)
		}
		if as := chat.As(ctx, id); c.DeleteThread(as, id) != nil {
			t.Errorf("deleting %q as %q fails", id, id)
		}
	}
}

func TestAnEmptyIDIsInvalid(t *testing.T) {
	h := httptest.NewServer(newServer(t).Handler())
	t.Cleanup(h.Close)
	c, ctx := newClient(t, h.URL, client.Options{}), t.Context()
	for name, call := range map[string]func() error{
		"User":    func() error { _, err := c.User(ctx, ""); return err },
		"Thread":  func() error { _, err := c.Thread(ctx, ""); return err },
		"Author":  func() error { _, err := c.Author(ctx, ""); return err },
		"Step":    func() error { _, err := c.Step(ctx, chat.Ref{}); return err },
		"Element": func() error { _, err := c.Element(ctx, chat.Ref{}); return err },
		"Content": func() error { _, err := c.Content(ctx, chat.Ref{}); return err },
		"Delete":  func() error { return c.DeleteFeedback(ctx, chat.Ref{}) },
	} {
		if err := call(); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheUserOfTheOptionsActs(t *testing.T) {
	var seen []string
	var mu sync.Mutex
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Varve-User")+"|"+r.Header.Get("Authorization")+"|"+r.Header.Get("Varve-Database"))
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(h.Close)
	c := newClient(t, h.URL, client.Options{User: "a/ü", APIKey: "k", Database: "d"})
	c.DeleteThread(t.Context(), "t")
	c.DeleteThread(chat.As(t.Context(), "bob"), "t")
	want := "[a%2F%C3%BC|Bearer k|d bob|Bearer k|d]"
	if got := fmt.Sprint(seen); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What is between may answer anything; it becomes an error of a kind.
func TestAnswersOfOthers(t *testing.T) {
	for _, c := range []struct {
		status      int
		contentType string
		body        string
		want        errs.Kind
	}{
		{502, "text/html", "<h1>Bad Gateway</h1>", errs.Unavailable},
		{503, "application/problem+json", "{broken", errs.Unavailable},
		{404, "text/plain", "404", errs.NotFound},
		{429, "", "", errs.Unavailable},
		{418, "application/json", "{}", errs.Invalid},
		{500, "application/problem+json", `{"kind":"gone","status":410}`, errs.Gone},
		{200, "application/json", "<html>", errs.Internal},
		{302, "text/html", "", errs.Internal},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		_, err := newClient(t, h.URL, client.Options{}).Step(t.Context(), chat.Ref{ID: "s"})
		if errs.KindOf(err) != c.want {
			t.Errorf("%d %s: %v, want %s", c.status, c.contentType, err, c.want)
		}
		h.Close()
	}
}

func TestACutAnswerIsUnavailable(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"id":`)
	}))
	t.Cleanup(h.Close)
	_, err := newClient(t, h.URL, client.Options{}).Step(t.Context(), chat.Ref{ID: "s"})
	if !errors.Is(err, errs.Unavailable) {
		t.Errorf("%v", err)
	}
}

// free is an address on which nobody listens.
func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestARefusedConnectionIsTriedAgain(t *testing.T) {
	address := free(t)
	c := newClient(t, "http://"+address, client.Options{Attempts: 100})
	done := make(chan error, 1)
	go func() {
		_, err := c.PutStep(context.Background(), chat.Step{ID: "s", ThreadID: "t", Type: "run"})
		done <- err
	}()
	s := newServer(t, address)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNobodyThereIsUnavailable(t *testing.T) {
	for _, address := range []string{"http://" + free(t), "unix:/nowhere/at.all"} {
		_, err := newClient(t, address, client.Options{Attempts: 2}).Step(t.Context(), chat.Ref{ID: "s"})
		if !errors.Is(err, errs.Unavailable) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A request that may have arrived is not sent twice.
func TestALostAnswerIsNotAskedForAgain(t *testing.T) {
	var calls atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(h.Close)
	_, err := newClient(t, h.URL, client.Options{}).UpdateThread(t.Context(), chat.ThreadPatch{ID: "t"})
	if !errors.Is(err, errs.Unavailable) || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient(t, "http://"+free(t), client.Options{Attempts: 100}).Threads(ctx, chat.ThreadFilter{}, page.Request{})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errs.Unavailable) {
		t.Errorf("%v", err)
	}
}

// failing is content that breaks off on the caller's side.
type failing struct{ n int }

var errDisk = errors.New("the disk is gone")

func (f *failing) Read(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errDisk
	}
	return len(b), nil
}

func TestContentThatCannotBeReadStoresNothing(t *testing.T) {
	h := httptest.NewServer(newServer(t).Handler())
	t.Cleanup(h.Close)
	c := newClient(t, h.URL, client.Options{})
	_, err := c.PutElement(t.Context(), chat.Element{ID: "e", ThreadID: "t", Type: "file"}, &failing{n: 1 << 20})
	if !errors.Is(err, errDisk) {
		t.Errorf("the cause is lost: %v", err)
	}
	if _, err := c.Element(t.Context(), chat.Ref{ID: "e"}); !errors.Is(err, errs.NotFound) {
		t.Errorf("something is stored: %v", err)
	}
}

// An upload that is refused ends; it does not wait for its content.
func TestARefusedUploadEnds(t *testing.T) {
	h := httptest.NewServer(newServer(t).Handler())
	t.Cleanup(h.Close)
	c, ctx := newClient(t, h.URL, client.Options{}), t.Context()
	u, err := c.PutUser(ctx, chat.User{Identifier: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateThread(ctx, chat.ThreadPatch{ID: "t", UserID: u.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = c.PutElement(chat.As(ctx, "bob"), chat.Element{ID: "e", ThreadID: "t", Type: "file"}, &failing{n: 1 << 40})
	if !errors.Is(err, errs.Forbidden) {
		t.Errorf("%v", err)
	}
}

func TestURLsAreCompleted(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"e","url":"/v1/objects/k?signature=x"}`)
	}))
	t.Cleanup(h.Close)
	e, err := newClient(t, h.URL+"/below/", client.Options{}).Element(t.Context(), chat.Ref{ID: "e"})
	if want := h.URL + "/below/v1/objects/k?signature=x"; err != nil || e.URL != want {
		t.Errorf("%q, want %q, %v", e.URL, want, err)
	}
}
