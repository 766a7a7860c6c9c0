package chattest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// erasing are the rules of what ends by itself or on demand.
var erasing = []storeRule{
	{"expected bytes become orphans when their time is over", func(f chat.Features) bool { return f.Orphans }, expecting},
	{"a process that is killed in an upload leaves no bytes for ever", func(f chat.Features) bool { return f.Orphans }, halfUploaded},
	{"an upload that fails leaves nothing to delete", always, failedUpload},
	{"a sweep deletes what nothing names, and counts what still may be", func(f chat.Features) bool { return f.Orphans }, swept},
	{"a user with threads is not erased below the service", always, stillOwning},
	{"a person is erased with all that is theirs, and nobody else", always, erased},
	{"an erasure that broke off is finished by the next", always, brokenErasure},
	{"bytes that another's element names too survive an erasure", always, sharedBytes},
	{"an erasure that would be is counted", always, dryErasure},
	{"only the application erases", always, erasingAs},
	{"threads go when their time is over", always, retaining},
}

// Canary is a text that nothing else contains.
const Canary = "Zq7Kx0VwCanaryJ4Pm"

// Person fills a store with conversations of somebody whose every text contains
// Canary, beside those of somebody else. It returns the other's thread.
func Person(t *testing.T, api chat.API) (identifier, othersThread string) {
	s := subject{T: t, API: api, ctx: t.Context()}
	identifier = Canary + "@example.org"
	ada, err := api.PutUser(s.ctx, chat.User{Identifier: identifier, Metadata: chat.Object{"mail": identifier}})
	s.must(err)
	for range 3 {
		s.canary(ada)
	}
	gone, _ := s.ownedThread(ada, "a thread that was deleted before "+Canary)
	s.must(api.DeleteThread(s.ctx, gone))
	othersThread, _ = s.ownedThread(s.user("bob"), "stays")
	if found := s.list(chat.ThreadFilter{Search: "output " + Canary}, 10, ""); len(found.Data) != 0 { // and an index comes to be
		t.Fatalf("found %d threads by an output that was replaced", len(found.Data))
	}
	return identifier, othersThread
}

func (s subject) canary(u chat.User) {
	t, m := id(), id()
	s.patch(chat.ThreadPatch{ID: t, UserID: u.ID, Name: chat.Ptr("name " + Canary), Tags: []string{Canary}, Metadata: chat.Object{"k": Canary}})
	step := message(m, t, "output "+Canary+strings.Repeat(" and more", 2000))
	step.Name, step.Input, step.ParentID = Canary, "input "+Canary, id()
	step.Metadata = chat.Object{"deep": map[string]any{"er": Canary}, "favorite": true}
	step.Generation = rawJSON(`{"prompt":"` + Canary + `"}`)
	s.put(step)
	step.Output = "again " + Canary + strings.Repeat(" and less", 1000) // the old text lies somewhere
	s.put(step)
	_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 0, Comment: chat.Ptr("comment " + Canary)})
	s.must(err)
	_, err = s.PutFeedback(s.ctx, chat.Feedback{ForID: id(), ThreadID: t, Value: 1, Comment: chat.Ptr("early " + Canary)})
	s.must(err)
	for range 2 {
		_, err = s.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: t, ForID: m, Name: Canary + ".txt", Props: chat.Object{"p": Canary}},
			strings.NewReader("bytes "+Canary))
		s.must(err)
	}
}

