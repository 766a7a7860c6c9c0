package chattest

import (
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// strangers makes a thread of ada's and returns the suite acting for bob.
func (s subject) strangers() (bob subject, t, m string) {
	s.Helper()
	ada := s.user("ada")
	s.user("bob")
	t, m = s.ownedThread(ada, "private")
	bob = s
	bob.ctx = chat.As(s.ctx, "bob")
	return bob, t, m
}

var owners = []rule{
	{name: "a user reads what is theirs", test: func(s subject) {
		_, t, m := s.strangers()
		s.ctx = chat.As(s.ctx, "ada")
		s.equal(s.thread(t).ID, t)
		_, err := s.Step(s.ctx, chat.Ref{ID: m, ThreadID: t})
		s.must(err)
		s.equal(ids(s.list(chat.ThreadFilter{}, 10, "")), []string{t})
	}},
	{name: "another's thread reads like a missing one", test: func(s subject) {
		bob, t, m := s.strangers()
		e := id()
		_, err := s.PutElement(s.ctx, chat.Element{ID: e, ThreadID: t, ForID: m, Name: "n"}, strings.NewReader("secret"))
		s.must(err)
		_, err = bob.Thread(bob.ctx, t)
		s.kind(errs.NotFound, err)
		_, missing := bob.Thread(bob.ctx, id())
		s.equal(len(err.Error()) > 0, len(missing.Error()) > 0)
		_, err = bob.Author(bob.ctx, t)
		s.kind(errs.NotFound, err)
		_, err = bob.Step(bob.ctx, chat.Ref{ID: m, ThreadID: t})
		s.kind(errs.NotFound, err)
		_, err = bob.Element(bob.ctx, chat.Ref{ID: e, ThreadID: t})
		s.kind(errs.NotFound, err)
		_, err = bob.Content(bob.ctx, chat.Ref{ID: e, ThreadID: t})
		s.kind(errs.NotFound, err)
	}},
	{name: "another's thread is not written", test: func(s subject) {
		bob, t, m := s.strangers()
		before := s.thread(t)
		b, err := s.User(s.ctx, "bob")
		s.must(err)
		_, err = bob.UpdateThread(bob.ctx, chat.ThreadPatch{ID: t, Name: chat.Ptr("mine")})
		s.kind(errs.Forbidden, err)
		_, err = bob.UpdateThread(bob.ctx, chat.ThreadPatch{ID: t, UserID: b.ID})
		s.kind(errs.Forbidden, err)
		_, err = bob.PutStep(bob.ctx, message(m, t, "overwritten"))
		s.kind(errs.Forbidden, err)
		_, err = bob.PutStep(bob.ctx, message(id(), t, "added"))
		s.kind(errs.Forbidden, err)
		_, err = bob.PutElement(bob.ctx, chat.Element{ID: id(), ThreadID: t, ForID: m, Name: "n"}, nil)
		s.kind(errs.Forbidden, err)
		_, err = bob.PutElement(bob.ctx, chat.Element{ID: id(), ThreadID: t, ForID: m, Name: "n"}, strings.NewReader("x"))
		s.kind(errs.Forbidden, err)
		_, err = bob.PutFeedback(bob.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 0})
		s.kind(errs.Forbidden, err)
		s.equal(plain(s, s.thread(t)), plain(s, before))
	}},
	{name: "a step of another's thread is not written by way of an own thread", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		bob, t, m := s.strangers()
		_, err := bob.PutStep(bob.ctx, message(m, id(), "overwritten"))
		s.kind(errs.Forbidden, err)
		s.equal(s.thread(t).Steps[0].Output, "private")
	}},
	{name: "bytes of another are not had by naming their key", test: func(s subject) {
		bob, t, _ := s.strangers()
		theirs := chat.Ref{ID: id(), ThreadID: t}
		e, err := s.PutElement(s.ctx, chat.Element{ID: theirs.ID, ThreadID: t, Name: "n"}, strings.NewReader("secret"))
		s.must(err)
		mine := chat.Element{ID: id(), ThreadID: id(), Name: "n", ObjectKey: e.ObjectKey}
		_, err = bob.PutElement(bob.ctx, mine, nil)
		s.kind(errs.Forbidden, err)
		_, err = bob.Element(bob.ctx, chat.Ref{ID: mine.ID, ThreadID: mine.ThreadID})
		s.kind(errs.NotFound, err)
		s.equal(s.read(s.Content(s.ctx, theirs)), "secret")
		// The owner names the key again, as whoever writes back what was read.
		s.ctx = chat.As(s.ctx, "ada")
		_, err = s.PutElement(s.ctx, chat.Element{ID: theirs.ID, ThreadID: t, Name: "renamed", ObjectKey: e.ObjectKey}, nil)
		s.must(err)
	}},
	{name: "deleting what is another's is like deleting what is missing", test: func(s subject) {
		bob, t, m := s.strangers()
		w, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1})
		s.must(err)
		e := id()
		_, err = s.PutElement(s.ctx, chat.Element{ID: e, ThreadID: t, ForID: m, Name: "n"}, nil)
		s.must(err)
		before := s.thread(t)
		s.kind(errs.NotFound, bob.DeleteThread(bob.ctx, t))
		s.kind(errs.NotFound, bob.DeleteStep(bob.ctx, chat.Ref{ID: m, ThreadID: t}))
		s.kind(errs.NotFound, bob.DeleteElement(bob.ctx, chat.Ref{ID: e, ThreadID: t}))
		s.kind(errs.NotFound, bob.DeleteFeedback(bob.ctx, chat.Ref{ID: w.ID, ThreadID: t}))
		s.equal(plain(s, s.thread(t)), plain(s, before))
	}},
	{name: "a listing shows a user their own threads, whatever they ask", test: func(s subject) {
		bob, _, _ := s.strangers()
		b, err := s.User(s.ctx, "bob")
		s.must(err)
		a, err := s.User(s.ctx, "ada")
		s.must(err)
		mine, _ := s.ownedThread(b, "bob's")
		s.equal(ids(bob.list(chat.ThreadFilter{}, 10, "")), []string{mine})
		s.equal(len(bob.list(chat.ThreadFilter{UserID: a.ID}, 10, "").Data), 0)
		favorites, err := bob.Favorites(bob.ctx, a.ID)
		s.must(err)
		s.equal(len(favorites), 0)
		p, err := s.Threads(chat.As(s.ctx, "unknown"), chat.ThreadFilter{}, page.Request{})
		s.must(err)
		s.equal(len(p.Data), 0)
	}},
	{name: "a thread of nobody can be taken, once", test: func(s subject) {
		bob, _, _ := s.strangers()
		t := id()
		bob.put(message(id(), t, "anonymous"))
		b, err := s.User(s.ctx, "bob")
		s.must(err)
		a, err := s.User(s.ctx, "ada")
		s.must(err)
		bob.patch(chat.ThreadPatch{ID: t, UserID: b.ID})
		_, err = s.UpdateThread(chat.As(s.ctx, "ada"), chat.ThreadPatch{ID: t, UserID: a.ID})
		s.kind(errs.Forbidden, err)
		s.equal(s.thread(t).UserIdentifier, "bob")
	}},
	{name: "a user does not give a thread away", test: func(s subject) {
		bob, _, _ := s.strangers()
		a, err := s.User(s.ctx, "ada")
		s.must(err)
		_, err = bob.UpdateThread(bob.ctx, chat.ThreadPatch{ID: id(), UserID: a.ID})
		s.kind(errs.Forbidden, err)
	}},
	{name: "the application itself may move a thread to another user", test: func(s subject) {
		_, t, _ := s.strangers()
		b, err := s.User(s.ctx, "bob")
		s.must(err)
		s.patch(chat.ThreadPatch{ID: t, UserID: b.ID})
		s.equal(s.thread(t).UserIdentifier, "bob")
	}},
}
