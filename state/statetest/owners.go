package statetest

import (
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

var owners = []rule{
	{"a user sees the user's rows and no others", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"user_id": "ada"})
		s.append(r, "b", state.Row{"user_id": "bob"})
		s.append(r, "empty", state.Row{"user_id": ""})
		s.append(r, "nobody", nil)
		s.equal(column(s.all(state.Query{}, r.All), "id"), []any{"a", "b", "empty", "nobody"})
		s.equal(column(s.all(state.Query{}, r.As("ada").All), "id"), []any{"a"})
		s.equal(column(s.all(state.Query{}, r.As("").All), "id"), []any{"empty"})
		s.equal(column(s.all(state.Query{Where: where("user_id", state.Equal, nil)}, r.All), "id"), []any{"nobody"})
		s.equal(len(s.all(state.Query{Where: where("user_id", state.Equal, "bob")}, r.As("ada").All)), 0)
		for _, id := range []string{"b", "empty", "nobody"} {
			_, err := r.As("ada").Latest(s.ctx, id)
			s.kind(errs.NotFound, err)
			_, err = r.As("ada").History(s.ctx, page.Request{}, id)
			s.kind(errs.NotFound, err)
			_, err = r.As("ada").Diff(s.ctx, 1, 1, id)
			s.kind(errs.NotFound, err)
			_, err = r.As("ada").AsOf(state.AtVersion(1)).Latest(s.ctx, id)
			s.kind(errs.NotFound, err)
		}
	}},
	{"a row that changed hands is the new owner's alone", func(s *subject) {
		r := s.todos()
		was := s.append(r, "a", state.Row{"user_id": "ada", "body": "x"})
		s.rec(r.Update(s.ctx, state.Row{"id": "a", "user_id": "bob"}))
		s.equal(len(s.all(state.Query{}, r.As("ada").All)), 0)
		_, err := r.As("ada").Latest(s.ctx, "a")
		s.kind(errs.NotFound, err)
		s.equal(column(s.all(state.Query{}, r.As("bob").All), "id"), []any{"a"})
		s.equal(len(s.history(r, "a")), 2)
		s.equal(len(s.history(r.As("bob"), "a")), 1)
		then := r.As("ada").AsOf(state.AtPosition(was.Seq))
		s.equal(s.rec(then.Latest(s.ctx, "a")), was)
		s.equal(column(s.all(state.Query{}, viewed(then)), "id"), []any{"a"})
		_, err = r.As("bob").AsOf(state.AtPosition(was.Seq)).Latest(s.ctx, "a")
		s.kind(errs.NotFound, err)
	}},
	{"a user writes the user's rows and no others", func(s *subject) {
		r := s.todos()
		s.append(r, "b", state.Row{"user_id": "bob", "body": "x"})
		ada := r.As("ada")
		s.equal(s.append(ada, "a", nil).Row["user_id"], "ada")
		for _, write := range []func() (state.Record, error){
			func() (state.Record, error) { return ada.Update(s.ctx, state.Row{"id": "b", "body": "y"}) },
			func() (state.Record, error) { return ada.Replace(s.ctx, state.Row{"id": "b", "body": "y"}) },
			func() (state.Record, error) { return ada.Delete(s.ctx, "b") },
			func() (state.Record, error) { return ada.Restore(s.ctx, 1, "b") },
			func() (state.Record, error) { return ada.Undo(s.ctx, "b") },
		} {
			_, err := write()
			s.kind(errs.NotFound, err)
		}
		_, err := ada.Put(s.ctx, state.Row{"id": "b", "body": "y"})
		s.kind(errs.Exists, err)
		_, err = ada.Append(s.ctx, state.Row{"id": "b"})
		s.kind(errs.Exists, err)
		for _, other := range []any{"bob", nil, ""} {
			_, err = ada.Update(s.ctx, state.Row{"id": "a", "user_id": other})
			s.kind(errs.Forbidden, err)
			_, err = ada.Append(s.ctx, state.Row{"id": "c", "user_id": other})
			s.kind(errs.Forbidden, err)
		}
		s.rec(ada.Update(s.ctx, state.Row{"id": "a", "user_id": "ada", "body": "z"}))
		s.equal(s.rec(r.Latest(s.ctx, "b")).Row["body"], "x")
		s.equal(s.rec(ada.Replace(s.ctx, state.Row{"id": "a"})).Row["user_id"], "ada")
	}},
	{"an empty user is not everybody", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"user_id": "ada"})
		_, err := r.As("").Latest(s.ctx, "a")
		s.kind(errs.NotFound, err)
		_, err = r.As("").Update(s.ctx, state.Row{"id": "a"})
		s.kind(errs.NotFound, err)
		s.equal(s.append(r.As(""), "b", nil).Row["user_id"], "")
	}},
	{"a deleted row keeps its owner", func(s *subject) {
		r := s.todos()
		s.append(r.As("ada"), "a", state.Row{"body": "x"})
		s.rec(r.As("ada").Delete(s.ctx, "a"))
		_, err := r.As("bob").Restore(s.ctx, 1, "a")
		s.kind(errs.NotFound, err)
		_, err = r.As("bob").History(s.ctx, page.Request{}, "a")
		s.kind(errs.NotFound, err)
		s.equal(s.rec(r.As("ada").Undo(s.ctx, "a")).Row["body"], "x")
		s.rec(r.As("ada").Delete(s.ctx, "a"))
		s.equal(s.append(r.As("bob"), "a", nil).Row["user_id"], "bob")
	}},
	{"who takes a key over does not get what it held", func(s *subject) {
		r := s.todos()
		bob := r.As("bob")
		s.append(r.As("ada"), "a", state.Row{"body": "secret"})
		s.rec(r.As("ada").Delete(s.ctx, "a"))
		s.append(bob, "a", state.Row{"body": "x"})
		s.rec(bob.Update(s.ctx, state.Row{"id": "a", "body": "y"}))
		h, err := bob.History(s.ctx, page.Request{First: 1}, "a")
		s.must(err)
		s.equal([]any{h.Data[0].Version, h.Info.HasNextPage}, []any{int64(4), true})
		h, err = bob.History(s.ctx, page.Request{First: 1, Cursor: *h.Info.EndCursor}, "a")
		s.must(err)
		s.equal([]any{h.Data[0].Version, h.Info.HasNextPage}, []any{int64(3), false})
		for _, read := range []func() error{
			func() error { _, err := bob.AsOf(state.AtVersion(1)).Latest(s.ctx, "a"); return err },
			func() error { _, err := bob.Diff(s.ctx, 1, 4, "a"); return err },
			func() error { _, err := bob.Diff(s.ctx, 4, 2, "a"); return err },
			func() error { _, err := bob.Restore(s.ctx, 1, "a"); return err },
		} {
			s.kind(errs.NotFound, read())
		}
		s.equal(s.rec(bob.Undo(s.ctx, "a")).Row["body"], "x")
		s.equal(s.rec(bob.Undo(s.ctx, "a")).Op, state.OpDelete)
		s.equal(s.rec(r.Restore(s.ctx, 1, "a")).Row["user_id"], "ada")
	}},
	{"a user may not clear or compact", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		s.kind(errs.Forbidden, s.db.As("ada").Clear(s.ctx))
		_, err := r.As("ada").Compact(s.ctx, 1)
		s.kind(errs.Forbidden, err)
	}},
	{"rows of a table without an owner are everybody's", func(s *subject) {
		schema := todos
		schema.Owner = ""
		r := s.declare(schema)
		s.append(r.As("ada"), "a", nil)
		s.equal(s.rec(r.As("bob").Update(s.ctx, state.Row{"id": "a", "user_id": "x"})).Row["user_id"], "x")
	}},
}