// Erasure holds a store to leaving nothing of an erased person. find returns the
// places where the store, with all that belongs to it, has a text, without
// regard to case.
func Erasure(t *testing.T, open func(t *testing.T) store.Store, find func(t *testing.T, st store.Store, text string) []string) {
	st, files := open(t), NewFiles()
	svc := chat.NewService(st.Chat(), chat.Options{Files: files})
	defer svc.Close()
	identifier, others := Person(t, svc)
	if len(find(t, st, Canary)) == 0 {
		t.Fatal("what was written is nowhere: find does not find")
	}
	if _, err := svc.Erase(t.Context(), identifier, false); err != nil {
		t.Fatal(err)
	}
	if s, ok := st.(store.Scrubber); ok {
		if _, _, err := s.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if places := find(t, st, Canary); len(places) > 0 {
		t.Errorf("the erased person is still in %s", places)
	}
	if keys := files.Keys(); len(keys) > 0 {
		t.Errorf("bytes of the erased person stay: %s", keys)
	}
	if got, err := svc.Thread(t.Context(), others); err != nil || got.Steps[0].Output != "stays" {
		t.Errorf("somebody else's thread is %+v, %v", got, err)
	}
}

func expecting(s stored) {
	s.alone()
	c, now := s.db.Chat(), time.Now()
	w := chat.Write{Now: now}
	keys := func(after time.Duration) []string {
		got, err := c.Orphans(s.ctx, now.Add(after), 10)
		s.must(err)
		return got
	}
	s.must(c.Expect(s.ctx, "a/"+strings.Repeat("long", 200), w))
	s.must(c.Expect(s.ctx, "b/named", w))
	s.must(c.Expect(s.ctx, "b/named", w))
	e := chat.Element{ID: id(), ThreadID: id(), Name: "n", ObjectKey: "b/named"}
	s.must(c.ApplyElement(s.ctx, e, w))
	s.equal(keys(chat.UploadGrace-time.Minute), []string(nil))
	s.equal(keys(chat.UploadGrace+time.Minute), []string{"a/" + strings.Repeat("long", 200)})
	// Bytes that are named already may be written again, and are not lost where
	// that breaks off.
	s.must(c.Expect(s.ctx, "b/named", w))
	s.equal(keys(chat.UploadGrace+time.Minute), []string{"a/" + strings.Repeat("long", 200)})
	s.must(c.Forget(s.ctx, []string{"a/" + strings.Repeat("long", 200)}))
	s.equal(keys(chat.UploadGrace+time.Minute), []string(nil))
	// One that is orphaned afterwards does not wait.
	s.must(c.DeleteElement(s.ctx, chat.Ref{ID: e.ID, ThreadID: e.ThreadID}, w))
	s.equal(keys(time.Minute), []string{"b/named"})
}

// killed is a place of bytes whose process ends when the bytes are there.
type killed struct{ *Files }

func (k killed) Write(ctx context.Context, key string, r io.Reader, mime string) (int64, error) {
	if _, err := k.Files.Write(ctx, key, r, mime); err != nil {
		return 0, err
	}
	panic("killed")
}

func halfUploaded(s stored) {
	s.alone()
	files, now := NewFiles(), time.Now()
	func() {
		svc := chat.NewService(s.db.Chat(), chat.Options{Files: killed{files}})
		defer svc.Close()
		defer func() { s.equal(recover(), any("killed")) }()
		svc.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: id(), Name: "n"}, strings.NewReader("x"))
	}()
	s.equal(len(files.Keys()), 1)
	mine := id() + "/not/ours"
	_, err := files.Write(s.ctx, mine, strings.NewReader("another's"), "")
	s.must(err)
	svc := chat.NewService(s.db.Chat(), chat.Options{Files: files, Now: func() time.Time { return now.Add(chat.UploadGrace + time.Minute) }})
	defer svc.Close()
	svc.Features() // a first use begins the sweep
	s.eventually("the bytes go, and no others", func() bool { return slices.Equal(files.Keys(), []string{mine}) })
}

func failedUpload(s stored) {
	s.alone()
	files := NewFiles()
	svc := chat.NewService(s.db.Chat(), chat.Options{Files: files})
	defer svc.Close()
	_, err := svc.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: id(), Name: "n"}, &failing{errFailing})
	if !errors.Is(err, errFailing) {
		s.Fatal(err)
	}
	got, err := s.db.Chat().Orphans(s.ctx, time.Now().Add(2*chat.UploadGrace), 10)
	s.must(err)
	s.equal(len(got), 0)
}

var errFailing = errors.New("the sender went away")

