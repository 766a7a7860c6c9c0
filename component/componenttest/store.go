package componenttest

import (
	"context"
	"errors"
	"strings"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// of is what a batch expects of a record that was created and not changed.
func of(n int) component.Expected { return component.Expected{UUID: uuid(n), Revision: 1} }

var records = []rule{
	{"an empty store finds nothing", func(s *subject) {
		heads, err := s.store.Heads(s.ctx, []component.Name{named("model", "m")})
		s.must(err)
		s.equal(heads, []component.Head{{}})
		s.equal(len(s.find(component.Filter{Hidden: true})), 0)
		found, err := s.store.Edges(s.ctx, []string{uuid(1)}, []string{uuid(1)})
		s.must(err)
		s.equal(len(found), 0)
	}},
	{"a record comes back as it was written", func(s *subject) {
		r := record(1, "model", "Ünï cødé 名", 0)
		r.Status, r.Reason = component.Waiting, "no engine"
		r.Body = component.Raw(`{"text":"a\u0000b 𝄞 '\\"}`)
		s.create(r)
		r.Revision, r.Created, r.Updated = 1, moment(0), moment(0)
		s.equal(s.find(component.Filter{}), []component.Record{r})
		r.Body = nil
		s.equal(s.find(component.Filter{Bare: true}), []component.Record{r})
	}},
	{"identifiers are compared byte by byte and nothing is padded", func(s *subject) {
		for i, id := range []string{"a", "A", "ä", "a ", "b", "Å", "å"} {
			s.create(record(i+1, "model", id, 0))
		}
		s.equal(refs(s.find(component.Filter{})), []string{"A:0", "a:0", "a :0", "b:0", "Å:0", "ä:0", "å:0"})
		s.equal(refs(s.find(component.Filter{Identifier: "a"})), []string{"a:0"})
	}},
	{"a long identifier is kept whole", func(s *subject) {
		long := strings.Repeat("é", component.MaxIdentifier/2)
		s.create(record(1, "model", long, 0))
		s.equal(s.find(component.Filter{Identifier: long})[0].Identifier, long)
	}},
	{"versions count from 0 without gaps, and a version that is not the next is a conflict", func(s *subject) {
		s.create(record(1, "model", "m", 0), record(2, "model", "m", 1), record(3, "model", "n", 0))
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Create: []component.Record{record(4, "model", "m", 1)}}))
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Create: []component.Record{record(4, "model", "m", 3)}}))
		s.create(record(5, "model", "m", 2))
		heads, err := s.store.Heads(s.ctx, []component.Name{named("model", "m"), named("model", "none"), named("model", "n"), named("listener", "m")})
		s.must(err)
		s.equal([]int{heads[0].Next, heads[1].Next, heads[2].Next, heads[3].Next}, []int{3, 0, 1, 0})
		s.equal(heads[0].UUID, uuid(5))
	}},
	{"numbers grow over what was removed", func(s *subject) {
		s.create(record(1, "model", "m", 0), record(2, "model", "m", 1))
		s.commit(component.Batch{Delete: []component.Expected{of(1), of(2)}})
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Create: []component.Record{record(3, "model", "m", 0)}}))
		s.create(record(3, "model", "m", 2))
		s.equal(refs(s.find(component.Filter{})), []string{"m:2"})
	}},
	{"a batch is done whole or not at all", func(s *subject) {
		s.create(record(1, "model", "m", 0))
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{
			Create: []component.Record{record(2, "model", "n", 0)}, Hide: []component.Expected{of(1)},
			Children: []component.Children{{Parent: uuid(2), Edges: []component.Edge{{Parent: uuid(2), Child: uuid(9), Role: "x"}}}},
		}))
		s.equal(refs(s.find(component.Filter{})), []string{"m:0"})
		s.create(record(2, "model", "n", 0)) // its number was not used up
	}},
	{"an update needs the revision that it saw, and keeps what it does not change", func(s *subject) {
		s.create(record(1, "model", "m", 0))
		u := component.Update{Record: record(1, "other", "names", 7), Expect: 1}
		u.Hash, u.Body, u.Status, u.Reason = digest(5), component.Raw(`{"n":2}`), component.Waiting, "no engine"
		s.must(s.store.Commit(s.ctx, component.Batch{At: moment(1), Update: []component.Update{u}}))
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Update: []component.Update{u}}))
		got := s.find(component.Filter{})[0]
		want := u.Record
		want.Ref, want.Revision, want.Created, want.Updated = record(1, "model", "m", 0).Ref, 2, moment(0), moment(1)
		s.equal(got, want)
		u.UUID, u.Expect = uuid(2), 1
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Update: []component.Update{u}}))
	}},
	{"what is hidden shows when it is asked for, and the head is the newest visible one", func(s *subject) {
		s.create(record(1, "model", "m", 0), record(2, "model", "m", 1))
		s.commit(component.Batch{Hide: []component.Expected{of(2)}})
		s.equal(refs(s.find(component.Filter{})), []string{"m:0"})
		s.equal(refs(s.find(component.Filter{Hidden: true})), []string{"m:0", "m:1"})
		s.equal(refs(s.find(component.Filter{Hidden: true, Newest: true})), []string{"m:1"})
		s.equal(refs(s.find(component.Filter{Newest: true})), []string{"m:0"})
		heads, err := s.store.Heads(s.ctx, []component.Name{named("model", "m")})
		s.must(err)
		s.equal(heads[0].Version, 0)
		s.equal(heads[0].Next, 2)
		s.commit(component.Batch{Unhide: []component.Expected{{UUID: uuid(2), Revision: 2}}})
		s.equal(refs(s.find(component.Filter{Newest: true})), []string{"m:1"})
	}},
	{"records are found by any of their parts, page by page", func(s *subject) {
		s.create(record(1, "model", "a", 0), record(2, "model", "a", 1), record(3, "model", "b", 0), record(4, "listener", "a", 0), record(5, "model", "a", 2))
		one := 1
		s.equal(refs(s.find(component.Filter{Type: "model", Version: &one})), []string{"a:1"})
		s.equal(refs(s.find(component.Filter{UUIDs: []string{uuid(4), uuid(3), uuid(9)}})), []string{"a:0", "b:0"})
		s.equal(len(s.find(component.Filter{UUIDs: []string{}})), 0)
		s.equal(refs(s.find(component.Filter{Newest: true})), []string{"a:0", "a:2", "b:0"})
		var all []string
		f := component.Filter{Limit: 2}
		for {
			p := s.find(f)
			all = append(all, refs(p)...)
			if len(p) < 2 {
				break
			}
			f.After = &p[1].Ref
		}
		s.equal(all, []string{"a:0", "a:0", "a:1", "a:2", "b:0"})
	}},
	{"a thousand records are found by their UUIDs", func(s *subject) {
		var b component.Batch
		var all []string
		for i := range 1100 {
			b.Create = append(b.Create, record(i, "model", "m", i))
			all = append(all, uuid(i))
		}
		s.commit(b)
		s.equal(len(s.find(component.Filter{UUIDs: all})), 1100)
		s.equal(len(s.find(component.Filter{UUIDs: all, Limit: 7})), 7)
	}},
	{"a reset forgets components and their numbers", func(s *subject) {
		x := s.put("x")
		s.commit(component.Batch{Create: []component.Record{record(1, "model", "m", 0)},
			Holdings: []component.Holding{{Owner: owner(1), Digests: []string{x}}, {Owner: component.Owner{Kind: "row", ID: "docs/1"}, Digests: []string{x}}}})
		s.commit(component.Batch{Reset: true, Create: []component.Record{record(2, "model", "m", 0)}})
		s.equal(s.find(component.Filter{Hidden: true})[0].UUID, uuid(2))
		owners, err := s.store.Owners(s.ctx, x)
		s.must(err)
		s.equal(owners, []component.Owner{{Kind: "row", ID: "docs/1"}})
	}},
}

