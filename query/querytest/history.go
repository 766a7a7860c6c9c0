package querytest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Histories plays random histories on a reference, which is the store in
// memory, and on a subject. Every answer and the final dumps must agree. A
// history that does not is made shorter and printed with its seed.
func Histories(t *testing.T, seeds, length int, reference, subject Open) {
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			h := newHistory(uint64(seed), length)
			diff, at := h.play(t, reference, subject)
			if diff == "" {
				return
			}
			h = h[:min(at+1, len(h))]
			for n := len(h) / 2; n > 0; n /= 2 {
				for i := len(h) - n; i >= 0; i -= n {
					shorter := slices.Delete(slices.Clone(h), i, min(i+n, len(h)))
					if d, _ := shorter.play(t, reference, subject); d != "" {
						h, diff = shorter, d
					}
				}
			}
			t.Fatalf("seed %d differs:\n%s\nafter:\n%s", seed, diff, h)
		})
	}
}

// history is a list of calls.
type history []call

type call struct {
	what string
	do   func(ctx context.Context, s *side) (any, error)
}

func (h history) String() string {
	var b strings.Builder
	for _, c := range h {
		fmt.Fprintf(&b, "  %s\n", c.what)
	}
	return b.String()
}

// play returns the first difference and the number of its call, or "".
func (h history) play(t *testing.T, reference, subject Open) (diff string, at int) {
	a, b := newSide(reference(t)), newSide(subject(t))
	together := a.db.Features().Transactions && b.db.Features().Transactions
	a.transactions, b.transactions = together, together
	last := call{"the final dump", func(ctx context.Context, s *side) (any, error) {
		return s.dump(ctx, b.db.Features().Changes && a.db.Features().Changes)
	}}
	for at, c := range append(slices.Clone(h), last) {
		want, got := a.answer(t.Context(), c), b.answer(t.Context(), c)
		if want != got {
			return fmt.Sprintf("%s\nwant %s\ngot  %s", c.what, want, got), at
		}
	}
	return "", 0
}

// side is a store with a service whose clock is the same in every run.
type side struct {
	store        store.Store
	db           *query.Service
	transactions bool // both sides have them
}

func newSide(st store.Store) *side {
	now := day(0)
	return &side{store: st, db: query.NewService(st.Query(), query.Options{Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})}
}

// answer is a call's answer as text: JSON, or the kind of its error.
func (s *side) answer(ctx context.Context, c call) string {
	v, err := c.do(ctx, s)
	if err != nil {
		return failure(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func failure(err error) string {
	var e *errs.Error
	if errors.As(err, &e) && e.Kind == errs.Invalid {
		return "error invalid about " + e.Field
	}
	return "error " + string(errs.KindOf(err))
}

// execute asks a question and tells the answer whole.
func execute(ctx context.Context, db *query.Service, q query.Question) (any, error) {
	r, err := db.Execute(ctx, q)
	if err != nil {
		return nil, err
	}
	out := []any{r.IDs, r.Columns}
	for values, err := range r.Values() {
		if err != nil {
			return nil, err
		}
		row := make([]any, len(values))
		for i, v := range values {
			if raw, ok := v.(json.RawMessage); ok {
				v = canonical(raw)
			}
			row[i] = v
		}
		out = append(out, row)
	}
	return out, nil
}

// dump is all that is there, and what the change log says about it.
func (s *side) dump(ctx context.Context, log bool) (any, error) {
	out := []any{}
	for _, name := range tableNames {
		t, err := s.db.Describe(ctx, name)
		if err != nil {
			out = append(out, failure(err))
			continue
		}
		rows, err := execute(ctx, s.db, query.From(name))
		if err != nil {
			return nil, err
		}
		out = append(out, t.Key, kinds(t), rows)
	}
	if !log {
		return out, nil
	}
	events, err := s.store.Changes(ctx, 0, 1_000_000)
	if err != nil {
		return nil, err
	}
	return append(out, tell(events)), nil
}

// tell are notes about the histories' tables; those of one call are told in the
// order of their keys.
func tell(events []change.Event) []change.Event {
	events = slices.DeleteFunc(outline(events), func(e change.Event) bool { return !slices.Contains(tableNames, e.Table) })
	for from := 0; from < len(events); {
		to := from + 1
		for to < len(events) && events[to].Table == events[from].Table && events[to].Op == events[from].Op && events[from].Op != change.Insert {
			to++
		}
		slices.SortFunc(events[from:to], func(a, b change.Event) int { return cmp.Compare(a.Key, b.Key) })
		from = to
	}
	return events
}