func stillOwning(s stored) {
	u, w := s.user("ada"), chat.Write{Now: time.Now()}
	t, _ := s.ownedThread(u, "x")
	owned, err := s.db.Chat().Owned(s.ctx, "ada")
	s.must(err)
	s.equal(owned, []string{t})
	_, err = s.db.Chat().EraseUser(s.ctx, "ada", w)
	s.kind(errs.Conflict, err)
	_, err = s.User(s.ctx, "ada")
	s.must(err)
	s.must(s.DeleteThread(s.ctx, t))
	gone, err := s.db.Chat().EraseUser(s.ctx, "ada", w)
	s.must(err)
	s.equal(gone.Users, 1)
	gone, err = s.db.Chat().EraseUser(s.ctx, "ada", w)
	s.must(err)
	s.equal(gone, chat.Traces{})
	_, err = s.User(s.ctx, "ada")
	s.kind(errs.NotFound, err)
	owned, err = s.db.Chat().Owned(s.ctx, "nobody")
	s.must(err)
	s.equal(len(owned), 0)
}

// service is a service over the store with a place for bytes.
func (s stored) service() (*chat.Service, *Files) {
	s.alone()
	files := NewFiles()
	svc := chat.NewService(s.db.Chat(), chat.Options{Files: files})
	s.Cleanup(func() { svc.Close() })
	return svc, files
}

// whatPersonHas is what Person makes, and an erasure finds. Feedback without a
// step is counted where threads can be read whole.
func (s stored) whatPersonHas() chat.Erased {
	e := chat.Erased{Users: 1, Threads: 3, Steps: 3, Elements: 6, Feedback: 6, Files: 6}
	if _, ok := s.db.Chat().(chat.Mover); !ok {
		e.Feedback = 3
	}
	return e
}

func erased(s stored) {
	svc, files := s.service()
	identifier, others := Person(s.T, svc)
	got, err := svc.Erase(s.ctx, identifier, false)
	s.must(err)
	want := s.whatPersonHas()
	if s.f.Tombstones {
		want.Tombstones = 4
	}
	s.equal(got, want)
	s.equal(len(files.Keys()), 0)
	_, err = svc.User(s.ctx, identifier)
	s.kind(errs.NotFound, err)
	bob, err := svc.User(s.ctx, "bob")
	s.must(err)
	list := subject{T: s.T, API: svc, ctx: s.ctx}.list(chat.ThreadFilter{}, 10, "")
	s.equal(ids(list), []string{others})
	s.equal(list.Data[0].UserID, bob.ID)
	// Again there is nothing.
	got, err = svc.Erase(s.ctx, identifier, false)
	s.must(err)
	s.equal(got.Nothing(), true)
	// The person may come back.
	_, err = svc.PutUser(s.ctx, chat.User{Identifier: identifier})
	s.must(err)
}

// dying is a store whose calls fail after some deletions.
type dying struct {
	chat.Store
	left int
}

var errDied = errors.New("the process was killed")

func (d *dying) DeleteThread(ctx context.Context, id string, w chat.Write) error {
	if d.left--; d.left < 0 {
		return errDied
	}
	return d.Store.DeleteThread(ctx, id, w)
}

func (d *dying) EraseUser(ctx context.Context, identifier string, w chat.Write) (chat.Traces, error) {
	if d.left--; d.left < 0 {
		return chat.Traces{}, errDied
	}
	return d.Store.EraseUser(ctx, identifier, w)
}

func brokenErasure(s stored) {
	s.alone()
	files := NewFiles()
	svc := chat.NewService(s.db.Chat(), chat.Options{Files: files})
	defer svc.Close()
	identifier, _ := Person(s.T, svc)
	for left := range 4 {
		s.Run(fmt.Sprintf("after %d", left), func(t *testing.T) {
			d := &dying{Store: s.db.Chat(), left: left}
			broken := chat.NewService(d, chat.Options{Files: files})
			_, err := broken.Erase(s.ctx, identifier, false)
			if err := errors.Join(broken.Close()); err != nil {
				t.Fatal(err)
			}
			if left < 2 && !errors.Is(err, errDied) { // later ones find little to do
				t.Fatalf("got %v", err)
			}
		})
	}
	_, err := svc.Erase(s.ctx, identifier, false)
	s.must(err)
	s.equal(len(files.Keys()), 0)
	owned, err := s.db.Chat().Owned(s.ctx, identifier)
	s.must(err)
	s.equal(len(owned), 0)
	_, err = svc.User(s.ctx, identifier)
	s.kind(errs.NotFound, err)
	again, err := svc.Erase(s.ctx, identifier, true)
	s.must(err)
	s.equal(again.Nothing(), true)
}

