package statetest

import (
	"net/netip"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

type base struct {
	Created time.Time `state:",null"`
}

type todo struct {
	base
	ID       string  `state:"id,key"`
	UserID   *string `state:",owner"`
	Body     string
	Priority int8
	Weight   float32
	Open     *bool
	Data     []byte
	Labels   []string
	Extra    map[string]any
	Address  netip.Addr
	Skipped  string `state:"-"`
	hidden   string
}

type todo2 struct {
	ID       string `state:"id,key"`
	UserID   string `state:",owner"`
	Text     string `state:"text,was=body"`
	Priority string
	Weight   float64
	More     *int
}

var typed = []rule{
	{"a Go value comes back as it was", func(s *subject) {
		r, err := state.TableOf[todo](s.db, "todos")
		s.must(err)
		yes, ada := true, "ada"
		for _, want := range []todo{
			{ID: "zero"},
			{base: base{Created: day(1)}, ID: "full", UserID: &ada, Body: "b", Priority: -128, Weight: 0.5, Open: &yes, Data: []byte{}, Labels: []string{"a,b", ""}, Extra: map[string]any{"k": nil}, Address: netip.MustParseAddr("::1")},
		} {
			_, err := r.Append(s.ctx, want)
			s.must(err)
			got, err := r.Latest(s.ctx, want.ID)
			s.must(err)
			s.equal(got.Value.Labels, want.Labels)
			s.equal(got.Value.Data, want.Data)
			s.equal([]any{got.Value.ID, got.Value.Body, got.Value.Priority, got.Value.Weight, got.Value.Created, got.Value.Address.String()},
				[]any{want.ID, want.Body, want.Priority, want.Weight, want.Created, want.Address.String()})
			s.equal(got.Value.UserID, want.UserID)
			s.equal(got.Value.Open, want.Open)
			s.equal(got.Value.Extra, want.Extra)
		}
	}},
	{"the verbs of a typed table are those of rows", func(s *subject) {
		r, err := state.TableOf[todo](s.db.By("me"), "todos")
		s.must(err)
		first, err := r.Append(s.ctx, todo{ID: "a", Body: "x", Skipped: "no", hidden: "no"})
		s.must(err)
		s.equal([]any{first.Version, first.Actor, first.Value.Skipped + first.Value.hidden}, []any{int64(1), "me", ""})
		_, err = r.Append(s.ctx, todo{ID: "a"})
		s.kind(errs.Exists, err)
		up, err := r.Update(s.ctx, state.Row{"id": "a", "priority": 3})
		s.must(err)
		s.equal([]any{up.Value.Body, up.Value.Priority}, []any{"x", int8(3)})
		up, err = r.If(2).Replace(s.ctx, todo{ID: "a", Body: "y"})
		s.must(err)
		s.equal([]any{up.Value.Body, up.Value.Priority}, []any{"y", int8(0)})
		_, err = r.If(2).Put(s.ctx, todo{ID: "a"})
		s.kind(errs.Conflict, err)
		was, err := r.AsOf(state.AtVersion(1)).Latest(s.ctx, "a")
		s.must(err)
		s.equal([]any{was.Meta, was.Value.Body}, []any{first.Meta, "x"})
		h, err := r.History(s.ctx, page.Request{}, "a")
		s.must(err)
		s.equal(len(h.Data), 3)
		u, err := r.Undo(s.ctx, "a")
		s.must(err)
		s.equal(u.Value.Body, "x")
		_, err = r.Delete(s.ctx, "a")
		s.must(err)
		has, err := r.Contains(s.ctx, "a")
		s.must(err)
		s.equal(has, false)
		n := 0
		for _, err := range r.Each(s.ctx, state.Query{Deleted: true}) {
			s.must(err)
			n++
		}
		s.equal(n, 1)
		for rec, err := range r.Watch(s.ctx, up.Seq) {
			s.must(err)
			s.equal(rec, u)
			break
		}
	}},
	{"an older struct goes on beside a newer one", func(s *subject) {
		older, err := state.TableOf[todo](s.db, "todos")
		s.must(err)
		_, err = older.Append(s.ctx, todo{ID: "a", Body: "x", Priority: 3, Weight: 1, Labels: []string{"l"}})
		s.must(err)
		newer, err := state.TableOf[todo2](s.db, "todos")
		s.must(err)
		got, err := newer.Latest(s.ctx, "a")
		s.must(err)
		s.equal(got.Value, todo2{ID: "a", Text: "x", Priority: "3", Weight: 1})
		seven := 7
		_, err = newer.Put(s.ctx, todo2{ID: "a", Text: "y", Priority: "4", More: &seven})
		s.must(err)
		up, err := older.Update(s.ctx, state.Row{"id": "a", "body": "z"})
		s.must(err)
		s.equal([]any{up.Value.Body, up.Value.Priority, up.Value.Labels}, []any{"z", int8(4), []string{"l"}})
		_, err = older.Replace(s.ctx, todo{ID: "a", Body: "w", Priority: 5})
		s.must(err)
		got, err = newer.Latest(s.ctx, "a")
		s.must(err)
		s.equal([]any{got.Value.Text, got.Value.Priority, *got.Value.More}, []any{"w", "5", 7})
		_, err = newer.Put(s.ctx, todo2{ID: "a", Priority: "high"})
		s.must(err)
		_, err = older.Latest(s.ctx, "a")
		s.field(errs.Invalid, "priority", err)
	}},
	{"what is no table of a struct is refused", func(s *subject) {
		_, err := state.TableOf[int](s.db, "todos")
		s.field(errs.Invalid, "table", err)
		_, err = state.TableOf[struct{ A string }](s.db, "todos")
		s.field(errs.Invalid, "key", err)
		_, err = state.TableOf[struct {
			A string `state:"a,key,unique"`
		}](s.db, "todos")
		s.field(errs.Invalid, "a", err)
		_, err = state.TableOf[struct {
			A []string `state:"a,key"`
		}](s.db, "todos")
		s.field(errs.Invalid, "key", err)
	}},
}
