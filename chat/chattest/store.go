package chattest

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// RunStore holds a store to what an API cannot show: transactions, the change
// log, tombstones' age, orphans, and the vectors of merging.
func RunStore(t *testing.T, open func(t *testing.T) store.Store) {
	for _, r := range append([]storeRule{
		{"merging agrees with the vectors", always, vectors},
		{"a deleted thread can be made again after a day", func(f chat.Features) bool { return f.Tombstones }, tombstones},
		{"keys of bytes become orphans and are forgotten", func(f chat.Features) bool { return f.Orphans }, orphans},
		{"bytes are deleted after the commit, and again until it works", always, sweeping},
		{"an update that fails leaves nothing", transactions, rollback},
		{"an update that succeeds leaves all", transactions, commit},
		{"a failed call inside an update leaves the others", transactions, savepoint},
		{"a call through the outer handle inside an update is invalid", transactions, outer},
		{"every write is noted, in order", func(f chat.Features) bool { return f.ChangeLog }, noted},
		{"a call whose context has ended is not done", always, ended},
	}, erasing...) {
		t.Run(r.name, func(t *testing.T) {
			db := open(t)
			if !r.needs(db.Chat().Features()) {
				return
			}
			r.test(stored{subject: subject{T: t, API: Service(t, db.Chat()), f: db.Chat().Features(), ctx: t.Context()}, db: db})
		})
	}
}

// storeRule is a rule that an API cannot show.
type storeRule struct {
	name  string
	needs func(chat.Features) bool
	test  func(s stored)
}

type stored struct {
	subject
	db store.Store
}

// alone ends the sweeper of the subject's own service, which would take the
// orphans of this store for bytes of its own.
func (s stored) alone() { s.must(s.API.(*chat.Service).Close()) }

func always(chat.Features) bool         { return true }
func transactions(f chat.Features) bool { return f.Transactions }

//go:embed vectors/*.json
var vectorFiles embed.FS

// Vector is one case of vectors/steps.json: patches laid over each other make
// a step. In the file, "$id" and "$thread" stand for ids of the run.
type Vector struct {
	Name    string
	Patches []chat.Step
	Want    chat.Object
}

// StepVectors returns the vectors of merging steps, with the ids filled in.
func StepVectors(t *testing.T, step, thread string) []Vector {
	raw, err := vectorFiles.ReadFile("vectors/steps.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []Vector
	text := strings.NewReplacer("$id", step, "$thread", thread).Replace(string(raw))
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func vectors(s stored) {
	for i := range StepVectors(s.T, "", "") {
		step, thread := id(), id()
		v := StepVectors(s.T, step, thread)[i]
		s.Run(v.Name, func(t *testing.T) {
			merged := chat.NewStep(time.Unix(0, 0))
			for _, p := range v.Patches {
				if _, err := s.PutStep(s.ctx, p); err != nil {
					t.Fatal(err)
				}
				merged = chat.MergeStep(merged, p)
			}
			got, err := s.Step(chat.Raw(s.ctx), chat.Ref{ID: step, ThreadID: thread})
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range v.Want {
				stored, _ := plain(s.subject, got).(chat.Object)
				inGo, _ := plain(s.subject, merged).(chat.Object)
				if diff := cmp.Diff(want, stored[key]); diff != "" {
					t.Errorf("stored %s (-want +got):\n%s", key, diff)
				}
				if diff := cmp.Diff(want, inGo[key]); diff != "" {
					t.Errorf("merged in Go %s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}

func tombstones(s stored) {
	t := id()
	now := time.Now()
	w := func(after time.Duration) chat.Write { return chat.Write{Now: now.Add(after)} }
	s.must(s.db.Chat().ApplyThread(s.ctx, chat.ThreadPatch{ID: t}, w(0)))
	s.must(s.db.Chat().DeleteThread(s.ctx, t, w(time.Second)))
	s.kind(errs.Gone, s.db.Chat().ApplyThread(s.ctx, chat.ThreadPatch{ID: t}, w(chat.TombstoneAge-time.Minute)))
	s.must(s.db.Chat().ApplyThread(s.ctx, chat.ThreadPatch{ID: t}, w(chat.TombstoneAge+time.Minute)))
	h, err := s.db.Chat().Head(s.ctx, t)
	s.must(err)
	s.equal(h.Deleted, false)
}

func orphans(s stored) {
	s.alone()
	c, w, t := s.db.Chat(), chat.Write{Now: time.Now()}, id()
	e := chat.Element{ID: id(), ThreadID: t, Name: "n", ObjectKey: "first/key"}
	keys := func() []string {
		got, err := c.Orphans(s.ctx, time.Now(), 10)
		s.must(err)
		return got
	}
	s.must(c.ApplyElement(s.ctx, e, w))
	s.equal(len(keys()), 0)
	e.ObjectKey = "second/key"
	s.must(c.ApplyElement(s.ctx, e, w))
	s.equal(keys(), []string{"first/key"})
	s.must(c.DeleteThread(s.ctx, t, w))
	s.equal(keys(), []string{"first/key", "second/key"})
	s.must(c.Forget(s.ctx, []string{"first/key"}))
	s.equal(keys(), []string{"second/key"})
	e.ThreadID = id()
	s.must(c.ApplyElement(s.ctx, e, w))
	s.equal(len(keys()), 0)

	// Bytes that two elements name stay until both are gone.
	other := chat.Element{ID: id(), ThreadID: id(), Name: "n", ObjectKey: e.ObjectKey}
	s.must(c.ApplyElement(s.ctx, other, w))
	s.must(c.DeleteElement(s.ctx, chat.Ref{ID: e.ID, ThreadID: e.ThreadID}, w))
	s.equal(len(keys()), 0)
	s.must(c.DeleteThread(s.ctx, other.ThreadID, w))
	s.equal(keys(), []string{"second/key"})
}

func sweeping(s stored) {
	s.alone()
	files := NewFiles()
	svc := chat.NewService(s.db.Chat(), chat.Options{Files: files})
	defer svc.Close()
	t, m := id(), id()
	_, err := svc.PutStep(s.ctx, message(m, t, "x"))
	s.must(err)
	put := func() chat.Ref {
		r := chat.Ref{ID: id(), ThreadID: t}
		_, err := svc.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: t, ForID: m, Name: "n"}, strings.NewReader("x"))
		s.must(err)
		return r
	}
	r := put()
	put()
	s.equal(len(files.Keys()), 2)
	files.SetFail(errors.New("the bucket is away"))
	s.must(svc.DeleteElement(s.ctx, r))
	files.SetFail(nil)
	s.must(svc.DeleteThread(s.ctx, t))
	s.eventually("all bytes are deleted", func() bool { return len(files.Keys()) == 0 })
}

var errRefused = errors.New("refused")

func rollback(s stored) {
	before := s.head()
	t := id()
	err := s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Chat().ApplyStep(ctx, message(id(), t, "x"), chat.Write{Now: time.Now()}); err != nil {
			return err
		}
		if _, err := tx.Chat().Thread(ctx, t); err != nil {
			return err // what it wrote, it reads
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		s.Fatal(err)
	}
	_, err = s.Thread(s.ctx, t)
	s.kind(errs.NotFound, err)
	s.equal(len(s.eventsAfter(before)), 0)
}

func commit(s stored) {
	a, b := id(), id()
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		svc := s.API.(*chat.Service).In(tx.Chat())
		if _, err := svc.PutStep(ctx, message(id(), a, "x")); err != nil {
			return err
		}
		_, err := svc.UpdateThread(ctx, chat.ThreadPatch{ID: b})
		return err
	}))
	s.equal(s.thread(a).ID, a)
	s.equal(s.thread(b).ID, b)
}

func savepoint(s stored) {
	t := id()
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		w := chat.Write{Now: time.Now()}
		if err := tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: t}, w); err != nil {
			return err
		}
		s.kind(errs.Invalid, tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: t, UserID: id()}, w))
		return tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: t, Name: chat.Ptr("n")}, w)
	}))
	s.equal(s.thread(t).Name, "n")
}

