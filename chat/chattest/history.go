package chattest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/store"
)

// Histories plays random histories on a reference, which is the store in
// memory, and on a subject. Every answer and the final dumps must agree. A
// history that does not is made shorter and printed with its seed.
func Histories(t *testing.T, seeds, length int, reference, subject func(t *testing.T) store.Store) {
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			h := newHistory(uint64(seed), length, subject(t).Chat().Features().NeedsThread)
			diff := h.play(t, reference, subject)
			if diff == "" {
				return
			}
			for i := len(h) - 1; i >= 0; i-- {
				if shorter := slices.Delete(slices.Clone(h), i, i+1); shorter.play(t, reference, subject) != "" {
					h = shorter
				}
			}
			t.Fatalf("seed %d differs:\n%s\nafter:\n%s", seed, h.play(t, reference, subject), h)
		})
	}
}

// history is a list of calls, each with its acting user.
type history []call

type call struct {
	actor string
	what  string
	do    func(ctx context.Context, api chat.API) (any, error)
}

func (h history) String() string {
	var b strings.Builder
	for _, c := range h {
		fmt.Fprintf(&b, "  as %q: %s\n", c.actor, c.what)
	}
	return b.String()
}

// play returns the first difference, or "".
func (h history) play(t *testing.T, reference, subject func(t *testing.T) store.Store) string {
	a, closeA := deterministic(reference(t))
	defer closeA()
	b, closeB := deterministic(subject(t))
	defer closeB()
	for _, c := range h {
		want, got := c.answer(t.Context(), a), c.answer(t.Context(), b)
		if want != got {
			return fmt.Sprintf("%s (as %q)\nwant %s\ngot  %s", c.what, c.actor, want, got)
		}
	}
	for i := range poolSize {
		dump := call{what: "final thread", do: func(ctx context.Context, api chat.API) (any, error) {
			return tidied(api.Thread(chat.Raw(ctx), fixed("thread", i)))
		}}
		if want, got := dump.answer(t.Context(), a), dump.answer(t.Context(), b); want != got {
			return fmt.Sprintf("the final dump\nwant %s\ngot  %s", want, got)
		}
	}
	return ""
}

// answer is a call's answer as text: JSON, or the kind of its error.
func (c call) answer(ctx context.Context, api chat.API) string {
	if c.actor != "" {
		ctx = chat.As(ctx, c.actor)
	}
	v, err := c.do(ctx, api)
	if err != nil {
		return "error " + string(errs.KindOf(err))
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// deterministic makes a service whose clock, ids and cursors are the same in
// every run.
func deterministic(st store.Store) (api *chat.Service, closeAll func()) {
	now, n := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	s := chat.NewService(st.Chat(), chat.Options{
		Secret: []byte("histories"),
		Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		},
		NewID: func() string {
			n++
			return fixed("made", n)
		},
	})
	return s, func() { s.Close() }
}

const poolSize = 3

func fixed(kind string, n int) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s %d", kind, n)).String()
}

