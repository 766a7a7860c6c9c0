package chattest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var yes, no = chat.Ptr(true), chat.Ptr(false)

// fullStep has a value in every known key.
func fullStep(id, threadID, parentID string) chat.Step {
	return chat.Step{
		ID: id, ThreadID: threadID, ParentID: parentID, Name: "search", Type: "tool", Command: "find",
		Modes: rawJSON(`{"model":"small"}`), Streaming: no, WaitForAnswer: yes, IsError: no,
		Metadata: chat.Object{"icon": "globe", "n": json.Number("1.5")}, Tags: []string{"x", "y"},
		Input: "{\n    \"q\": \"é\"\n}", Output: "[\n    \"x\"\n]", CreatedAt: at(0), Start: at(1), End: at(2),
		Generation: rawJSON(`{"type":"CHAT","settings":{"temperature":0.7}}`), ShowInput: "json",
		DefaultOpen: yes, AutoCollapse: no, Language: "json", Icon: "globe",
		Extra: map[string]json.RawMessage{"fromTheFuture": rawJSON(`{"a":[1,null,"é"]}`), "indent": rawJSON("2")},
	}
}

// sameStep compares two steps by their JSON meaning.
func (s subject) sameStep(got, want chat.Step) {
	s.Helper()
	s.equal(plain(s, got), plain(s, want))
}

func plain(s subject, v any) any {
	s.Helper()
	raw, err := json.Marshal(v)
	s.must(err)
	var o chat.Object
	s.must(json.Unmarshal(raw, &o))
	return o
}

