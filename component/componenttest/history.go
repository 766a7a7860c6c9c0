package componenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// Histories plays random histories on a reference, which is the store in
// memory, and on a subject. Every answer and the final dumps must agree. A
// history that does not is made shorter and printed with its seed.
func Histories(t *testing.T, seeds, length int, reference, subject Open) {
	histories(t, seeds, length, reference, subject, nil)
}

// HistoriesAPI plays random histories on a service and on a client of one.
func HistoriesAPI(t *testing.T, seeds, length int, open Open, serve Serve) {
	histories(t, seeds, length, open, open, serve)
}

func histories(t *testing.T, seeds, length int, reference, subject Open, serve Serve) {
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			h := newHistory(uint64(seed), length)
			diff, at := h.play(t, reference, subject, serve)
			if diff == "" {
				return
			}
			h = h[:min(at+1, len(h))]
			for n := len(h) / 2; n > 0; n /= 2 {
				for i := len(h) - n; i >= 0; i -= n {
					shorter := slices.Delete(slices.Clone(h), i, min(i+n, len(h)))
					if d, _ := shorter.play(t, reference, subject, serve); d != "" {
						h, diff = shorter, d
					}
				}
			}
			t.Fatalf("seed %d differs:\n%s\nafter:\n%s", seed, diff, h)
		})
	}
}

// call is one call of the service.
type call struct {
	what string
	do   func(ctx context.Context, s component.API) (any, error)
}

type history []call

func (h history) String() string {
	var b strings.Builder
	for _, c := range h {
		fmt.Fprintf(&b, "  %s\n", c.what)
	}
	return b.String()
}

// play returns the first difference and the number of its call, or "".
func (h history) play(t *testing.T, reference, subject Open, serve Serve) (diff string, at int) {
	a, b := newSubject(t, reference(t)), newSubject(t, subject(t))
	b.serve = serve
	as, bs := a.counted(), b.counted()
	for at, c := range h {
		want, got := answer(t.Context(), as, c), answer(t.Context(), bs, c)
		if want != got {
			return fmt.Sprintf("%s\nwant %s\ngot  %s", c.what, want, got), at
		}
	}
	if want, got := a.dump(), b.dump(); want != got {
		return fmt.Sprintf("the final dump\nwant %s\ngot  %s", want, got), len(h)
	}
	return "", 0
}

// counted is the service with a clock and UUIDs that are the same in every run.
func (s *subject) counted() component.API {
	ids, now := 0, moment(0)
	return s.held(component.Options{Name: "test", Inline: 8,
		ID:  func() string { ids++; return uuid(ids) },
		Now: func() time.Time { now = now.Add(time.Second); return now }})
}