// tidied orders what the contract leaves open: steps of one time, elements.
func tidied(t chat.Thread, err error) (chat.Thread, error) {
	slices.SortFunc(t.Steps, func(a, b chat.Step) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(t.Elements, func(a, b chat.Element) int { return cmp.Compare(a.ID, b.ID) })
	return t, err
}

func newHistory(seed uint64, length int, needsThread bool) history {
	g := gen{rand.New(rand.NewPCG(seed, 42)), needsThread}
	h := history{}
	for _, who := range people[1:] {
		h = append(h, call{what: "PutUser " + who, do: func(ctx context.Context, api chat.API) (any, error) {
			return api.PutUser(ctx, chat.User{Identifier: who})
		}})
	}
	for range length {
		c := g.call()
		if g.IntN(3) == 0 {
			c.actor = people[g.IntN(len(people))]
		}
		h = append(h, c)
	}
	return h
}

var people = []string{"", "ada", "bob"}

// gen makes calls. For a store that finds things by their thread only, a thing
// stays in the thread of its number, and every reference says which.
type gen struct {
	*rand.Rand
	needsThread bool
}

// within chooses a thing and its thread.
func (g gen) within(kind string) chat.Ref {
	if !g.needsThread {
		return chat.Ref{ID: g.id(kind)}
	}
	n := g.IntN(poolSize)
	return chat.Ref{ID: fixed(kind, n), ThreadID: fixed("thread", n)}
}

// placed is within for a write, which always names a thread.
func (g gen) placed(kind string) chat.Ref {
	r := g.within(kind)
	if r.ThreadID == "" {
		r.ThreadID = g.id("thread")
	}
	return r
}

func (g gen) id(kind string) string { return fixed(kind, g.IntN(poolSize)) }

func (g gen) text() string {
	return []string{"", "alpha", "Beta", "ÅLPHA beta", "100%_"}[g.IntN(5)]
}

func (g gen) object() chat.Object {
	o := chat.Object{}
	for range g.IntN(3) {
		o[[]string{"a", "b", "name", "favorite"}[g.IntN(4)]] = []any{nil, true, "x", json.Number("1.50"), map[string]any{"k": nil}}[g.IntN(5)]
	}
	return o
}

func (g gen) time() string {
	return []string{"", at(g.IntN(100)), "2026-05-05T05:05:05Z", "2026-05-05T07:05:05.25+02:00", "not a time"}[g.IntN(5)]
}

func (g gen) call() call {
	makers := []func() call{g.updateThread, g.putStep, g.putStep, g.putStep, g.putElement, g.putFeedback,
		g.deleteOne, g.deleteThread, g.list, g.list, g.readOne}
	return makers[g.IntN(len(makers))]()
}

func (g gen) updateThread() call {
	p := chat.ThreadPatch{ID: g.id("thread"), Metadata: g.object()}
	if g.IntN(2) == 0 {
		p.Name = chat.Ptr(g.text())
	}
	if g.IntN(3) == 0 {
		p.Tags = [][]string{{}, {"x"}, {"y", "x"}}[g.IntN(3)]
	}
	owner := people[g.IntN(len(people))]
	return call{what: fmt.Sprintf("UpdateThread %+v for %q", p, owner), do: func(ctx context.Context, api chat.API) (any, error) {
		if owner != "" {
			u, err := api.User(ctx, owner)
			if err != nil {
				return nil, err
			}
			p.UserID = u.ID
		}
		return api.UpdateThread(ctx, p)
	}}
}

func (g gen) putStep() call {
	at := g.placed("step")
	s := chat.Step{ID: at.ID, ThreadID: at.ThreadID, Name: g.text(), Output: g.text(), Input: g.text(),
		Type: []string{"", "tool", "user_message"}[g.IntN(3)], CreatedAt: g.time(), Metadata: g.object(),
		ShowInput: []chat.ShowInput{"", "json", "false"}[g.IntN(3)]}
	if g.IntN(4) == 0 {
		s.ParentID = g.id("step")
	}
	if g.IntN(4) == 0 {
		s.Extra = map[string]json.RawMessage{"later": rawJSON(`{"a":1}`)}
	}
	if g.IntN(4) == 0 {
		s.Generation, s.IsError, s.Tags = rawJSON(`{"g":0.1}`), chat.Ptr(g.IntN(2) == 0), []string{g.text()}
	}
	return call{what: fmt.Sprintf("PutStep %+v", s), do: func(ctx context.Context, api chat.API) (any, error) {
		return api.PutStep(ctx, s)
	}}
}

func (g gen) putElement() call {
	at := g.placed("element")
	e := chat.Element{ID: at.ID, ThreadID: at.ThreadID, ForID: g.id("step"), Name: g.text(), Type: "custom", Props: g.object()}
	return call{what: fmt.Sprintf("PutElement %+v", e), do: func(ctx context.Context, api chat.API) (any, error) {
		return api.PutElement(ctx, e, nil)
	}}
}

func (g gen) putFeedback() call {
	at := g.within("step")
	f := chat.Feedback{ForID: at.ID, ThreadID: at.ThreadID, Value: g.IntN(2)}
	if !g.needsThread && g.IntN(2) == 0 {
		f.ThreadID = g.id("thread")
	}
	if g.IntN(2) == 0 {
		f.Comment = chat.Ptr(g.text())
	}
	return call{what: fmt.Sprintf("PutFeedback %+v", f), do: func(ctx context.Context, api chat.API) (any, error) {
		return api.PutFeedback(ctx, f)
	}}
}

func (g gen) deleteOne() call {
	switch r := g.within("step"); g.IntN(3) {
	case 0:
		return call{what: fmt.Sprintf("DeleteStep %+v", r), do: func(ctx context.Context, api chat.API) (any, error) {
			return nil, api.DeleteStep(ctx, r)
		}}
	case 1:
		r = g.within("element")
		return call{what: fmt.Sprintf("DeleteElement %+v", r), do: func(ctx context.Context, api chat.API) (any, error) {
			return nil, api.DeleteElement(ctx, r)
		}}
	}
	step := g.within("step")
	return call{what: fmt.Sprintf("DeleteFeedback of step %+v", step), do: func(ctx context.Context, api chat.API) (any, error) {
		s, err := api.Step(ctx, step)
		if err != nil || s.Feedback == nil {
			return nil, err
		}
		return nil, api.DeleteFeedback(ctx, chat.Ref{ID: s.Feedback.ID, ThreadID: step.ThreadID})
	}}
}

func (g gen) deleteThread() call {
	if g.IntN(3) > 0 {
		return g.readOne() // a deleted thread stays deleted: do it seldom
	}
	t := g.id("thread")
	return call{what: "DeleteThread " + t, do: func(ctx context.Context, api chat.API) (any, error) {
		return nil, api.DeleteThread(ctx, t)
	}}
}

func (g gen) list() call {
	f := chat.ThreadFilter{Search: []string{"", "", "alpha", "BETA", "%"}[g.IntN(5)]}
	if g.IntN(4) == 0 {
		f.Feedback = chat.Ptr(g.IntN(2))
	}
	owner, first := people[g.IntN(len(people))], 1+g.IntN(2)
	return call{what: fmt.Sprintf("walk %+v of %q by %d", f, owner, first), do: func(ctx context.Context, api chat.API) (any, error) {
		if owner != "" {
			u, err := api.User(ctx, owner)
			if err != nil {
				return nil, err
			}
			f.UserID = u.ID
		}
		var pages []page.Page[chat.Thread]
		for cursor := ""; ; {
			p, err := api.Threads(ctx, f, page.Request{First: first, Cursor: cursor})
			if err != nil {
				return nil, err
			}
			pages = append(pages, p)
			if !p.Info.HasNextPage || len(pages) > poolSize+1 {
				return pages, nil
			}
			cursor = *p.Info.EndCursor
		}
	}}
}

func (g gen) readOne() call {
	if g.IntN(2) == 0 {
		r := g.within("step")
		return call{what: fmt.Sprintf("Step %+v", r), do: func(ctx context.Context, api chat.API) (any, error) {
			return api.Step(ctx, r)
		}}
	}
	t := g.id("thread")
	return call{what: "Thread " + t, do: func(ctx context.Context, api chat.API) (any, error) {
		return tidied(api.Thread(ctx, t))
	}}
}