var steps = []rule{
	{name: "an unknown step is not found", test: func(s subject) {
		_, err := s.Step(s.ctx, chat.Ref{ID: id(), ThreadID: id()})
		s.kind(errs.NotFound, err)
		s.kind(errs.NotFound, s.DeleteStep(s.ctx, chat.Ref{ID: id(), ThreadID: id()}))
	}},
	{name: "every key comes back, unknown ones too", test: func(s subject) {
		want := fullStep(id(), id(), id())
		s.put(want)
		got, err := s.Step(s.ctx, chat.Ref{ID: want.ID, ThreadID: want.ThreadID})
		s.must(err)
		s.sameStep(got, want)
		s.sameStep(s.thread(want.ThreadID).Steps[0], want)
	}},
	{name: "a step creates its thread", test: func(s subject) {
		t := id()
		s.put(message(id(), t, "before the thread"))
		got := s.thread(t)
		s.equal(len(got.Steps), 1)
		s.equal(got.Metadata, chat.Object{})
		u := s.user("ada")
		s.patch(chat.ThreadPatch{ID: t, UserID: u.ID, Name: chat.Ptr("now it has a name")})
		s.equal(s.thread(t).UserIdentifier, "ada")
	}},
	{name: "an update of a step that was never created creates it", test: func(s subject) {
		t, m := id(), id()
		s.put(chat.Step{ID: m, ThreadID: t, Output: "only this"})
		got, err := s.Step(s.ctx, chat.Ref{ID: m, ThreadID: t})
		s.must(err)
		s.equal(got.Output, "only this")
		s.equal(got.Type, "undefined")
		if _, ok := chat.NormalTime(got.CreatedAt); !ok {
			s.Fatalf("createdAt is %q", got.CreatedAt)
		}
	}},
	{name: "a parent may be missing", test: func(s subject) {
		t, m, parent := id(), id(), id()
		s.put(chat.Step{ID: m, ThreadID: t, ParentID: parent, Type: "tool", CreatedAt: at(0)})
		s.equal(s.thread(t).Steps[0].ParentID, parent)
	}},
	{name: "what an update leaves out stays", test: func(s subject) {
		want := fullStep(id(), id(), id())
		s.put(want)
		s.put(chat.Step{ID: want.ID, ThreadID: want.ThreadID, Name: "renamed"})
		want.Name = "renamed"
		got, err := s.Step(s.ctx, chat.Ref{ID: want.ID, ThreadID: want.ThreadID})
		s.must(err)
		s.sameStep(got, want)
	}},
	{name: "an empty text does not erase one", test: func(s subject) {
		t, m := id(), id()
		s.put(chat.Step{ID: m, ThreadID: t, Type: "tool", ShowInput: "json", Input: "in", Output: "out", CreatedAt: at(0)})
		s.put(chat.Step{ID: m, ThreadID: t, Type: "tool", ShowInput: "json", Input: "", Output: "", CreatedAt: at(0)})
		got := s.thread(t).Steps[0]
		s.equal([]string{got.Input, got.Output}, []string{"in", "out"})
	}},
	{name: "a text replaces another", test: func(s subject) {
		t, m := id(), id()
		s.put(message(m, t, "tpyo"))
		s.put(message(m, t, "typo"))
		got := s.thread(t)
		s.equal(len(got.Steps), 1)
		s.equal(got.Steps[0].Output, "typo")
	}},
	{name: "metadata is replaced whole unless it is empty", test: func(s subject) {
		t, m := id(), id()
		s.put(chat.Step{ID: m, ThreadID: t, CreatedAt: at(0), Metadata: chat.Object{"a": "1", "b": "2"}})
		s.put(chat.Step{ID: m, ThreadID: t, Metadata: chat.Object{}})
		s.equal(s.thread(t).Steps[0].Metadata, chat.Object{"a": "1", "b": "2"})
		s.put(chat.Step{ID: m, ThreadID: t, Metadata: chat.Object{"c": "3"}})
		s.equal(s.thread(t).Steps[0].Metadata, chat.Object{"c": "3"})
	}},
	{name: "unknown keys are merged", test: func(s subject) {
		t, m := id(), id()
		s.put(chat.Step{ID: m, ThreadID: t, CreatedAt: at(0), Extra: map[string]json.RawMessage{"a": rawJSON("1"), "b": rawJSON("2")}})
		s.put(chat.Step{ID: m, ThreadID: t, Extra: map[string]json.RawMessage{"b": rawJSON("3")}})
		s.equal(s.thread(t).Steps[0].Extra, map[string]json.RawMessage{"a": rawJSON("1"), "b": rawJSON("3")})
	}},
	{name: "false replaces true", test: func(s subject) {
		t, m := id(), id()
		s.put(chat.Step{ID: m, ThreadID: t, CreatedAt: at(0), IsError: yes, Streaming: yes})
		s.put(chat.Step{ID: m, ThreadID: t, IsError: no, Streaming: no})
		got := s.thread(t).Steps[0]
		s.equal([]bool{*got.IsError, *got.Streaming}, []bool{false, false})
	}},
	{name: "a step never moves to another thread", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		t, other, m := id(), id(), id()
		s.put(message(m, t, "here"))
		s.put(message(m, other, "still here"))
		got := s.thread(t)
		s.equal(got.Steps[0].Output, "still here")
		s.equal(got.Steps[0].ThreadID, t)
	}},
	{name: "steps come by creation, whatever form their times have", test: func(s subject) {
		t := id()
		a, b, c, d := id(), id(), id(), id()
		for _, m := range []chat.Step{
			{ID: c, CreatedAt: "2026-01-02T03:04:05.5Z"}, {ID: a, CreatedAt: "2026-01-02T03:04:05Z"},
			{ID: d, CreatedAt: "2026-01-02T05:04:06+02:00"}, {ID: b, CreatedAt: "2026-01-02T03:04:05.123"},
		} {
			m.ThreadID, m.Type = t, "assistant_message"
			s.put(m)
		}
		var order, times []string
		for _, m := range s.thread(t).Steps {
			order, times = append(order, m.ID), append(times, m.CreatedAt)
		}
		s.equal(order, []string{a, b, c, d})
		s.equal(times, []string{"2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05.123000Z",
			"2026-01-02T03:04:05.500000Z", "2026-01-02T03:04:06.000000Z"})
	}},
	{name: "hidden inputs are not shown, and are shown raw", test: func(s subject) {
		t := id()
		shown, hidden, unsaid := id(), id(), id()
		s.put(chat.Step{ID: shown, ThreadID: t, Type: "tool", Input: "secret", ShowInput: "true", CreatedAt: at(0)})
		s.put(chat.Step{ID: hidden, ThreadID: t, Type: "tool", Input: "secret", ShowInput: "false", CreatedAt: at(1), Metadata: chat.Object{"favorite": true}})
		s.put(chat.Step{ID: unsaid, ThreadID: t, Type: "tool", Input: "secret", CreatedAt: at(2)})
		var got []string
		for _, m := range s.thread(t).Steps {
			got = append(got, m.Input)
		}
		s.equal(got, []string{"secret", "", ""})
		one, err := s.Step(s.ctx, chat.Ref{ID: hidden, ThreadID: t})
		s.must(err)
		s.equal(one.Input, "")
		raw, err := s.Step(chat.Raw(s.ctx), chat.Ref{ID: hidden, ThreadID: t})
		s.must(err)
		s.equal(raw.Input, "secret")
	}},
	{name: "showInput keeps its type", test: func(s subject) {
		t := id()
		for i, v := range []chat.ShowInput{"true", "false", "json", "python"} {
			m := id()
			s.put(chat.Step{ID: m, ThreadID: t, Type: "tool", ShowInput: v, CreatedAt: at(i)})
			s.equal(s.thread(t).Steps[i].ShowInput, v)
		}
	}},
	{name: "deleting a step removes the steps under it and what they carry", test: func(s subject) {
		t := id()
		keep, parent, child, grandchild := id(), id(), id(), id()
		s.put(message(keep, t, "keep"))
		s.put(chat.Step{ID: parent, ThreadID: t, Type: "run", CreatedAt: at(1)})
		s.put(chat.Step{ID: child, ThreadID: t, ParentID: parent, Type: "tool", CreatedAt: at(2)})
		s.put(chat.Step{ID: grandchild, ThreadID: t, ParentID: child, Type: "llm", CreatedAt: at(3)})
		e := id()
		_, err := s.PutElement(s.ctx, chat.Element{ID: e, ThreadID: t, ForID: grandchild, Name: "n"}, nil)
		s.must(err)
		_, err = s.PutFeedback(s.ctx, chat.Feedback{ForID: child, ThreadID: t, Value: 1})
		s.must(err)
		s.must(s.DeleteStep(s.ctx, chat.Ref{ID: parent, ThreadID: t}))
		got := s.thread(t)
		s.equal(len(got.Steps), 1)
		s.equal(got.Steps[0].ID, keep)
		s.equal(len(got.Elements), 0)
	}},
	{name: "a circle of parents does not stop a delete", test: func(s subject) {
		t, a, b := id(), id(), id()
		s.put(chat.Step{ID: a, ThreadID: t, ParentID: b, Type: "run", CreatedAt: at(0)})
		s.put(chat.Step{ID: b, ThreadID: t, ParentID: a, Type: "run", CreatedAt: at(1)})
		s.must(s.DeleteStep(s.ctx, chat.Ref{ID: a, ThreadID: t}))
		s.equal(len(s.thread(t).Steps), 0)
	}},
	{name: "favourites are the starred steps of a user's threads, newest first", test: func(s subject) {
		ada, bob := s.user("ada"), s.user("bob")
		t, _ := s.ownedThread(ada, "plain")
		other, _ := s.ownedThread(bob, "plain")
		older, newer, foreign, unstarred := id(), id(), id(), id()
		star := func(m, thread string, n int, favorite any) {
			step := message(m, thread, "starred")
			step.CreatedAt, step.Metadata = at(n), chat.Object{"favorite": favorite}
			s.put(step)
		}
		star(newer, t, 9, true)
		star(older, t, 1, true)
		star(foreign, other, 5, true)
		star(unstarred, t, 6, false)
		got, err := s.Favorites(s.ctx, ada.ID)
		s.must(err)
		var found []string
		for _, m := range got {
			found = append(found, m.ID)
		}
		s.equal(found, []string{newer, older})
		star(newer, t, 9, false)
		got, err = s.Favorites(s.ctx, ada.ID)
		s.must(err)
		s.equal(len(got), 1)
	}},
	{name: "a user without favourites has none", test: func(s subject) {
		got, err := s.Favorites(s.ctx, id())
		s.must(err)
		s.equal(len(got), 0)
	}},
	{name: "ten megabytes of text are kept", test: func(s subject) {
		t, m := id(), id()
		long := strings.Repeat("0123456789", 1<<20)
		s.put(message(m, t, long))
		if got := s.thread(t).Steps[0].Output; got != long {
			s.Fatalf("%d bytes became %d", len(long), len(got))
		}
	}},
	{name: "a step without a thread is invalid and named", test: func(s subject) {
		_, err := s.PutStep(s.ctx, chat.Step{ID: id()})
		s.kind(errs.Invalid, err)
		var e *errs.Error
		if !errors.As(err, &e) || e.Field != "threadId" {
			s.Fatalf("the error %v does not name threadId", err)
		}
	}},
	{name: "ids are any text", needs: func(f chat.Features) bool { return f.AnyID }, test: func(s subject) {
		for i, t := range []string{"test_thread", "a/b?c#d", "%2e%2e", "..", "x' OR '1'='1", "日本語", "1e5", "007", "THREAD#a::STEP#b", " "} {
			m := fmt.Sprintf("%s-step", t)
			s.put(message(m, t, t))
			got := s.thread(t)
			s.equal([]string{got.ID, got.Steps[0].ID, got.Steps[0].Output}, []string{t, m, t})
			s.equal(len(got.Steps), 1)
			_ = i
		}
	}},
	{name: "an id that the columns cannot hold is invalid", needs: func(f chat.Features) bool { return !f.AnyID }, test: func(s subject) {
		_, err := s.PutStep(s.ctx, message("1e5", id(), "x"))
		s.kind(errs.Invalid, err)
		_, err = s.PutStep(s.ctx, message(id(), "1e5", "x"))
		s.kind(errs.Invalid, err)
	}},
}
