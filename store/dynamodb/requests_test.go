package dynamodb_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/dynamodb"
)

// wire counts what is asked of DynamoDB, and answers for it where told to.
type wire struct {
	url    string // of the table
	mu     sync.Mutex
	asked  []string
	answer func(r *http.Request, operation string, nth int) (*http.Response, error)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.mu.Lock()
	w.asked = append(w.asked, operation)
	nth, answer := len(w.asked), w.answer
	w.mu.Unlock()
	if answer != nil {
		if resp, err := answer(r, operation, nth); resp != nil || err != nil {
			return resp, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// of returns what a call asks for.
func (w *wire) of(t *testing.T, call func() error) string {
	t.Helper()
	w.asked = nil
	if err := call(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(w.asked, " ")
}

func wired(t *testing.T) (*wire, chat.Store) {
	t.Helper()
	w := &wire{url: table(t)}
	return w, open(t, w.url, dynamodb.Options{HTTP: &http.Client{Transport: w}}).Chat()
}

func TestRequestsOfEachCall(t *testing.T) {
	w, c := wired(t)
	ctx, now := t.Context(), chat.Write{Now: time.Now()}
	step := chat.Step{ID: "m", ThreadID: "t0", Type: "user_message", Output: "hi", CreatedAt: "2026-01-02T03:04:05.000000Z"}
	if _, err := c.PutUser(ctx, chat.User{Identifier: "ada", CreatedAt: step.CreatedAt}, now); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		p := chat.ThreadPatch{ID: fmt.Sprintf("t%d", i), UserID: "ada"}
		if err := c.ApplyThread(ctx, p, chat.Write{Now: now.Now.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	ref, patch := chat.Ref{ID: "m", ThreadID: "t0"}, chat.ThreadPatch{ID: "t0", Name: chat.Ptr("n")}
	feedback := func(c chat.Store) error {
		_, err := c.ApplyFeedback(ctx, chat.Feedback{ID: "f", ForID: "m", ThreadID: "t0", Value: 1}, now)
		return err
	}
	element := func(id string) func(chat.Store) error {
		return func(c chat.Store) error {
			return c.ApplyElement(ctx, chat.Element{ID: id, ThreadID: "t0", ForID: "m", Name: "n", ObjectKey: "k" + id}, now)
		}
	}
	// A process that has not seen a thing yet reads it first.
	for _, call := range []struct {
		name, first, again string
		do                 func(chat.Store) error
	}{
		{"PutUser", "UpdateItem", "UpdateItem", func(c chat.Store) error { _, err := c.PutUser(ctx, chat.User{Identifier: "ada"}, now); return err }},
		{"User", "GetItem", "GetItem", func(c chat.Store) error { _, err := c.User(ctx, "ada"); return err }},
		{"ApplyThread", "BatchGetItem UpdateItem", "UpdateItem", func(c chat.Store) error { return c.ApplyThread(ctx, patch, now) }},
		{"ApplyStep", "BatchGetItem TransactWriteItems", "UpdateItem", func(c chat.Store) error { return c.ApplyStep(ctx, step, now) }},
		{"ApplyFeedback", "BatchGetItem UpdateItem", "UpdateItem", feedback},
		{"ApplyElement", "BatchGetItem TransactWriteItems", "UpdateItem", element("e")},
		{"Head", "GetItem", "GetItem", func(c chat.Store) error { _, err := c.Head(ctx, "t0"); return err }},
		{"Step", "GetItem", "GetItem", func(c chat.Store) error { _, err := c.Step(ctx, ref); return err }},
		{"Element", "GetItem", "GetItem", func(c chat.Store) error { _, err := c.Element(ctx, chat.Ref{ID: "e", ThreadID: "t0"}); return err }},
		{"Thread", "Query", "Query", func(c chat.Store) error { _, err := c.Thread(ctx, "t0"); return err }},
		{"Threads", "Query BatchGetItem", "Query BatchGetItem", func(c chat.Store) error {
			found, err := c.Threads(ctx, chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada"}, Limit: 36})
			if err == nil && (len(found) != 36 || found[0].ID != "t39") {
				err = fmt.Errorf("%d threads", len(found))
			}
			return err
		}},
		{"Orphans", "Query", "Query", func(c chat.Store) error { _, err := c.Orphans(ctx, time.Now(), 10); return err }},
	} {
		fresh := open(t, w.url, dynamodb.Options{HTTP: &http.Client{Transport: w}}).Chat()
		for n, want := range []string{call.first, call.again} {
			if got := w.of(t, func() error { return call.do(fresh) }); got != want {
				t.Errorf("%s, time %d, asks %q, want %q", call.name, n+1, got, want)
			}
		}
	}
	fresh := open(t, w.url, dynamodb.Options{HTTP: &http.Client{Transport: w}}).Chat()
	for _, call := range []struct {
		name, want string
		do         func(chat.Store) error
	}{
		{"a new thread", "BatchGetItem TransactWriteItems", func(c chat.Store) error {
			return c.ApplyThread(ctx, chat.ThreadPatch{ID: "new", UserID: "ada"}, now)
		}},
		{"a new step in a thread that was seen", "TransactWriteItems", func(c chat.Store) error {
			return c.ApplyStep(ctx, chat.Step{ID: "n", ThreadID: "new", CreatedAt: step.CreatedAt}, now)
		}},
		{"a new element in it", "TransactWriteItems", func(c chat.Store) error {
			return c.ApplyElement(ctx, chat.Element{ID: "n", ThreadID: "new", ForID: "n"}, now)
		}},
		{"feedback for a step that was seen", "UpdateItem", func(c chat.Store) error {
			_, err := c.ApplyFeedback(ctx, chat.Feedback{ID: "g", ForID: "n", ThreadID: "new", Value: 1}, now)
			return err
		}},
		{"no feedback", "UpdateItem", func(c chat.Store) error {
			return c.DeleteFeedback(ctx, chat.Ref{ID: "THREAD#new::STEP#n", ThreadID: "new"}, now)
		}},
		{"DeleteElement", "DeleteItem", func(c chat.Store) error { return c.DeleteElement(ctx, chat.Ref{ID: "n", ThreadID: "new"}, now) }},
		{"DeleteElement with bytes", "BatchGetItem TransactWriteItems", func(c chat.Store) error { return c.DeleteElement(ctx, chat.Ref{ID: "e", ThreadID: "t0"}, now) }},
		{"DeleteStep", "Query DeleteItem", func(c chat.Store) error { return c.DeleteStep(ctx, ref, now) }},
		{"DeleteThread", "TransactWriteItems Query BatchWriteItem BatchWriteItem", func(c chat.Store) error { return c.DeleteThread(ctx, "new", now) }},
		{"DeleteThread that was not seen", "GetItem TransactWriteItems Query BatchWriteItem", func(c chat.Store) error { return c.DeleteThread(ctx, "t1", now) }},
	} {
		if got := w.of(t, func() error { return call.do(fresh) }); got != call.want {
			t.Errorf("%s asks %q, want %q", call.name, got, call.want)
		}
	}
}

func answered(status int, code string) *http.Response {
	return said(status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"m"}`, code))
}

func TestThrottlingIsBackedOff(t *testing.T) {
	w, c := wired(t)
	w.asked = nil
	w.answer = func(_ *http.Request, _ string, nth int) (*http.Response, error) {
		if nth <= 2 {
			return answered(400, "ThrottlingException"), nil
		}
		return nil, nil
	}
	if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t"}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	want := []string{"BatchGetItem", "BatchGetItem", "BatchGetItem", "TransactWriteItems"}
	if !slices.Equal(w.asked, want) {
		t.Errorf("%q, want %q", w.asked, want)
	}
}

func TestFailuresNameTheirRemedy(t *testing.T) {
	cut := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	for _, f := range []struct {
		name, code, remedy string
		kind               errs.Kind
	}{
		{"wrong credentials", "UnrecognizedClientException", "AWS_ACCESS_KEY_ID", errs.Unauthenticated},
		{"a role without the right", "AccessDeniedException", "give their role dynamodb:", errs.Forbidden},
		{"a table or region that is not there", "ResourceNotFoundException", "varve doctor --apply", errs.Unavailable},
		{"a network that is cut", "", "network", errs.Unavailable},
	} {
		t.Run(f.name, func(t *testing.T) {
			w, c := wired(t)
			w.answer = func(_ *http.Request, operation string, _ int) (*http.Response, error) {
				if operation != "TransactWriteItems" {
					return nil, nil
				}
				if f.code == "" {
					return nil, cut
				}
				return answered(400, f.code), nil
			}
			err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t"}, chat.Write{Now: time.Now()})
			if errs.KindOf(err) != f.kind || !strings.Contains(err.Error(), f.remedy) {
				t.Errorf("%s: %v", errs.KindOf(err), err)
			}
			w.answer = nil
			if _, err := c.Thread(t.Context(), "t"); errs.KindOf(err) != errs.NotFound {
				t.Errorf("half a thread is there: %v", err)
			}
		})
	}
}
