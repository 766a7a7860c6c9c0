package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server"
)

// rigged is conversations that do what a test wants in Step.
type rigged struct {
	chat.API
	step func(context.Context) error
}

func (r rigged) Step(ctx context.Context, _ chat.Ref) (chat.Step, error) {
	return chat.Step{ID: "s"}, r.step(ctx)
}

func startRigged(t *testing.T, step func(context.Context) error, change ...func(*server.Options)) *bench {
	return start(t, append(change, func(o *server.Options) {
		o.Databases[0].Chat = rigged{o.Databases[0].Chat, step}
	})...)
}

func TestAPanicEndsItsRequestOnly(t *testing.T) {
	b := startRigged(t, func(context.Context) error { panic("hush: a secret") })
	r := b.send("GET", "/v1/steps/s", "", "X-Request-Id: req-1")
	b.want(r, 500, errs.Internal)
	if strings.Contains(r.body, "hush") || !strings.Contains(r.body, "req-1") {
		t.Errorf("the answer: %s", r.body)
	}
	if log := b.log.String(); !strings.Contains(log, "hush: a secret") || !strings.Contains(log, "req-1") || !strings.Contains(log, "life_test.go") {
		t.Errorf("the log does not tell: %s", log)
	}
	if r := b.send("GET", "/healthz", ""); r.status != 200 {
		t.Errorf("after: %d", r.status)
	}
}

func TestAFaultOfOursIsNotToldInAnswers(t *testing.T) {
	for _, fault := range []error{errors.New("pq: password of admin"), fmt.Errorf("x: %w", errs.Wrap(errs.Internal, errors.New("password"), "password")),
		errs.Wrap(errs.Unavailable, errors.New("dial db.internal: password"), "the store does not answer")} {
		b := startRigged(t, func(context.Context) error { return fault })
		r := b.send("GET", "/v1/steps/s", "")
		if r.kind() != errs.KindOf(fault) || strings.Contains(r.body, "password") || strings.Contains(r.body, "db.internal") {
			t.Errorf("%v: %d %s", fault, r.status, r.body)
		}
		if !strings.Contains(b.log.String(), "password") {
			t.Errorf("%v: the log does not tell", fault)
		}
	}
}

// Every kind goes over the wire and comes back as it was, with its field and
// its sentence.
func TestEveryKindCrossesTheWire(t *testing.T) {
	for _, kind := range errs.Kinds() {
		b := startRigged(t, func(context.Context) error { return fmt.Errorf("deep: %w", errs.Field(kind, "threadId", "a sentence")) })
		_, err := b.client(b.url, client.Options{}).Chat().Step(t.Context(), chat.Ref{ID: "s"})
		if !errors.Is(err, kind) || errs.KindOf(err) != kind {
			t.Errorf("%s came back as %v", kind, err)
		}
		var e *errs.Error
		if kind != errs.Internal && (!errors.As(err, &e) || e.Field != "threadId" || e.Detail != "a sentence") {
			t.Errorf("%s came back as %+v", kind, e)
		}
	}
}