func sharedBytes(s stored) {
	svc, files := s.service()
	sub := subject{T: s.T, API: svc, ctx: s.ctx}
	mine, m := sub.ownedThread(sub.user("ada"), "x")
	e, err := svc.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: mine, ForID: m, Name: "n"}, strings.NewReader("x"))
	s.must(err)
	theirs, n := sub.ownedThread(sub.user("bob"), "y")
	_, err = svc.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: theirs, ForID: n, Name: "n", ObjectKey: e.ObjectKey}, nil)
	s.must(err)
	got, err := svc.Erase(s.ctx, "ada", false)
	s.must(err)
	s.equal([]int{got.Files, got.Shared}, []int{0, 1})
	s.equal(files.Keys(), []string{e.ObjectKey})
}

func dryErasure(s stored) {
	svc, files := s.service()
	identifier, _ := Person(s.T, svc)
	for range 2 {
		got, err := svc.Erase(s.ctx, identifier, true)
		s.must(err)
		s.equal(got, s.whatPersonHas())
	}
	s.equal(len(files.Keys()), 6)
	got, err := svc.Erase(s.ctx, "nobody", true)
	s.must(err)
	s.equal(got.Nothing(), true)
}

func erasingAs(s stored) {
	svc, _ := s.service()
	_, err := svc.Erase(chat.As(s.ctx, "ada"), "ada", false)
	s.kind(errs.Forbidden, err)
	_, err = svc.Retain(chat.As(s.ctx, "ada"), []chat.Retention{{Age: time.Hour}}, false, nil)
	s.kind(errs.Forbidden, err)
}

func retaining(s stored) {
	svc, files := s.service()
	sub := subject{T: s.T, API: svc, ctx: s.ctx}
	u := sub.user("ada")
	now := time.Now()
	made := map[string]string{}
	c := s.db.Chat()
	load := func(name string, days int, tags ...string) {
		t, then := id(), chat.Write{Now: now.AddDate(0, 0, -days)}
		made[t] = name
		s.must(c.ApplyThread(s.ctx, chat.ThreadPatch{ID: t, UserID: u.ID, Tags: tags}, then))
		s.must(c.ApplyStep(s.ctx, chat.Step{ID: id(), ThreadID: t, Type: "user_message", Output: name, CreatedAt: chat.FormatTime(then.Now)}, then))
	}
	load("young", 2)
	load("old", 100)
	load("old draft", 100, "draft")
	load("draft", 10, "draft", "other")
	load("young draft", 5, "draft")
	load("old kept", 1000, "keep", "draft")
	load("old and used", 100)
	for t, name := range made {
		switch name {
		case "old and used":
			sub.put(message(id(), t, "still here"))
		case "old":
			_, err := svc.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: t, Name: "n"}, strings.NewReader("x"))
			s.must(err)
		}
	}
	rules := []chat.Retention{{Age: 90 * 24 * time.Hour}, {Tag: "draft", Age: 7 * 24 * time.Hour}, {Tag: "keep", Age: chat.Forever}}
	names := func(dry bool) (gone []string) {
		done, err := svc.Retain(s.ctx, rules, dry, func(t chat.Thread) { gone = append(gone, made[t.ID]) })
		s.must(err)
		s.equal(done, chat.Retained{Threads: len(gone)})
		slices.Sort(gone)
		return gone
	}
	want := []string{"draft", "old", "old draft"}
	s.equal(names(true), want)
	s.equal(names(false), want)
	s.equal(names(false), []string(nil))
	var left []string
	for _, t := range sub.list(chat.ThreadFilter{}, 50, "").Data {
		left = append(left, made[t.ID])
	}
	slices.Sort(left)
	s.equal(left, []string{"old and used", "old kept", "young", "young draft"})
	s.eventually("the bytes go too", func() bool { return len(files.Keys()) == 0 })
}
