// Package chattest is the suite that every store of conversations passes, and
// every client of one. Its subtests are named after the rules they hold.
//
//	func TestStore(t *testing.T) {
//		features := chat.Features{AnyID: true, Tombstones: true}
//		chattest.Run(t, features, func(t *testing.T) chat.API {
//			return chattest.Service(t, memory.Open().Chat())
//		})
//	}
//
// What a store cannot do is in its Features; the suite asks them and nothing
// else.
package chattest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Open makes an API over an empty store, for one subtest. What it opens is
// closed by t.Cleanup.
type Open func(t *testing.T) chat.API

// Run runs the whole suite on an API.
func Run(t *testing.T, f chat.Features, open Open) {
	for _, topic := range []struct {
		name  string
		rules []rule
	}{
		{"users", users}, {"threads", threads}, {"steps", steps}, {"elements", elements},
		{"feedback", feedback}, {"list", list}, {"owners", owners}, {"text", text}, {"races", races},
	} {
		t.Run(topic.name, func(t *testing.T) {
			for _, r := range topic.rules {
				if r.needs != nil && !r.needs(f) {
					continue
				}
				t.Run(r.name, func(t *testing.T) { r.test(subject{T: t, API: open(t), f: f, ctx: t.Context()}) })
			}
		})
	}
}

// rule is one sentence and what proves it.
type rule struct {
	name  string
	test  func(s subject)
	needs func(chat.Features) bool
}

// subject is the API under test with the words that tests are written in.
type subject struct {
	*testing.T
	chat.API
	f   chat.Features
	ctx context.Context
}

// Service makes a service over a store, with bytes kept in memory. It is
// closed with the test.
func Service(t *testing.T, store chat.Store) *chat.Service {
	s := chat.NewService(store, chat.Options{Files: NewFiles()})
	t.Cleanup(func() { s.Close() })
	return s
}

func id() string { return uuid.NewString() }

func (s subject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s subject) kind(want errs.Kind, err error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got error %v, want kind %s", err, want)
	}
}

func (s subject) equal(got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("differs (-want +got):\n%s", diff)
	}
}

func (s subject) user(identifier string) chat.User {
	s.Helper()
	u, err := s.PutUser(s.ctx, chat.User{Identifier: identifier})
	s.must(err)
	return u
}

// patch updates a thread.
func (s subject) patch(p chat.ThreadPatch) {
	s.Helper()
	_, err := s.UpdateThread(s.ctx, p)
	s.must(err)
}

// put stores a step.
func (s subject) put(step chat.Step) {
	s.Helper()
	_, err := s.PutStep(s.ctx, step)
	s.must(err)
}

func (s subject) thread(id string) chat.Thread {
	s.Helper()
	t, err := s.Thread(s.ctx, id)
	s.must(err)
	return t
}

// ownedThread makes a thread of a user's, with one message.
func (s subject) ownedThread(u chat.User, output string) (threadID, stepID string) {
	s.Helper()
	threadID, stepID = id(), id()
	s.patch(chat.ThreadPatch{ID: threadID, UserID: u.ID, Name: chat.Ptr("thread of " + u.Identifier)})
	s.put(message(stepID, threadID, output))
	return threadID, stepID
}

func (s subject) list(f chat.ThreadFilter, first int, cursor string) page.Page[chat.Thread] {
	s.Helper()
	p, err := s.Threads(s.ctx, f, page.Request{First: first, Cursor: cursor})
	s.must(err)
	return p
}

func ids(p page.Page[chat.Thread]) []string {
	var out []string
	for _, t := range p.Data {
		out = append(out, t.ID)
	}
	return out
}

func message(id, threadID, output string) chat.Step {
	return chat.Step{ID: id, ThreadID: threadID, Name: "ada", Type: "user_message", Output: output,
		CreatedAt: chat.FormatTime(time.Now())}
}

// at gives a time some seconds after a fixed one, in the stored form.
func at(seconds int) string {
	return chat.FormatTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(seconds) * time.Second))
}

func (s subject) read(c chat.Content, err error) string {
	s.Helper()
	s.must(err)
	defer c.Body.Close()
	raw, err := io.ReadAll(c.Body)
	s.must(err)
	return string(raw)
}

// eventually waits for what happens after a commit, such as the deletion of
// bytes; it asks again until then.
func (s subject) eventually(what string, done func() bool) {
	s.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			s.Fatalf("did not happen: %s", what)
		}
	}
}

// Files keeps bytes in memory, for tests. It satisfies chat.Files.
type Files struct {
	mu    sync.Mutex
	files map[string]file
	Fail  error // answered by Delete while set
}

type file struct {
	data []byte
	at   time.Time
}

// NewFiles makes an empty place for bytes.
func NewFiles() *Files { return &Files{files: map[string]file{}} }

// Write implements chat.Files.
func (f *Files) Write(_ context.Context, key string, r io.Reader, _ string) (int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[key] = file{data, time.Now()}
	return int64(len(data)), nil
}

// Create writes a file unless there is one.
func (f *Files) Create(_ context.Context, key string, r io.Reader, _ string) (int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, taken := f.files[key]; taken {
		return 0, errs.Field(errs.Exists, "key", "there is a file")
	}
	f.files[key] = file{data, time.Now()}
	return int64(len(data)), nil
}

// Open implements chat.Files.
func (f *Files) Open(_ context.Context, key string) (chat.Content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	got, ok := f.files[key]
	if !ok {
		return chat.Content{}, errs.New(errs.NotFound, "no file")
	}
	body := struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(got.data), io.NopCloser(nil)}
	return chat.Content{Body: body, Size: int64(len(got.data)), ModTime: got.at}, nil
}

// Delete implements chat.Files.
func (f *Files) Delete(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Fail != nil {
		return f.Fail
	}
	delete(f.files, key)
	return nil
}

// SetFail makes Delete fail, or work again with nil.
func (f *Files) SetFail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Fail = err
}

// Keys lists what is stored.
func (f *Files) Keys() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []string
	for key := range f.files {
		keys = append(keys, key)
	}
	return keys
}

// SignedURL implements chat.Files.
func (f *Files) SignedURL(_ context.Context, key, _, _ string) (string, error) {
	return "/v1/objects/" + url.PathEscape(key) + "?signature=test", nil
}

func rawJSON(s string) json.RawMessage { return json.RawMessage(s) }
