package statetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

var writes = []rule{
	{"a row is appended once", func(s *subject) {
		r := s.todos()
		first := s.append(r, "a", state.Row{"body": "x"})
		s.equal([]any{first.Version, first.Op, first.Row["body"], first.Row["labels"]}, []any{int64(1), state.OpAppend, "x", nil})
		_, err := r.Append(s.ctx, state.Row{"id": "a", "body": "y"})
		s.kind(errs.Exists, err)
		s.equal(s.rec(r.Latest(s.ctx, "a")), first)
	}},
	{"an update merges, a replacement does not", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x", "priority": 3})
		up := s.rec(r.Update(s.ctx, state.Row{"id": "a", "done": true}))
		s.equal([]any{up.Version, up.Op, up.Row["body"], up.Row["priority"], up.Row["done"]}, []any{int64(2), state.OpUpdate, "x", int64(3), true})
		up = s.rec(r.Update(s.ctx, state.Row{"id": "a", "body": nil}))
		s.equal([]any{up.Row["body"], up.Row["priority"]}, []any{nil, int64(3)})
		up = s.rec(r.Replace(s.ctx, state.Row{"id": "a", "body": "z"}))
		s.equal([]any{up.Version, up.Row["body"], up.Row["priority"], up.Row["done"]}, []any{int64(4), "z", nil, nil})
	}},
	{"what is missing is not updated, replaced or deleted", func(s *subject) {
		r := s.todos()
		_, err := r.Update(s.ctx, state.Row{"id": "a"})
		s.kind(errs.NotFound, err)
		_, err = r.Replace(s.ctx, state.Row{"id": "a"})
		s.kind(errs.NotFound, err)
		_, err = r.Delete(s.ctx, "a")
		s.kind(errs.NotFound, err)
		_, err = r.Latest(s.ctx, "a")
		s.kind(errs.NotFound, err)
		has, err := r.Contains(s.ctx, "a")
		s.must(err)
		s.equal(has, false)
		head, err := r.Head(s.ctx)
		s.must(err)
		s.equal(head, state.Head{})
	}},
	{"put appends or updates", func(s *subject) {
		r := s.todos()
		s.equal(s.rec(r.Put(s.ctx, state.Row{"id": "a", "body": "x"})).Op, state.OpAppend)
		got := s.rec(r.Put(s.ctx, state.Row{"id": "a", "priority": 1}))
		s.equal([]any{got.Op, got.Row["body"], got.Row["priority"]}, []any{state.OpUpdate, "x", int64(1)})
	}},
	{"a deletion is a version, and a row can come again", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x", "user_id": "ada"})
		gone := s.rec(r.Delete(s.ctx, "a"))
		s.equal([]any{gone.Version, gone.Op, gone.Row["id"], gone.Row["user_id"], gone.Row["body"]}, []any{int64(2), state.OpDelete, "a", "ada", nil})
		_, err := r.Latest(s.ctx, "a")
		s.kind(errs.NotFound, err)
		_, err = r.Update(s.ctx, state.Row{"id": "a"})
		s.kind(errs.NotFound, err)
		again := s.append(r, "a", state.Row{"body": "y"})
		s.equal([]any{again.Version, again.Op, again.Row["user_id"]}, []any{int64(3), state.OpAppend, nil})
		s.equal(len(s.history(r, "a")), 3)
	}},
	{"positions grow and times grow with them", func(s *subject) {
		r := s.todos()
		last := s.append(r, "a", nil)
		for i := range 50 {
			next := s.rec(r.Update(s.ctx, state.Row{"id": "a", "priority": i}))
			if next.Seq <= last.Seq || !next.At.After(last.At) || next.Version != last.Version+1 {
				s.Fatalf("version %+v does not follow %+v", next.Meta, last.Meta)
			}
			last = next
		}
		if at := last.At; at.Nanosecond()%1000 != 0 || at.Location().String() != "UTC" {
			s.Fatalf("%v is not of whole microseconds in UTC", at)
		}
	}},
	{"a write that expects a version finds it or does nothing", func(s *subject) {
		r := s.todos()
		s.append(r, "a", state.Row{"body": "x"})
		s.rec(r.If(1).Update(s.ctx, state.Row{"id": "a", "body": "y"}))
		_, err := r.If(1).Update(s.ctx, state.Row{"id": "a", "body": "z"})
		s.field(errs.Conflict, "version", err)
		_, err = r.If(3).Delete(s.ctx, "a")
		s.kind(errs.Conflict, err)
		_, err = r.If(0).Put(s.ctx, state.Row{"id": "a"})
		s.field(errs.Invalid, "version", err)
		s.equal(s.rec(r.Latest(s.ctx, "a")).Row["body"], "y")
		s.rec(r.If(2).Delete(s.ctx, "a"))
		s.equal(s.rec(r.If(3).Append(s.ctx, state.Row{"id": "a"})).Version, int64(4))
	}},
	{"several changes are made in order, all or none", func(s *subject) {
		r := s.todos()
		recs, err := r.Write(s.ctx,
			state.Change{Op: state.OpAppend, Row: state.Row{"id": "a", "body": "x"}},
			state.Change{Op: state.OpUpdate, Row: state.Row{"id": "a", "priority": 1}, If: 1},
			state.Change{Op: state.OpDelete, Key: []any{"a"}},
			state.Change{Op: state.OpRestore, Key: []any{"a"}, Version: 2},
			state.Change{Op: state.OpPut, Row: state.Row{"id": "b"}})
		s.must(err)
		var got []string
		for _, rec := range recs {
			got = append(got, fmt.Sprint(rec.Row["id"], rec.Version, rec.Op))
		}
		s.equal(got, []string{"a1append", "a2update", "a3delete", "a4restore", "b1append"})
		before, err := r.Head(s.ctx)
		s.must(err)
		_, err = r.Write(s.ctx,
			state.Change{Op: state.OpAppend, Row: state.Row{"id": "c"}},
			state.Change{Op: state.OpUpdate, Row: state.Row{"id": "a", "body": "lost"}},
			state.Change{Op: state.OpAppend, Row: state.Row{"id": "b"}})
		s.kind(errs.Exists, err)
		_, err = r.Latest(s.ctx, "c")
		s.kind(errs.NotFound, err)
		s.equal(s.rec(r.Latest(s.ctx, "a")).Row["body"], "x")
		after, err := r.Head(s.ctx)
		s.must(err)
		s.equal(after, before)
	}},
	{"who wrote is kept", func(s *subject) {
		r := s.todos()
		s.append(r.By("cli: ☃"), "a", nil)
		s.equal(s.rec(r.Latest(s.ctx, "a")).Actor, "cli: ☃")
		s.equal(s.rec(r.Update(s.ctx, state.Row{"id": "a"})).Actor, "")
	}},
	{"keys of several columns tell NULL from an empty text", func(s *subject) {
		r := s.declare(files)
		for i, key := range []any{nil, "", "null", "a", `a","b`} {
			s.rec(r.Append(s.ctx, state.Row{"user_id": nil, "path": key, "n": 1, "size": i}))
		}
		s.rec(r.Append(s.ctx, state.Row{"user_id": "", "path": "", "n": 1, "size": 5}))
		s.rec(r.Append(s.ctx, state.Row{"user_id": "", "path": "", "n": nil, "size": 6}))
		_, err := r.Append(s.ctx, state.Row{"user_id": nil, "path": nil, "n": 1})
		s.kind(errs.Exists, err)
		for want, key := range [][]any{{nil, nil, 1}, {nil, "", 1}, {nil, "null", 1}, {nil, "a", 1}, {nil, `a","b`, 1}, {"", "", 1}, {"", "", nil}} {
			s.equal(s.rec(r.Latest(s.ctx, key...)).Row["size"], int64(want))
		}
	}},
	{"a key is whole, of its types and not too long", func(s *subject) {
		r, f := s.todos(), s.declare(files)
		_, err := r.Append(s.ctx, state.Row{"body": "x"})
		s.field(errs.Invalid, "id", err)
		_, err = r.Append(s.ctx, state.Row{"id": nil})
		s.field(errs.Invalid, "id", err)
		_, err = r.Latest(s.ctx)
		s.kind(errs.Invalid, err)
		_, err = f.Latest(s.ctx, "a", "b", "c")
		s.field(errs.Invalid, "n", err)
		_, err = r.Append(s.ctx, state.Row{"id": long(state.MaxKey + 1)})
		s.kind(errs.TooLarge, err)
		s.append(r, long(state.MaxKey), nil)
		s.rec(r.Latest(s.ctx, long(state.MaxKey)))
	}},
	{"a call whose context has ended is not done", func(s *subject) {
		r := s.todos()
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		if _, err := r.Append(ctx, state.Row{"id": "a"}); err == nil {
			s.Fatal("a write under an ended context succeeded")
		}
		has, err := r.Contains(s.ctx, "a")
		s.must(err)
		s.equal(has, false)
		if _, err := r.All(ctx, state.Query{}); err == nil || errors.Is(err, errs.Internal) {
			s.Fatalf("a read under an ended context: %v", err)
		}
	}},
}

// long is a text of n bytes that a database cannot make small.
func long(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'a' + byte(x>>24)%26
	}
	return string(b)
}
