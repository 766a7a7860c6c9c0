package componenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// services are the words of tests about the service.
type services struct {
	*subject
	component.API
	data *query.Service
}

// service is the room over the tables of the same database.
func (s *subject) service() *services {
	s.Helper()
	data := s.emptied()
	return &services{s, s.held(component.Options{Data: data, Name: "test"}), data}
}

// emptied is the databackend without the tables of another subtest.
func (s *subject) emptied() *query.Service {
	s.Helper()
	data := query.NewService(s.db.Query(), query.Options{})
	tables, err := data.Tables(s.ctx)
	s.must(err)
	for _, t := range tables {
		if t.Created {
			s.must(data.DropTable(s.ctx, t.Name))
		}
	}
	return data
}

// held is the room as callers hold it.
func (s *subject) held(o component.Options) component.API {
	o.Artifacts = s.bytes
	svc := component.New(s.store, o)
	if s.serve == nil {
		return svc
	}
	return s.serve(s.T, Rooms{svc, s.bytes, o.Data})
}

func model(identifier string) *component.Model {
	return &component.Model{Base: component.Base{Identifier: identifier}, Kind: "hash"}
}

func listener(identifier string, m component.Child) *component.Listener {
	return &component.Listener{Base: component.Base{Identifier: identifier}, Key: component.Raw(`"x"`), Model: m, Select: component.Raw(`{"select":{"from":"docs"}}`)}
}

func index(identifier string, l component.Child) *component.VectorIndex {
	return &component.VectorIndex{Base: component.Base{Identifier: identifier}, Indexing: l}
}

func (s *services) apply(cs ...component.Component) component.Result {
	s.Helper()
	r, err := s.Apply(s.ctx, cs...)
	s.must(err)
	return r
}

// show is what Show says, as JSON.
func (s *services) show(o component.Which) string {
	s.Helper()
	v, err := s.Show(s.ctx, o)
	s.must(err)
	raw, err := json.Marshal(v)
	s.must(err)
	return string(raw)
}

func (s *services) versions(typ, identifier string) string {
	s.Helper()
	return s.show(component.Which{Type: typ, Identifier: identifier})
}

func (s *services) load(w component.Which) component.Component {
	s.Helper()
	c, err := s.Load(s.ctx, w)
	s.must(err)
	return c
}

func number(n int) *int { return &n }

// does is what a plan does, in short: "create model/m 0".
func does(p component.Plan) []string {
	out := []string{}
	for _, a := range p.Actions {
		out = append(out, fmt.Sprintf("%s %s %d", a.Do, a.Name, a.Version))
	}
	return out
}

// told is what it did.
func told(refs []component.Ref) []string {
	out := []string{}
	for _, r := range refs {
		out = append(out, fmt.Sprintf("%s %d", r.Name, r.Version))
	}
	return out
}

// on makes a rule of a test of the service.
func on(name string, test func(s *services)) rule {
	return rule{name, func(s *subject) { test(s.service()) }}
}

