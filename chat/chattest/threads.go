package chattest

import (
	"errors"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var threads = []rule{
	{name: "an unknown thread is not found", test: func(s subject) {
		_, err := s.Thread(s.ctx, id())
		s.kind(errs.NotFound, err)
		_, err = s.Author(s.ctx, id())
		s.kind(errs.NotFound, err)
		s.kind(errs.NotFound, s.DeleteThread(s.ctx, id()))
	}},
	{name: "an id that no column could hold is not found when read", test: func(s subject) {
		_, err := s.Thread(s.ctx, "not a uuid; drop table threads")
		s.kind(errs.NotFound, err)
		_, err = s.Author(s.ctx, "not a uuid")
		s.kind(errs.NotFound, err)
		s.kind(errs.NotFound, s.DeleteThread(s.ctx, "not a uuid"))
	}},
	{name: "an update creates a thread with empty metadata", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t})
		got := s.thread(t)
		s.equal(got.Metadata, chat.Object{})
		s.equal(got.Name, "")
		s.equal(got.UserID, "")
		if got.CreatedAt == "" || got.CreatedAt != got.ThreadCreatedAt {
			s.Fatalf("created at %q and %q", got.CreatedAt, got.ThreadCreatedAt)
		}
	}},
	{name: "what an update leaves out stays", test: func(s subject) {
		u, t := s.user("ada"), id()
		s.patch(chat.ThreadPatch{ID: t, UserID: u.ID, Name: chat.Ptr("first"), Tags: []string{"a", "b"}, Metadata: chat.Object{"k": "v"}})
		before := s.thread(t)
		s.patch(chat.ThreadPatch{ID: t})
		s.equal(s.thread(t), before)
		s.equal(before.Tags, []string{"a", "b"})
		s.equal(before.UserID, u.ID)
		s.equal(before.UserIdentifier, "ada")
	}},
	{name: "empty tags remove all", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t, Tags: []string{"a"}})
		s.patch(chat.ThreadPatch{ID: t, Tags: []string{}})
		if got := s.thread(t).Tags; len(got) != 0 {
			s.Fatalf("tags are %q", got)
		}
	}},
	{name: "tags keep their order and any characters", test: func(s subject) {
		t, tags := id(), []string{"b", "a", "x,y", `q"u{o}te\`, "", "é", "NULL", "env:prod", ":", "\u3000x\u00a0", " y "}
		s.patch(chat.ThreadPatch{ID: t, Tags: tags})
		s.equal(s.thread(t).Tags, tags)
	}},
	{name: "metadata is merged key by key and null removes a key", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"a": "1", "b": map[string]any{"x": "1", "y": "2"}, "c": "3"}})
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"a": nil, "b": map[string]any{"x": "9"}, "d": true, "e": nil}})
		s.equal(s.thread(t).Metadata, chat.Object{"b": map[string]any{"x": "9"}, "c": "3", "d": true})
	}},
	{name: "null inside a metadata value is kept", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"a": map[string]any{"x": nil}, "l": []any{nil, "1"}}})
		s.equal(s.thread(t).Metadata, chat.Object{"a": map[string]any{"x": nil}, "l": []any{nil, "1"}})
	}},
	{name: "a name in the metadata names a nameless thread only", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"name": "from metadata"}})
		s.equal(s.thread(t).Name, "from metadata")
		s.patch(chat.ThreadPatch{ID: t, Name: chat.Ptr("renamed")})
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"other": "x"}})
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"name": "again"}})
		s.equal(s.thread(t).Name, "renamed")
	}},
	{name: "createdAt never changes", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t})
		created := s.thread(t).ThreadCreatedAt
		s.patch(chat.ThreadPatch{ID: t, Name: chat.Ptr("x"), Metadata: chat.Object{"createdAt": "2001-01-01"}})
		s.put(message(id(), t, "later"))
		s.equal(s.thread(t).ThreadCreatedAt, created)
	}},
	{name: "a user that does not exist is invalid and named", test: func(s subject) {
		t := id()
		_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, UserID: id(), Name: chat.Ptr("x")})
		s.kind(errs.Invalid, err)
		var e *errs.Error
		if !errors.As(err, &e) || e.Field != "userId" {
			s.Fatalf("the error %v does not name userId", err)
		}
		_, err = s.Thread(s.ctx, t)
		s.kind(errs.NotFound, err)
	}},
	{name: "the author is the owner's identifier", test: func(s subject) {
		t, _ := s.ownedThread(s.user("ada@x"), "hi")
		author, err := s.Author(s.ctx, t)
		s.must(err)
		s.equal(author, "ada@x")
	}},
	{name: "a thread of nobody has no author", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t})
		_, err := s.Author(s.ctx, t)
		s.kind(errs.NotFound, err)
	}},
	{name: "deleting a thread removes all that is in it", test: func(s subject) {
		u := s.user("ada")
		t, step := s.ownedThread(u, "needle")
		e := id()
		_, err := s.PutElement(s.ctx, chat.Element{ID: e, ThreadID: t, ForID: step, Name: "n", Type: "text"}, nil)
		s.must(err)
		_, err = s.PutFeedback(s.ctx, chat.Feedback{ForID: step, ThreadID: t, Value: 1})
		s.must(err)
		s.must(s.DeleteThread(s.ctx, t))
		_, err = s.Thread(s.ctx, t)
		s.kind(errs.NotFound, err)
		_, err = s.Author(s.ctx, t)
		s.kind(errs.NotFound, err)
		_, err = s.Step(s.ctx, chat.Ref{ID: step, ThreadID: t})
		s.kind(errs.NotFound, err)
		_, err = s.Element(s.ctx, chat.Ref{ID: e, ThreadID: t})
		s.kind(errs.NotFound, err)
		s.equal(len(s.list(chat.ThreadFilter{UserID: u.ID}, 10, "").Data), 0)
		s.equal(len(s.list(chat.ThreadFilter{UserID: u.ID, Search: "needle"}, 10, "").Data), 0)
		s.kind(errs.NotFound, s.DeleteThread(s.ctx, t))
	}},
	{name: "a late write does not resurrect a deleted thread", needs: func(f chat.Features) bool { return f.Tombstones }, test: func(s subject) {
		u := s.user("ada")
		t, step := s.ownedThread(u, "hi")
		s.must(s.DeleteThread(s.ctx, t))
		_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, Metadata: chat.Object{"late": true}})
		s.kind(errs.Gone, err)
		_, err = s.PutStep(s.ctx, message(step, t, "late"))
		s.kind(errs.Gone, err)
		_, err = s.PutElement(s.ctx, chat.Element{ID: id(), ThreadID: t, ForID: step, Name: "late"}, nil)
		s.kind(errs.Gone, err)
		_, err = s.PutFeedback(s.ctx, chat.Feedback{ForID: step, ThreadID: t, Value: 0})
		s.kind(errs.Gone, err)
		_, err = s.Thread(s.ctx, t)
		s.kind(errs.NotFound, err)
	}},
}