func edge(parent, child int, role string) component.Edge {
	return component.Edge{Parent: uuid(parent), Child: uuid(child), Role: role}
}

func (s *subject) edges(parents, children []string) []component.Edge {
	s.Helper()
	found, err := s.store.Edges(s.ctx, parents, children)
	s.must(err)
	return found
}

var edges = []rule{
	{"edges are found from either end, each once and in order", func(s *subject) {
		s.commit(component.Batch{Create: []component.Record{record(1, "model", "a", 0), record(2, "model", "b", 0), record(3, "model", "c", 0)},
			Children: []component.Children{{Parent: uuid(1), Edges: []component.Edge{edge(1, 3, "models[1]"), edge(1, 2, "models[0]")}}, {Parent: uuid(2), Edges: []component.Edge{edge(2, 3, "x")}}}})
		s.equal(s.edges([]string{uuid(1)}, nil), []component.Edge{edge(1, 2, "models[0]"), edge(1, 3, "models[1]")})
		s.equal(s.edges(nil, []string{uuid(3)}), []component.Edge{edge(1, 3, "models[1]"), edge(2, 3, "x")})
		s.equal(s.edges([]string{uuid(1), uuid(2)}, []string{uuid(3)}), []component.Edge{edge(1, 2, "models[0]"), edge(1, 3, "models[1]"), edge(2, 3, "x")})
		s.commit(component.Batch{Children: []component.Children{{Parent: uuid(1)}}})
		s.equal(s.edges([]string{uuid(1)}, []string{uuid(3)}), []component.Edge{edge(2, 3, "x")})
	}},
	{"an edge to nothing is a conflict that names its role", func(s *subject) {
		s.field(errs.Conflict, "model", s.store.Commit(s.ctx, component.Batch{Create: []component.Record{record(1, "model", "a", 0)},
			Children: []component.Children{{Parent: uuid(1), Edges: []component.Edge{edge(1, 9, "model")}}}}))
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Children: []component.Children{{Parent: uuid(1)}}}))
	}},
	{"what is in use is not deleted, but with its users it is, with its edges", func(s *subject) {
		s.commit(component.Batch{Create: []component.Record{record(1, "listener", "p", 0), record(2, "model", "c", 0)},
			Children: []component.Children{{Parent: uuid(1), Edges: []component.Edge{edge(1, 2, "model")}}}})
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Delete: []component.Expected{of(2)}}))
		s.equal(len(s.find(component.Filter{})), 2)
		s.commit(component.Batch{Delete: []component.Expected{of(1)}})
		s.equal(len(s.edges([]string{uuid(1)}, []string{uuid(2)})), 0)
		s.commit(component.Batch{Delete: []component.Expected{of(2)}})
		s.commit(component.Batch{Create: []component.Record{record(3, "listener", "p", 1), record(4, "model", "c", 1)},
			Children: []component.Children{{Parent: uuid(3), Edges: []component.Edge{edge(3, 4, "model")}}}})
		s.commit(component.Batch{Delete: []component.Expected{of(4), of(3)}})
		s.equal(len(s.find(component.Filter{Hidden: true})), 0)
	}},
	{"an edge to what the same batch deletes is a conflict", func(s *subject) {
		s.create(record(1, "listener", "p", 0), record(2, "model", "c", 0))
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Delete: []component.Expected{of(2)},
			Children: []component.Children{{Parent: uuid(1), Edges: []component.Edge{edge(1, 2, "model")}}}}))
		s.equal(len(s.find(component.Filter{})), 2)
	}},
}