func outer(s stored) {
	s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
		_, err := s.db.Chat().Head(ctx, id())
		s.kind(errs.Invalid, err)
		s.kind(errs.Invalid, s.db.Update(ctx, func(context.Context, store.Tx) error { return nil }))
		return nil
	}))
}

func (s stored) head() int64 {
	s.Helper()
	if !s.f.ChangeLog {
		return 0
	}
	head, err := s.db.Head(s.ctx)
	s.must(err)
	return head
}

func (s stored) eventsAfter(position int64) []change.Event {
	s.Helper()
	if !s.f.ChangeLog {
		return nil
	}
	events, err := s.db.Changes(s.ctx, position, 1000)
	s.must(err)
	return events
}

func noted(s stored) {
	u := s.user("ada")
	before := s.head()
	t, m := id(), id()
	s.patch(chat.ThreadPatch{ID: t, UserID: u.ID})
	s.put(message(m, t, "x"))
	s.put(chat.Step{ID: m, ThreadID: t, Output: "y"})
	f, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1})
	s.must(err)
	s.must(s.DeleteThread(s.ctx, t))
	type note struct {
		Table, Key string
		Op         change.Op
	}
	var got []note
	last := before
	for _, e := range s.eventsAfter(before) {
		if e.Position <= last {
			s.Fatalf("position %d after %d", e.Position, last)
		}
		last = e.Position
		got = append(got, note{e.Table, e.Key, e.Op})
	}
	// A store may note more, such as the thread's last activity; these must be
	// there, in this order.
	want := []note{{"threads", t, change.Insert}, {"steps", m, change.Insert}, {"steps", m, change.Update},
		{"feedbacks", f.ID, change.Insert}}
	rest := got
	for _, w := range want {
		i := slices.Index(rest, w)
		if i < 0 {
			s.Fatalf("%v is not among %v, or not in its place", w, got)
		}
		rest = rest[i+1:]
	}
	for _, w := range []note{{"steps", m, change.Delete}, {"feedbacks", f.ID, change.Delete}, {"threads", t, change.Delete}} {
		if !slices.Contains(rest, w) {
			s.Fatalf("%v is not among %v", w, rest)
		}
	}
	s.equal(s.head() >= last, true)
	none, err := s.db.Changes(s.ctx, s.head(), 10)
	s.must(err)
	s.equal(len(none), 0)
}

func ended(s stored) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	t := id()
	if _, err := s.PutStep(ctx, message(id(), t, "x")); err == nil {
		s.Fatal("no error")
	}
	_, err := s.Thread(s.ctx, t)
	s.kind(errs.NotFound, err)
}