func TestRequestsInFlightFinishAtTheEnd(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	b := startRigged(t, func(context.Context) error { close(began); <-finish; return nil })
	answered := make(chan error, 1)
	go func() {
		_, err := b.client(b.url, client.Options{Attempts: 1}).Chat().Step(context.Background(), chat.Ref{ID: "s"})
		answered <- err
	}()
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- b.server.Stop() }()
	// The listener closes at once, the request goes on.
	for refused := false; !refused; {
		_, err := http.Get(b.url + "/healthz")
		refused = err != nil
	}
	select {
	case err := <-answered:
		t.Fatalf("answered before it was finished: %v", err)
	default:
	}
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
	if _, err := os.Stat(b.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestWhatDoesNotFinishIsCutOff(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	step := func(ctx context.Context) error { close(began); <-ctx.Done(); close(ended); return ctx.Err() }
	b := startRigged(t, step, func(o *server.Options) { o.Grace = 10 * time.Millisecond })
	answered := make(chan error, 1)
	go func() {
		_, err := b.client(b.url, client.Options{Attempts: 1}).Chat().Step(context.Background(), chat.Ref{ID: "s"})
		answered <- err
	}()
	<-began
	if err := b.server.Stop(); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("Stop says nothing of it: %v", err)
	}
	<-ended
	if err := <-answered; errs.KindOf(err) != errs.Unavailable {
		t.Errorf("the caller: %v", err)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	s, err := server.New(server.Options{Listen: []string{"127.0.0.1:0"}, Databases: []server.Database{{Name: "default", Chat: newService(t, nil)}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(s.Addrs()) != 0 {
		t.Error("it still listens")
	}
}

func TestACallerThatGoesIsNotWaitedFor(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	b := startRigged(t, func(ctx context.Context) error { close(began); <-ctx.Done(); close(ended); return ctx.Err() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	_, err := b.client(b.url, client.Options{}).Chat().Step(ctx, chat.Ref{ID: "s"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the caller hears %v", err)
	}
	<-ended
}

func TestReadyzAsksTheStores(t *testing.T) {
	var mu sync.Mutex
	var fault error
	now := time.Now()
	b := start(t, func(o *server.Options) {
		o.Databases[0].Ping = func(context.Context) error { mu.Lock(); defer mu.Unlock(); return fault }
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	if err := b.client(b.url, client.Options{}).Ping(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	mu.Lock()
	fault = errors.New("db.internal is down")
	mu.Unlock()
	if r := b.send("GET", "/readyz", ""); r.status != 200 {
		t.Errorf("in the same second it says %d", r.status)
	}
	later := func(err error) reply {
		mu.Lock()
		fault, now = err, now.Add(time.Second)
		mu.Unlock()
		r := b.send("GET", "/readyz", "")
		b.want(r, 503, errs.Unavailable)
		if strings.Contains(r.body, "db.internal") {
			t.Errorf("it tells: %s", r.body)
		}
		return r
	}
	later(fault)
	full := errs.Wrap(errs.Unavailable, errors.New("db.internal:5432"), "the disk is full")
	if r := later(full); !strings.Contains(r.body, "the disk is full") {
		t.Errorf("it does not tell why: %s", r.body)
	}
	if r := b.send("GET", "/healthz", ""); r.status != 200 {
		t.Errorf("healthz: %d", r.status)
	}
}

func TestMetrics(t *testing.T) {
	b := start(t)
	b.send("PUT", "/v1/steps/s", `{"threadId":"t"}`, asJSON)
	b.send("PUT", "/v1/steps/s2", `{"threadId":"t"}`, asJSON)
	b.send("GET", "/v1/nothing", "")
	r := b.send("GET", "/metrics", "")
	for _, want := range []string{`varve_http_requests_total{route="PUT /v1/steps/{stepId}",status="200"} 2`,
		`varve_http_requests_total{route="none",status="404"} 1`, `varve_http_request_seconds_count{route="PUT /v1/steps/{stepId}"} 2`,
		"varve_http_requests_in_flight 1", "go_goroutines"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("no %s in\n%s", want, r.body)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	seen := ""
	b := startRigged(t, func(ctx context.Context) error { seen = server.RequestID(ctx); return nil })
	if r := b.send("GET", "/v1/steps/s", "", "X-Request-Id: abc-1"); r.header.Get("X-Request-Id") != "abc-1" || seen != "abc-1" {
		t.Errorf("given: %q, %q", r.header.Get("X-Request-Id"), seen)
	}
	for _, bad := range []string{strings.Repeat("x", 129), "a b", "ü"} {
		if got := b.send("GET", "/v1/steps/s", "", "X-Request-Id: "+bad).header.Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// 64 clients at once, over both ways, in the same threads: nothing is lost.
func TestManyClientsAtOnce(t *testing.T) {
	b := start(t)
	clients, steps := 64, 20
	if testing.Short() {
		clients = 8
	}
	var wg sync.WaitGroup
	for i := range clients {
		address := b.url
		if i%2 == 1 {
			address = "unix:" + b.socket
		}
		c := b.client(address, client.Options{}).Chat()
		wg.Go(func() {
			thread := fmt.Sprintf("t%d", i/4)
			for j := range steps {
				id := fmt.Sprintf("s%d-%d", i, j)
				_, err := c.PutStep(t.Context(), chat.Step{ID: id, ThreadID: thread, Type: "run", Output: "x", CreatedAt: "2026-01-02T03:04:05Z"})
				if err != nil {
					t.Errorf("%s: %v", id, err)
				}
				if _, err := c.UpdateThread(t.Context(), chat.ThreadPatch{ID: thread, Metadata: chat.Object{id: true}}); err != nil {
					t.Errorf("%s: %v", id, err)
				}
				if j%5 == 0 {
					if _, err := c.PutElement(t.Context(), chat.Element{ID: id, ThreadID: thread, Type: "file"}, strings.NewReader(id)); err != nil {
						t.Errorf("%s: %v", id, err)
					}
				}
			}
		})
	}
	wg.Wait()
	c := b.client(b.url, client.Options{}).Chat()
	for i := range clients / 4 {
		thread, err := c.Thread(t.Context(), fmt.Sprintf("t%d", i))
		if err != nil || len(thread.Steps) != 4*steps || len(thread.Metadata) != 4*steps || len(thread.Elements) != 4*steps/5 {
			t.Fatalf("thread %d: %d steps, %d keys, %d elements, %v", i, len(thread.Steps), len(thread.Metadata), len(thread.Elements), err)
		}
		for _, e := range thread.Elements {
			content, err := c.Content(t.Context(), chat.Ref{ID: e.ID, ThreadID: e.ThreadID})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(content.Body)
			content.Body.Close()
			if err != nil || string(raw) != e.ID {
				t.Fatalf("%s holds %q, %v", e.ID, raw, err)
			}
		}
	}
	p, err := c.Threads(t.Context(), chat.ThreadFilter{}, page.Request{First: 200})
	if err != nil || len(p.Data) != clients/4 {
		t.Errorf("%d threads, %v", len(p.Data), err)
	}
}