var applying = []rule{
	on("the same instance twice is one version", func(s *services) {
		m := model("m")
		s.equal(told(s.apply(m).Created), []string{"model/m 0"})
		r := s.apply(m)
		s.equal(told(r.Unchanged), []string{"model/m 0"})
		s.equal(r.Jobs, []string{})
		s.equal(s.versions("model", "m"), "[0]")
		if m.Version != nil || m.UUID != "" {
			s.Fatal("the caller's component was changed")
		}
	}),
	on("under the policy always equal instances are versions of their own", func(s *services) {
		always := &services{s.subject, s.Versioned(component.Always), s.data}
		always.apply(model("m"))
		always.apply(model("m"))
		s.equal(s.versions("model", "m"), "[0,1]")
		always.apply(model("m"))
		s.equal(s.versions("model", "m"), "[0,1,2]")
		s.equal(*s.load(component.Newest("model", "m")).(*component.Model).Version, 2)
		raw, err := s.Record(s.ctx, component.Version("model", "m", component.Latest))
		s.must(err)
		var got struct{ Version int }
		s.must(json.Unmarshal(raw, &got))
		s.equal(got.Version, 2)
		always.apply(s.load(component.Newest("model", "m"))) // one that is there, and equal
		s.equal(s.versions("model", "m"), "[0,1,2]")
	}),
	on("large bytes are an artifact, once for two owners, and read when asked for", func(s *services) {
		large := []byte(strings.Repeat("0123456789abcdef", 1<<16))
		for _, name := range []string{"a", "b"} {
			m := model(name)
			m.Artifacts = map[string]component.Bytes{"weights": {Data: large}, "small": {Data: []byte("x")}}
			s.apply(m)
		}
		raw, err := s.Record(s.ctx, component.Newest("model", "a"))
		s.must(err)
		if len(raw) > 2000 || !strings.Contains(string(raw), `"&:blob:`) {
			s.Fatalf("the record holds the bytes, or no reference: %d bytes", len(raw))
		}
		s.equal(len(s.bucket.Keys()), 1)
		m := s.load(component.Newest("model", "b")).(*component.Model)
		if m.Artifacts["weights"].Data != nil {
			s.Fatal("the bytes were read before anybody asked")
		}
		got, err := m.Artifacts["weights"].Read(s.ctx)
		s.must(err)
		s.equal(len(got), len(large))
		r := s.apply(m)
		s.equal(told(r.Unchanged), []string{"model/b 0"})
		_, err = s.Remove(s.ctx, component.Newest("model", "a"), component.RemoveOptions{})
		s.must(err)
		users, err := s.Users(s.ctx, artifact.Digest(digest(1)))
		s.must(err)
		s.equal(len(users), 0)
		s.equal(s.unused(), []string{}) // b has it
		_, err = s.Remove(s.ctx, component.Newest("model", "b"), component.RemoveOptions{})
		s.must(err)
		s.equal(len(s.unused()), 1)
	}),
	on("a child is applied before its parent, which refers to it", func(s *services) {
		r := s.apply(listener("l", component.Of(model("m"))))
		s.equal(told(r.Created), []string{"model/m 0", "listener/l 0"})
		s.equal(s.versions("model", "m")+s.versions("listener", "l"), "[0][0]")
		parents, err := s.Parents(s.ctx, component.Newest("model", "m"))
		s.must(err)
		s.equal(parents, r.Created[1:])
		children, err := s.Children(s.ctx, component.Newest("listener", "l"))
		s.must(err)
		s.equal(children, r.Created[:1])
		raw, err := s.Record(s.ctx, component.Newest("listener", "l"))
		s.must(err)
		if !strings.Contains(string(raw), `"model":"&:component:model:m"`) {
			s.Fatalf("no reference: %s", raw)
		}
		if !strings.Contains(string(raw), `"status":"waiting"`) || !strings.Contains(string(raw), `"reason":"no engine"`) {
			s.Fatalf("it does not say that it waits: %s", raw)
		}
		l := s.load(component.Newest("listener", "l")).(*component.Listener)
		s.equal(l.Model.Component.(*component.Model).UUID, r.Created[0].UUID)
	}),
	on("what is no component is refused", func(s *services) {
		_, err := s.Apply(s.ctx, nil)
		s.kind(errs.Invalid, err)
		_, err = s.Apply(s.ctx, model("a"), (*component.Model)(nil))
		s.kind(errs.Invalid, err)
		s.equal(s.show(component.Which{}), "[]")
	}),
	on("references that lead nowhere, to another type or in circles are named", func(s *services) {
		_, err := s.Apply(s.ctx, listener("l", component.To("model", "none")))
		s.field(errs.Invalid, "listener/l.model", err)
		s.apply(model("m"))
		_, err = s.Apply(s.ctx, listener("l", component.ToVersion("model", "m", 7)))
		s.field(errs.Invalid, "listener/l.model", err)
		_, err = s.Apply(s.ctx, listener("l", component.To("listener", "l")))
		s.field(errs.Invalid, "listener/l.model", err)
		r := s.apply(&component.Metric{Base: component.Base{Identifier: "m"}})
		_, err = s.Apply(s.ctx, listener("l", component.Child{Ref: component.Ref{Version: component.Latest, UUID: r.Created[0].UUID}}))
		s.field(errs.Invalid, "listener/l.model", err)
		a := model("a")
		a.Models = []component.Child{component.Of(a)}
		_, err = s.Apply(s.ctx, a)
		s.field(errs.Invalid, "model/a", err)
		b, c := model("b"), model("c")
		b.Models, c.Models = []component.Child{component.To("model", "c")}, []component.Child{component.To("model", "b")}
		_, err = s.Apply(s.ctx, b, c)
		s.field(errs.Invalid, "model/b", err)
		s.apply(model("d"))
		e := model("e")
		e.Models = []component.Child{component.To("model", "d")}
		s.apply(e)
		d := model("d")
		d.Upstream = []component.Child{component.To("model", "e")}
		_, err = s.Apply(s.ctx, d)
		s.field(errs.Invalid, "model/d", err)
		d.Upstream = []component.Child{component.ToVersion("model", "d", 0)}
		_, err = s.Apply(s.ctx, d)
		s.field(errs.Invalid, "model/d", err)
		q := listener("q", component.To("model", "m"))
		q.Select = component.Raw(`{"select":{"from":"docs","outputs":["nobody"]}}`)
		_, err = s.Apply(s.ctx, q)
		s.field(errs.Invalid, "listener/q.select.outputs.nobody", err)
		n := model("n")
		n.Version = number(3)
		_, err = s.Apply(s.ctx, n)
		s.field(errs.Invalid, "model/n.version", err)
		s.equal(s.show(component.Which{Type: "listener"}), "[]")
	}),
	on("two different declarations of one name in one apply are refused, equal ones are one", func(s *services) {
		other := model("m")
		other.Flatten = true
		_, err := s.Apply(s.ctx, listener("a", component.Of(model("m"))), listener("b", component.Of(other)))
		s.field(errs.Invalid, "model/m", err)
		s.equal(told(s.apply(listener("a", component.Of(model("m"))), listener("b", component.Of(model("m")))).Created),
			[]string{"model/m 0", "listener/a 0", "listener/b 0"})
	}),
	on("a reference finds what is applied with it", func(s *services) {
		s.equal(told(s.apply(index("v", component.To("listener", "l")), listener("l", component.To("model", "m")), model("m")).Created),
			[]string{"model/m 0", "listener/l 0", "vector_index/v 0"})
	}),
	on("a secret is refused and not repeated", func(s *services) {
		m := model("m")
		m.Config = component.Object{"api_key": "sk-hush"}
		_, err := s.Apply(s.ctx, m)
		s.field(errs.Invalid, "model/m.config.api_key", err)
		if strings.Contains(err.Error(), "hush") {
			s.Fatal(err)
		}
		m.Config = component.Object{"api_key": "env:KEY"}
		s.apply(m)
		r := record(7, "model", "theirs", 0)
		r.Body = component.Raw(`{"type_id":"model","identifier":"theirs","config":{"password":"hush","url":"x://u:hush@h"}}`)
		s.create(r)
		if shown := s.show(component.Which{Type: "model", Identifier: "theirs", Version: number(0)}); strings.Contains(shown, "hush") {
			s.Fatal(shown)
		}
		theirs := model("theirs")
		plan, err := s.Plan(s.ctx, theirs)
		s.must(err)
		if raw, _ := json.Marshal(plan); strings.Contains(string(raw), "hush") {
			s.Fatal(string(raw))
		}
	}),
}