func owner(n int) component.Owner {
	return component.Owner{Kind: component.ComponentOwner, ID: uuid(n)}
}

// unused are the digests that a sweep may take.
func (s *subject) unused() []string {
	s.Helper()
	found, err := s.db.Artifacts().Unused(s.ctx, moment(1), "", 10)
	s.must(err)
	out := []string{}
	for _, e := range found {
		out = append(out, string(e.Digest))
	}
	return out
}

var artifacts = []rule{
	{"an artifact that two have stays until neither has it", func(s *subject) {
		x := s.put("x")
		s.equal(s.unused(), []string{x})
		s.commit(component.Batch{Create: []component.Record{record(1, "model", "a", 0), record(2, "model", "b", 0)},
			Holdings: []component.Holding{{Owner: owner(1), Digests: []string{x, x}}, {Owner: owner(2), Digests: []string{x}}}})
		owners, err := s.store.Owners(s.ctx, x)
		s.must(err)
		s.equal(owners, []component.Owner{owner(1), owner(2)})
		s.commit(component.Batch{Delete: []component.Expected{of(1)}})
		s.equal(s.unused(), []string{})
		s.commit(component.Batch{Holdings: []component.Holding{{Owner: owner(2)}}})
		s.equal(s.unused(), []string{x})
		owners, err = s.store.Owners(s.ctx, x)
		s.must(err)
		s.equal(len(owners), 0)
	}},
	{"nothing has an artifact that is not kept", func(s *subject) {
		b := component.Batch{Create: []component.Record{record(1, "model", "a", 0)}, Holdings: []component.Holding{{Owner: owner(1), Digests: []string{digest(1)}}}}
		s.kind(errs.Conflict, s.store.Commit(s.ctx, b)) // before there is an index
		s.put("x")
		s.kind(errs.Conflict, s.store.Commit(s.ctx, b))
		s.equal(len(s.find(component.Filter{})), 0)
	}},
	{"nobody has anything where there is no index", func(s *subject) {
		s.create(record(1, "model", "a", 0))
		s.commit(component.Batch{Delete: []component.Expected{of(1)}, Holdings: []component.Holding{{Owner: owner(2)}}})
		s.commit(component.Batch{Reset: true})
		owners, err := s.store.Owners(s.ctx, digest(1))
		s.must(err)
		s.equal(len(owners), 0)
	}},
}

