package statetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
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
	for at, c := range append(slices.Clone(h), call{"the final dump", dump}) {
		want, got := a.answer(t.Context(), c), b.answer(t.Context(), c)
		if want != got {
			return fmt.Sprintf("%s\nwant %s\ngot  %s", c.what, want, got), at
		}
	}
	return "", 0
}

// side is a store with a service whose clock is the same in every run.
type side struct {
	store state.Store
	db    *state.Service
	rows  *state.Rows
	seqs  []int64 // every position there was, in order
}

func newSide(store state.Store) *side {
	now := day(0)
	return &side{store: store, db: state.NewService(store, state.Options{Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})}
}

// answer is a call's answer as text: JSON, or the kind of its error. Positions
// may have gaps, so they are told by their number.
func (s *side) answer(ctx context.Context, c call) string {
	if s.rows == nil {
		r, err := s.db.Declare(ctx, generations[0])
		if err != nil {
			return "declare: " + err.Error()
		}
		s.rows = r
	}
	v, err := c.do(ctx, s)
	if learnt := s.learn(ctx); learnt != nil {
		return learnt.Error()
	}
	if err != nil {
		return "error " + string(errs.KindOf(err))
	}
	raw, err := json.Marshal(s.plain(v))
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// learn notes new positions.
func (s *side) learn(ctx context.Context) error {
	last := int64(0)
	if n := len(s.seqs); n > 0 {
		last = s.seqs[n-1]
	}
	t := s.rows.Table()
	vs, err := s.store.Log(ctx, &t, last, 1000)
	for _, v := range vs {
		s.seqs = append(s.seqs, v.Seq)
	}
	return err
}

// plain replaces positions by their numbers.
func (s *side) plain(v any) any {
	switch v := v.(type) {
	case state.Record:
		v.Seq = int64(slices.Index(s.seqs, v.Seq))
		return []any{v, v.Source}
	case []state.Record:
		out := []any{}
		for _, r := range v {
			out = append(out, s.plain(r))
		}
		return out
	}
	return v
}

// seq is the position of a number.
func (s *side) seq(n int) int64 {
	switch {
	case n < 0 || len(s.seqs) == 0:
		return 0
	case n >= len(s.seqs):
		return s.seqs[len(s.seqs)-1]
	}
	return s.seqs[n]
}

// dump is all that is there.
func dump(ctx context.Context, s *side) (any, error) {
	t, err := s.db.Open(ctx, s.rows.Table().Name)
	if err != nil {
		return nil, err
	}
	table := t.Table()
	vs, err := s.store.Log(ctx, &table, 0, 10_000)
	if err != nil {
		return nil, err
	}
	out := []any{table.Schema, table.Places, table.Generation}
	for _, v := range vs {
		out = append(out, []any{slices.Index(s.seqs, v.Seq), v.At, v.Number, v.Op, v.Actor, v.Source, v.Values})
	}
	all, err := whole(ctx, t.All, state.Query{Deleted: true, Request: page.Request{First: 3}})
	return append(out, s.plain(all)), err
}

func whole(ctx context.Context, read func(context.Context, state.Query) (page.Page[state.Record], error), q state.Query) ([]state.Record, error) {
	out := []state.Record{}
	for {
		p, err := read(ctx, q)
		if err != nil {
			return nil, err
		}
		if out = append(out, p.Data...); !p.Info.HasNextPage {
			return out, nil
		}
		q.Cursor = *p.Info.EndCursor
	}
}

// generations are declarations that a table goes through.
var generations = []state.Schema{
	{Name: "Things", Key: []string{"a", "b"}, Owner: "a", Columns: []state.Column{col("a", state.Text), col("b", state.Integer), col("n", state.Integer), col("m", state.Integer), col("text", state.Text)}},
	{Name: "things", Key: []string{"a", "b"}, Owner: "a", Columns: []state.Column{col("a", state.Text), col("b", state.Integer), col("n", state.Real), col("m", state.Integer), col("text", state.Text), col("j", state.JSON)}},
	{Name: "things", Key: []string{"a", "bb"}, Owner: "a", Columns: []state.Column{col("a", state.Text), col("bb", state.Integer, "b"), col("m", state.Text), col("body", state.Text, "text"), col("f", state.Boolean), col("at", state.Time), col("x", state.Bytes)}},
	{Name: "things", Key: []string{"a"}, Columns: []state.Column{col("a", state.Text)}}, // a conflict
}

// gen makes calls. Most of them can succeed: a history of refusals shows little.
type gen struct {
	*rand.Rand
	user string // who acts in the call that is made, "-" for nobody
}

func newHistory(seed uint64, length int) history {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 7)), user: "-"}
	var h history
	for range length {
		h = append(h, g.call())
	}
	return h
}

