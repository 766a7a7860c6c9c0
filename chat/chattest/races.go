package chattest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// together runs functions at once and fails on the first error.
func (s subject) together(fns ...func() error) {
	s.Helper()
	var wg sync.WaitGroup
	failed := make([]error, len(fns))
	for i, fn := range fns {
		wg.Go(func() { failed[i] = fn() })
	}
	wg.Wait()
	for _, err := range failed {
		s.must(err)
	}
}

func times(n int, fn func(i int) error) []func() error {
	fns := make([]func() error, n)
	for i := range fns {
		fns[i] = func() error { return fn(i) }
	}
	return fns
}

var races = []rule{
	{name: "steps and the first update of one thread at once create it once", test: func(s subject) {
		u, t := s.user("ada"), id()
		fns := times(8, func(i int) error {
			_, err := s.PutStep(s.ctx, message(id(), t, fmt.Sprint(i)))
			return err
		})
		s.together(append(fns, func() error {
			_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, UserID: u.ID, Name: chat.Ptr("n")})
			return err
		})...)
		got := s.thread(t)
		s.equal(len(got.Steps), 8)
		s.equal([]string{got.Name, got.UserIdentifier}, []string{"n", "ada"})
	}},
	{name: "metadata merges at once lose no key", test: func(s subject) {
		t := id()
		const n = 16
		s.together(times(n, func(i int) error {
			_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, Metadata: chat.Object{fmt.Sprintf("key%d", i): "v"}})
			return err
		})...)
		s.equal(len(s.thread(t).Metadata), n)
	}},
	{name: "create and update of a step in any order end the same", test: func(s subject) {
		t := id()
		create := func(m string) error {
			_, err := s.PutStep(s.ctx, chat.Step{ID: m, ThreadID: t, Name: "search", Type: "tool", CreatedAt: at(1), Streaming: no})
			return err
		}
		update := func(m string) error {
			_, err := s.PutStep(s.ctx, chat.Step{ID: m, ThreadID: t, Name: "search", Type: "tool", CreatedAt: at(1), Output: "done", End: at(2)})
			return err
		}
		a, b, c := id(), id(), id()
		s.together(func() error { return create(a) }, func() error { return update(a) })
		s.must(create(b))
		s.must(update(b))
		s.must(update(c))
		s.must(create(c))
		for _, got := range s.thread(t).Steps {
			s.equal([]string{got.Output, got.End, got.Type, got.Name}, []string{"done", at(2), "tool", "search"})
		}
	}},
	{name: "first logins at once make one user", test: func(s subject) {
		var mu sync.Mutex
		var found []string
		s.together(times(8, func(int) error {
			u, err := s.PutUser(s.ctx, chat.User{Identifier: "ada"})
			mu.Lock()
			defer mu.Unlock()
			found = append(found, u.ID)
			return err
		})...)
		slices.Sort(found)
		s.equal(len(slices.Compact(found)), 1)
	}},
	{name: "verdicts at once on one step leave one", test: func(s subject) {
		t, m := s.ownedThread(s.user("ada"), "hi")
		s.together(times(8, func(i int) error {
			_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: i % 2})
			return err
		})...)
		got := s.thread(t)
		s.equal(len(got.Steps), 1)
		s.must(s.DeleteFeedback(s.ctx, chat.Ref{ID: got.Steps[0].Feedback.ID, ThreadID: t}))
		s.equal(s.thread(t).Steps[0].Feedback, (*chat.Feedback)(nil))
	}},
	{name: "a delete among writes leaves no step without a thread", needs: func(f chat.Features) bool { return f.Tombstones }, test: func(s subject) {
		t, _ := s.ownedThread(s.user("ada"), "hi")
		written := make([]string, 16)
		fns := times(len(written), func(i int) error {
			m := id()
			if _, err := s.PutStep(s.ctx, message(m, t, "x")); err != nil && errs.KindOf(err) != errs.Gone {
				return err
			}
			written[i] = m
			return nil
		})
		s.together(append(fns, func() error { return s.DeleteThread(s.ctx, t) })...)
		_, err := s.Thread(s.ctx, t)
		s.kind(errs.NotFound, err)
		for _, m := range written {
			_, err := s.Step(s.ctx, chat.Ref{ID: m, ThreadID: t})
			s.kind(errs.NotFound, err)
		}
	}},
}