var journal = []rule{
	{"an entry stays until a batch settles it, and an entry that is gone fails the batch", func(s *subject) {
		for i := range 3 {
			s.must(s.store.Begin(s.ctx, component.Entry{ID: uuid(i), At: moment(3 - i), Body: component.Raw(`{"tables":["é"]}`)}))
		}
		found, err := s.store.Begun(s.ctx, moment(3))
		s.must(err)
		s.equal(found, []component.Entry{{ID: uuid(2), At: moment(1), Body: component.Raw(`{"tables":["é"]}`)}, {ID: uuid(1), At: moment(2), Body: component.Raw(`{"tables":["é"]}`)}})
		s.commit(component.Batch{Settled: []string{uuid(1)}, Create: []component.Record{record(1, "model", "a", 0)}})
		s.kind(errs.Conflict, s.store.Commit(s.ctx, component.Batch{Settled: []string{uuid(2), uuid(1)}}))
		found, err = s.store.Begun(s.ctx, moment(9))
		s.must(err)
		s.equal(len(found), 2)
	}},
}

var transactions = []rule{
	{"what an Update writes is there with its commit and not without", func(s *subject) {
		lost := errors.New("lost")
		err := s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
			s.must(tx.Components().Commit(ctx, component.Batch{At: moment(0), Create: []component.Record{record(1, "model", "m", 0)}}))
			heads, err := tx.Components().Heads(ctx, []component.Name{named("model", "m")})
			s.must(err)
			s.equal(heads[0].Next, 1)
			return lost
		})
		if !errors.Is(err, lost) {
			s.Fatal(err)
		}
		s.equal(len(s.find(component.Filter{})), 0)
		s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
			return tx.Components().Commit(ctx, component.Batch{At: moment(0), Create: []component.Record{record(2, "model", "m", 0)}})
		}))
		s.equal(s.find(component.Filter{})[0].UUID, uuid(2))
	}},
	{"a batch that fails leaves the Update as it was", func(s *subject) {
		s.create(record(1, "model", "m", 0))
		s.must(s.db.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
			s.must(tx.Components().Commit(ctx, component.Batch{At: moment(0), Create: []component.Record{record(2, "model", "n", 0)}}))
			s.kind(errs.Conflict, tx.Components().Commit(ctx, component.Batch{Create: []component.Record{record(3, "model", "m", 0)}}))
			return tx.Components().Commit(ctx, component.Batch{At: moment(0), Create: []component.Record{record(4, "model", "m", 1)}})
		}))
		s.equal(refs(s.find(component.Filter{})), []string{"m:0", "m:1", "n:0"})
	}},
	{"the outer handle is refused inside an Update", func(s *subject) {
		s.must(s.db.Update(s.ctx, func(ctx context.Context, _ store.Tx) error {
			s.kind(errs.Invalid, s.store.Commit(ctx, component.Batch{}))
			_, err := s.store.Find(ctx, component.Filter{})
			s.kind(errs.Invalid, err)
			return nil
		}))
	}},
}
