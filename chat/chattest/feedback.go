package chattest

import (
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var feedback = []rule{
	{name: "feedback comes back with its step", test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		w, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 0, Comment: chat.Ptr("no")})
		s.must(err)
		s.equal(s.thread(t).Steps[0].Feedback, &chat.Feedback{ID: w.ID, ForID: m, ThreadID: t, Value: 0, Comment: chat.Ptr("no")})
		step, err := s.Step(s.ctx, chat.Ref{ID: m, ThreadID: t})
		s.must(err)
		s.equal(step.Feedback.ID, w.ID)
	}},
	{name: "a given id is kept", test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		f := id()
		w, err := s.PutFeedback(s.ctx, chat.Feedback{ID: f, ForID: m, ThreadID: t, Value: 1})
		s.must(err)
		s.equal(w.ID, f)
	}},
	{name: "there is one feedback a step, and its id stays", test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		first, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1})
		s.must(err)
		second, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 0})
		s.must(err)
		s.equal(second.ID, first.ID)
		got := s.thread(t)
		s.equal(len(got.Steps), 1)
		s.equal(got.Steps[0].Feedback.Value, 0)
	}},
	{name: "a comment can be cleared", test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		for _, comment := range []*string{chat.Ptr("x"), nil} {
			_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1, Comment: comment})
			s.must(err)
		}
		s.equal(s.thread(t).Steps[0].Feedback.Comment, (*string)(nil))
	}},
	{name: "the thread is taken from the step", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, Value: 1})
		s.must(err)
		s.equal(s.thread(t).Steps[0].Feedback.ThreadID, t)
		_, err = s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: id(), Value: 1})
		s.must(err)
		s.equal(s.thread(t).Steps[0].Feedback.ThreadID, t)
	}},
	{name: "feedback for a step that is not stored and no thread is not found", test: func(s subject) {
		_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: id(), Value: 1})
		s.kind(errs.NotFound, err)
	}},
	{name: "feedback may come before its step", test: func(s subject) {
		t, m := id(), id()
		_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1})
		s.must(err)
		s.put(message(m, t, "hi"))
		s.equal(s.thread(t).Steps[0].Feedback.Value, 1)
	}},
	{name: "feedback that came with another thread goes with its step's", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		here, there, m := id(), id(), id()
		w, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: there, Value: 1})
		s.must(err)
		s.put(message(m, here, "hi"))
		s.must(s.DeleteThread(s.ctx, here))
		s.kind(errs.NotFound, s.DeleteFeedback(s.ctx, chat.Ref{ID: w.ID}))
		s.equal(ids(s.list(chat.ThreadFilter{Feedback: chat.Ptr(1)}, 10, "")), []string(nil))
		s.equal(s.thread(there).ID, there)
	}},
	{name: "feedback goes with the thread it came with", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		here, there, m := id(), id(), id()
		_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: there, Value: 1})
		s.must(err)
		s.put(message(m, here, "hi"))
		s.must(s.DeleteThread(s.ctx, there))
		s.equal(s.thread(here).Steps[0].Feedback, (*chat.Feedback)(nil))
	}},
	{name: "an id of another step's feedback is a conflict", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		w, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1})
		s.must(err)
		other := id()
		s.put(message(other, t, "other"))
		_, err = s.PutFeedback(s.ctx, chat.Feedback{ID: w.ID, ForID: other, ThreadID: t, Value: 0})
		s.kind(errs.Conflict, err)
	}},
	{name: "a deleted feedback is gone and its step stays", test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		w, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 1})
		s.must(err)
		s.must(s.DeleteFeedback(s.ctx, chat.Ref{ID: w.ID, ThreadID: t}))
		s.equal(s.thread(t).Steps[0].Feedback, (*chat.Feedback)(nil))
		s.kind(errs.NotFound, s.DeleteFeedback(s.ctx, chat.Ref{ID: w.ID, ThreadID: t}))
	}},
	{name: "a value other than 0 and 1 is invalid", test: func(s subject) {
		for _, value := range []int{-1, 2} {
			_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: id(), ThreadID: id(), Value: value})
			s.kind(errs.Invalid, err)
		}
	}},
}