// answer is a call's answer as text: JSON, or the kind of its error.
func answer(ctx context.Context, s component.API, c call) string {
	v, err := c.do(ctx, s)
	if err != nil {
		return "error " + string(errs.KindOf(err))
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// gen makes calls.
type gen struct{ *rand.Rand }

func newHistory(seed uint64, length int) history {
	g := gen{rand.New(rand.NewPCG(seed, 11))}
	var h history
	for range length {
		h = append(h, g.call())
	}
	return h
}

func pick[T any](g gen, of ...T) T { return of[g.IntN(len(of))] }

func (g gen) name() string { return pick(g, "a", "b", "A", "é") }

func (g gen) model(depth int) *component.Model {
	m := model(g.name())
	m.BatchSize, m.Flatten = g.IntN(2), g.IntN(4) == 0
	if g.IntN(3) == 0 {
		m.Artifacts = map[string]component.Bytes{"w": {Data: []byte(pick(g, "short", "longer than eight", "another that is long"))}}
	}
	if depth < 2 && g.IntN(4) == 0 {
		m.Models = append(m.Models, g.child("model", depth+1, func() component.Component { return g.model(depth + 1) }))
	}
	if g.IntN(6) == 0 {
		m.Version = number(g.IntN(4))
	}
	return m
}

// child is a component, or a reference that may lead nowhere.
func (g gen) child(typ string, depth int, make func() component.Component) component.Child {
	switch g.IntN(4) {
	case 0:
		return component.To(typ, g.name())
	case 1:
		return component.ToVersion(typ, g.name(), g.IntN(3))
	}
	return component.Of(make())
}

func (g gen) component() component.Component {
	of := func() component.Component { return g.model(0) }
	switch g.IntN(5) {
	case 0, 1:
		l := listener(g.name(), g.child("model", 0, of))
		l.ChunkSize = g.IntN(2)
		return l
	case 2:
		return index(g.name(), g.child("listener", 0, func() component.Component { return listener(g.name(), g.child("model", 0, of)) }))
	}
	return g.model(0)
}

func (g gen) which() component.Which {
	w := component.Which{Type: pick(g, "model", "listener", "vector_index"), Identifier: g.name(), Hidden: g.IntN(3) == 0}
	switch g.IntN(5) {
	case 0, 1:
		w.Version = number(g.IntN(4) - 1)
	case 2:
		w = component.ByUUID(uuid(g.IntN(30)))
	}
	return w
}

func (g gen) call() call {
	if g.IntN(2) == 0 {
		return g.write()
	}
	w := g.which()
	o := component.RemoveOptions{Force: g.IntN(2) == 0, Recursive: g.IntN(2) == 0, DryRun: g.IntN(4) == 0}
	switch n := g.IntN(40); {
	case n < 10:
		return call{fmt.Sprintf("remove %+v %+v", w, o), func(ctx context.Context, s component.API) (any, error) { return s.Remove(ctx, w, o) }}
	case n < 14:
		return call{fmt.Sprintf("unhide %+v", w), func(ctx context.Context, s component.API) (any, error) { return s.Unhide(ctx, w) }}
	case n < 16:
		return call{"purge", func(ctx context.Context, s component.API) (any, error) { return s.Purge(ctx, component.Which{}) }}
	case n < 17:
		return call{"drop", func(ctx context.Context, s component.API) (any, error) {
			return nil, s.Drop(ctx, component.DropOptions{Confirm: "test"})
		}}
	case n < 22:
		return call{fmt.Sprintf("parents and children %+v", w), func(ctx context.Context, s component.API) (any, error) {
			parents, err := s.Parents(ctx, w)
			if err != nil {
				return nil, err
			}
			children, err := s.Children(ctx, w)
			return []any{parents, children}, err
		}}
	case n < 28:
		return call{fmt.Sprintf("load %+v", w), func(ctx context.Context, s component.API) (any, error) {
			c, err := s.Load(ctx, w)
			if err != nil {
				return nil, err
			}
			raw, err := component.Encode(c)
			return string(raw), err
		}}
	}
	show := w
	if g.IntN(3) == 0 {
		show.Identifier = ""
	}
	return call{fmt.Sprintf("show %+v", show), func(ctx context.Context, s component.API) (any, error) { return s.Show(ctx, show) }}
}

func (g gen) write() call {
	c := g.component()
	raw, err := component.Encode(c)
	text := string(raw)
	if err != nil {
		text = err.Error()
	}
	switch g.IntN(8) {
	case 0:
		return call{"plan " + text, func(ctx context.Context, s component.API) (any, error) { return s.Plan(ctx, c) }}
	case 1:
		upsert := component.Upsert(g.IntN(2) == 0)
		return call{fmt.Sprintf("replace %v %s", upsert, text), func(ctx context.Context, s component.API) (any, error) { return s.Replace(ctx, c, upsert) }}
	case 2:
		return call{"apply always " + text, func(ctx context.Context, s component.API) (any, error) {
			return s.Versioned(component.Always).Apply(ctx, c)
		}}
	}
	return call{"apply " + text, func(ctx context.Context, s component.API) (any, error) { return s.Apply(ctx, c) }}
}