var changing = []rule{
	on("an equal new instance is unchanged, a harmless field updates, a breaking one makes a version", func(s *services) {
		s.apply(model("m"))
		r := s.apply(model("m"))
		s.equal(told(r.Unchanged), []string{"model/m 0"})
		m := model("m")
		m.BatchSize = 4
		r = s.apply(m)
		s.equal(told(r.Updated), []string{"model/m 0"})
		s.equal(s.versions("model", "m"), "[0]")
		s.equal(s.load(component.Newest("model", "m")).(*component.Model).BatchSize, 4)
		m.Revision = "2"
		r = s.apply(m)
		s.equal(told(r.Created), []string{"model/m 1"})
		s.equal(r.Plan.Actions[0].Do, component.Recreate)
		s.equal(s.versions("model", "m"), "[0,1]")
	}),
	on("a child's harmless change updates the child alone", func(s *services) {
		s.apply(listener("l", component.Of(model("m"))))
		m := model("m")
		m.Description = "d"
		r := s.apply(listener("l", component.Of(m)))
		s.equal(told(r.Updated), []string{"model/m 0"})
		s.equal(told(r.Unchanged), []string{"listener/l 0"})
		s.equal(s.load(component.Newest("listener", "l")).(*component.Listener).Model.Component.(*component.Model).Description, "d")
	}),
	on("a child that breaks under a harmless reference leaves the parent's version", func(s *services) {
		fit := func(kind string) component.Child {
			return component.Of(&component.Trainer{Base: component.Base{Identifier: "t"}, Kind: kind})
		}
		m := model("m")
		m.Trainer = fit("a")
		s.apply(m)
		m.Trainer = fit("b")
		r := s.apply(m)
		s.equal(told(r.Created), []string{"trainer/t 1"})
		s.equal(told(r.Updated), []string{"model/m 0"})
		s.equal(s.versions("model", "m")+s.versions("trainer", "t"), "[0][0,1]")
		s.equal(s.load(component.Newest("model", "m")).(*component.Model).Trainer.Component.(*component.Trainer).Kind, "b")
	}),
	on("a child that breaks under a breaking reference re-creates the parents", func(s *services) {
		s.apply(index("v", component.Of(listener("l", component.Of(model("m"))))))
		m := model("m")
		m.Flatten = true
		r := s.apply(index("v", component.Of(listener("l", component.Of(m)))))
		s.equal(does(r.Plan), []string{"recreate model/m 1", "recreate listener/l 1", "recreate vector_index/v 1"})
		v := s.load(component.Version("vector_index", "v", 0)).(*component.VectorIndex)
		old := v.Indexing.Component.(*component.Listener).Model.Component.(*component.Model)
		s.equal(*old.Version, 0)
		s.equal(old.Flatten, false)
		// What was loaded is what is stored, whatever came after it.
		s.equal(told(s.apply(v).Unchanged), []string{"model/m 0", "listener/l 0", "vector_index/v 0"})
	}),
	on("a parent that is not applied keeps its child's version until it is", func(s *services) {
		s.apply(listener("l", component.Of(model("m"))))
		m := model("m")
		m.Flatten = true
		s.equal(told(s.apply(m).Created), []string{"model/m 1"})
		s.equal(s.versions("listener", "l"), "[0]")
		l := s.load(component.Newest("listener", "l")).(*component.Listener)
		s.equal(*l.Model.Component.(*component.Model).Version, 0)
		s.equal(told(s.apply(listener("l", component.To("model", "m"))).Created), []string{"listener/l 1"})
		s.equal(told(s.apply(listener("b", component.ToVersion("model", "m", 0))).Created), []string{"listener/b 0"})
		bound := s.load(component.Newest("listener", "b"))
		s.equal(told(s.apply(bound).Unchanged), []string{"listener/b 0"})
	}),
	on("a new version that is equal re-creates nobody", func(s *services) {
		s.apply(listener("l", component.Of(model("m"))))
		_, err := s.Versioned(component.Always).Apply(s.ctx, model("m"))
		s.must(err)
		r := s.apply(listener("l", component.To("model", "m")))
		s.equal(told(r.Updated), []string{"listener/l 0"})
		s.equal(s.versions("model", "m"), "[0,1]")
	}),
	on("a version that is named may be the next one and no other", func(s *services) {
		for v := range 2 {
			m := model("m")
			m.Version = number(v)
			s.equal(told(s.apply(m).Created), []string{fmt.Sprintf("model/m %d", v)})
		}
		m := model("m")
		m.Version = number(1)
		s.equal(told(s.apply(m).Unchanged), []string{"model/m 1"})
	}),
	on("fields of a newer Varve stay", func(s *services) {
		r := record(1, "model", "m", 0)
		r.Body = component.Raw(`{"future":{"a":1},"identifier":"m","kind":"hash","type_id":"model"}`)
		s.create(r)
		s.equal(told(s.apply(model("m")).Unchanged), []string{"model/m 0"})
		r.Hash, r.Break = breaks(s, model("m"))
		s.must(s.store.Commit(s.ctx, component.Batch{Update: []component.Update{{Record: r, Expect: 1}}}))
		m := model("m")
		m.BatchSize = 2
		s.equal(told(s.apply(m).Updated), []string{"model/m 0"})
		raw, err := s.Record(s.ctx, component.Newest("model", "m"))
		s.must(err)
		if !strings.Contains(string(raw), `"future":{"a":1}`) || !strings.Contains(string(raw), `"max_batch_size":2`) {
			s.Fatal(string(raw))
		}
	}),
	on("a plan says what apply does, and does nothing", func(s *services) {
		v := index("v", component.Of(listener("l", component.Of(model("m")))))
		before := s.dump()
		plan, err := s.Plan(s.ctx, v)
		s.must(err)
		s.equal(s.dump(), before)
		s.equal(does(plan), []string{"create model/m 0", "create listener/l 0", "create vector_index/v 0"})
		r := s.apply(v)
		s.equal(r.Plan, plan)
		s.equal(told(r.Created), told(plan.Created))
		again, err := s.Plan(s.ctx, v)
		s.must(err)
		s.equal(does(again), []string{"unchanged model/m 0", "unchanged listener/l 0", "unchanged vector_index/v 0"})
		s.equal(again.Empty(), true)
		m := model("m")
		m.BatchSize, m.Flatten = 3, true
		plan, err = s.Plan(s.ctx, m)
		s.must(err)
		s.equal(plan.String(), "recreate model/m version 1\n    flatten: true (breaks)\n    max_batch_size: 3\n")
	}),
	on("an unchanged apply writes nothing", func(s *services) {
		v := index("v", component.Of(listener("l", component.Of(model("m")))))
		s.apply(v)
		before := s.dump()
		quiet := component.New(silent{s.store}, component.Options{Artifacts: s.bytes, Data: s.data})
		r, err := quiet.Apply(s.ctx, v)
		s.must(err)
		s.equal(len(r.Unchanged), 3)
		s.equal(s.dump(), before)
	}),
}

// silent is a store that refuses to be written to.
type silent struct{ component.Store }

func (silent) Commit(context.Context, component.Batch) error {
	return errs.New(errs.Internal, "a write that was not needed")
}

func (silent) Begin(context.Context, component.Entry) error {
	return errs.New(errs.Internal, "a write that was not needed")
}

func breaks(s *services, c component.Component) (hash, breaking string) {
	s.Helper()
	hash, breaking, err := component.Hashes(c)
	s.must(err)
	return hash, breaking
}

// dump is all that is stored, as text.
func (s *subject) dump() string {
	s.Helper()
	all := s.find(component.Filter{Hidden: true})
	var uuids []string
	for _, r := range all {
		uuids = append(uuids, r.UUID)
	}
	found, err := s.store.Edges(s.ctx, uuids, nil)
	s.must(err)
	entries, err := s.store.Begun(s.ctx, moment(1<<20))
	s.must(err)
	raw, err := json.Marshal([]any{all, found, entries})
	s.must(err)
	return string(raw)
}