func (g *gen) call() call {
	makers := []func() call{g.write, g.write, g.write, g.write, g.batch, g.undo, g.undoRange, g.list, g.list, g.list, g.read, g.read, g.past, g.past}
	switch g.IntN(60) {
	case 0, 1, 2:
		makers = []func() call{g.declare}
	case 3:
		makers = []func() call{g.compact, g.retain, g.retain}
	case 4:
		makers = []func() call{g.compact, g.compact, g.clear}
	}
	g.user = "-"
	return makers[g.IntN(len(makers))]()
}

func one[T any](g *gen, of ...T) T { return of[g.IntN(len(of))] }

func (g *gen) key() []any {
	key := []any{one[any](g, nil, "", "ada"), one[any](g, nil, 1)}
	if g.user != "-" && g.IntN(4) > 0 {
		key[0] = g.user
	}
	return key
}

func (g *gen) row(key []any) state.Row {
	row := state.Row{"a": key[0], "b": key[1]}
	for name, values := range map[string][]any{
		"n": {nil, 1, -2, 1 << 40}, "m": {nil, 7, 10}, "text": {nil, "", "x", "Y", "é"},
		"j": {nil, []string{"x", "a,b"}, json.RawMessage(`{"k":1.50}`)}, "f": {nil, true, false}, "at": {nil, day(1), day(-30000)}, "x": {nil, []byte{}, []byte{0, 255}},
	} {
		known := name == "n" || name == "m" || name == "text"
		if v := one(g, values...); g.IntN(2) == 0 && (known || g.IntN(8) == 0) {
			row[name] = v
		}
	}
	return row
}

// handle chooses who acts and what version is expected.
func (g *gen) handle() (what string, of func(*side) *state.Rows) {
	user, expect := "-", int64(0)
	if g.IntN(5) == 0 {
		user = one(g, "ada", "ada", "")
	}
	if g.IntN(12) == 0 {
		expect = 1 + g.Int64N(4)
	}
	g.user = user
	return fmt.Sprintf("as %q if %d ", user, expect), func(s *side) *state.Rows {
		r := s.rows.By("actor")
		if user != "-" {
			r = r.As(user)
		}
		if expect != 0 {
			r = r.If(expect)
		}
		return r
	}
}

func (g *gen) change() state.Change {
	key := g.key()
	c := state.Change{Op: one(g, state.OpAppend, state.OpUpdate, state.OpUpdate, state.OpPut, state.OpPut, state.OpPut, state.OpDelete, state.OpRestore)}
	switch c.Op {
	case state.OpDelete:
		c.Key = key
	case state.OpRestore:
		c.Key, c.Version = key, 1+g.Int64N(5)
	default:
		c.Row, c.Whole = g.row(key), g.IntN(3) == 0
	}
	return c
}

func (g *gen) write() call {
	as, of := g.handle()
	c := g.change()
	return call{fmt.Sprintf("%s%+v", as, c), func(ctx context.Context, s *side) (any, error) {
		got, err := of(s).Write(ctx, c)
		return recorded(s, ctx, got, err)
	}}
}

func (g *gen) batch() call {
	as, of := g.handle()
	cs := []state.Change{g.change(), g.change(), g.change()}
	return call{fmt.Sprintf("%sall of %+v", as, cs), func(ctx context.Context, s *side) (any, error) {
		got, err := of(s).Write(ctx, cs...)
		return recorded(s, ctx, got, err)
	}}
}

// recorded learns the positions of new records before they are told.
func recorded(s *side, ctx context.Context, got []state.Record, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return got, s.learn(ctx)
}
