package componenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

var showing = []rule{
	on("show in all its forms", func(s *services) {
		always := s.Versioned(component.Always)
		for _, name := range []string{"a1", "a2", "a3", "b", "b", "b"} {
			_, err := always.Apply(s.ctx, model(name))
			s.must(err)
		}
		s.equal(s.show(component.Which{Type: "model"}), `["a1","a2","a3","b"]`)
		s.equal(s.versions("model", "a1"), "[0]")
		s.equal(s.versions("model", "b"), "[0,1,2]")
		s.equal(s.versions("model", "none"), "[]")
		s.equal(s.show(component.Which{}), `[{"type_id":"model","identifier":"a1","status":"ready"},{"type_id":"model","identifier":"a2","status":"ready"},{"type_id":"model","identifier":"a3","status":"ready"},{"type_id":"model","identifier":"b","status":"ready"}]`)
		for version, want := range map[int]int{1: 1, -1: 2} {
			var got struct{ Version int }
			s.must(json.Unmarshal([]byte(s.show(component.Which{Type: "model", Identifier: "b", Version: number(version)})), &got))
			s.equal(got.Version, want)
		}
		_, err := s.Show(s.ctx, component.Which{Type: "model", Version: number(1)})
		s.field(errs.Invalid, "identifier", err)
		if !strings.Contains(err.Error(), "None") || !strings.Contains(err.Error(), "1") {
			s.Fatal(err)
		}
		_, err = s.Show(s.ctx, component.Which{Type: "model", Identifier: "b", Version: number(3)})
		s.kind(errs.NotFound, err)
		_, err = s.Show(s.ctx, component.Which{Type: "model", Identifier: "b", Version: number(-2)})
		s.field(errs.Invalid, "version", err)
	}),
	on("a record of show is a declaration of what it shows", func(s *services) {
		m := model("m")
		m.Config = component.Object{"a": []any{1, "x"}}
		s.apply(m)
		raw, err := s.Record(s.ctx, component.Newest("model", "m"))
		s.must(err)
		back, err := component.Decode(raw)
		s.must(err)
		s.equal(told(s.apply(back).Unchanged), []string{"model/m 0"})
	}),
	on("load by name, version and UUID", func(s *services) {
		m := model("m")
		first := s.apply(m).Created[0]
		m.Flatten = true
		s.apply(m)
		s.equal(*s.load(component.Newest("model", "m")).(*component.Model).Version, 1)
		s.equal(s.load(component.Version("model", "m", 0)).(*component.Model).UUID, first.UUID)
		s.equal(*s.load(component.ByUUID(first.UUID)).(*component.Model).Version, 0)
		_, err := s.Load(s.ctx, component.Newest("model", "none"))
		s.kind(errs.NotFound, err)
		_, err = s.Load(s.ctx, component.Version("model", "m", 9))
		s.kind(errs.NotFound, err)
		_, err = s.Load(s.ctx, component.ByUUID(uuid(9)))
		s.kind(errs.NotFound, err)
		_, err = s.Load(s.ctx, component.Which{Type: "model"})
		s.kind(errs.Invalid, err)
		s.apply(&component.DataType{Base: component.Base{Identifier: "v"}, Of: "vector[3]"})
		s.equal(s.load(component.Newest("encoder", "v")).(*component.DataType).Of, "vector[3]")
	}),
	on("identifiers that differ by case or accents are different components", func(s *services) {
		s.apply(model("a"), model("A"), model("ä"))
		s.equal(s.show(component.Which{Type: "model"}), `["A","a","ä"]`)
	}),
}

var removing = []rule{
	on("one version goes, the others stay, and numbers go on", func(s *services) {
		always := s.Versioned(component.Always)
		for range 3 {
			_, err := always.Apply(s.ctx, model("m"))
			s.must(err)
		}
		dry, err := s.Remove(s.ctx, component.Version("model", "m", 1), component.RemoveOptions{DryRun: true})
		s.must(err)
		s.equal(s.versions("model", "m"), "[0,1,2]")
		r, err := s.Remove(s.ctx, component.Version("model", "m", 1), component.RemoveOptions{})
		s.must(err)
		s.equal(r, dry)
		s.equal(told(r.Removed), []string{"model/m 1"})
		s.equal(s.versions("model", "m"), "[0,2]")
		_, err = always.Apply(s.ctx, model("m"))
		s.must(err)
		s.equal(s.versions("model", "m"), "[0,2,3]")
		_, err = s.Remove(s.ctx, component.Newest("model", "m"), component.RemoveOptions{})
		s.must(err)
		s.equal(s.versions("model", "m"), "[]")
		r, err = s.Remove(s.ctx, component.Newest("model", "m"), component.RemoveOptions{})
		s.must(err)
		s.equal(len(r.Removed), 0)
		_, err = s.Remove(s.ctx, component.Version("model", "m", 0), component.RemoveOptions{})
		s.kind(errs.NotFound, err)
		s.equal(told(s.apply(model("m")).Created), []string{"model/m 4"})
	}),
	on("what is in use is not removed, and the error names who uses it", func(s *services) {
		s.apply(listener("the-parent", component.Of(model("m"))))
		for _, w := range []component.Which{component.Newest("model", "m"), component.Version("model", "m", 0)} {
			_, err := s.Remove(s.ctx, w, component.RemoveOptions{})
			s.kind(errs.Conflict, err)
			if !strings.Contains(err.Error(), "is involved in other components") || !strings.Contains(err.Error(), "the-parent") {
				s.Fatal(err)
			}
		}
		s.equal(s.versions("model", "m"), "[0]")
	}),
	on("by force it is hidden, its parents still load, and it can be shown again or purged", func(s *services) {
		s.apply(listener("l", component.Of(model("m"))))
		other := model("m")
		other.Flatten = true
		s.apply(other)
		r, err := s.Remove(s.ctx, component.Newest("model", "m"), component.RemoveOptions{Force: true})
		s.must(err)
		s.equal(told(r.Removed), []string{"model/m 1"})
		s.equal(told(r.Hidden), []string{"model/m 0"})
		s.equal(s.versions("model", "m"), "[]")
		s.equal(s.show(component.Which{Type: "model", Identifier: "m", Hidden: true}), "[0]")
		s.equal(s.show(component.Which{Type: "model"}), "[]")
		l := s.load(component.Newest("listener", "l")).(*component.Listener)
		s.equal(*l.Model.Component.(*component.Model).Version, 0)
		_, err = s.Load(s.ctx, component.Newest("model", "m"))
		s.kind(errs.NotFound, err)
		shown, err := s.Unhide(s.ctx, component.Newest("model", "m"))
		s.must(err)
		s.equal(told(shown), []string{"model/m 0"})
		s.equal(s.versions("model", "m"), "[0]")
		_, err = s.Remove(s.ctx, component.Newest("model", "m"), component.RemoveOptions{Force: true})
		s.must(err)
		purged, err := s.Purge(s.ctx, component.Which{})
		s.must(err)
		s.equal(len(purged), 0) // l uses it
		_, err = s.Remove(s.ctx, component.Newest("listener", "l"), component.RemoveOptions{})
		s.must(err)
		purged, err = s.Purge(s.ctx, component.Which{})
		s.must(err)
		s.equal(told(purged), []string{"model/m 0"})
		s.equal(told(s.apply(model("m")).Created), []string{"model/m 2"})
	}),
	on("recursively what is inside goes too, unless others use it", func(s *services) {
		s.apply(index("v", component.Of(listener("l", component.Of(model("m"))))), listener("other", component.To("model", "m")))
		_, err := s.Remove(s.ctx, component.Newest("vector_index", "v"), component.RemoveOptions{Recursive: true})
		s.kind(errs.Conflict, err)
		if !strings.Contains(err.Error(), "listener/other") {
			s.Fatal(err)
		}
		s.equal(s.versions("vector_index", "v"), "[0]")
		r, err := s.Remove(s.ctx, component.Newest("vector_index", "v"), component.RemoveOptions{Recursive: true, Force: true})
		s.must(err)
		s.equal(told(r.Removed), []string{"listener/l 0", "vector_index/v 0"})
		s.equal(len(r.Hidden), 0)
		r, err = s.Remove(s.ctx, component.Newest("listener", "other"), component.RemoveOptions{Recursive: true})
		s.must(err)
		s.equal(told(r.Removed), []string{"listener/other 0", "model/m 0"})
	}),
	on("nothing is dropped by accident", func(s *services) {
		s.apply(model("m"))
		for _, confirm := range []string{"", "no", "Test"} {
			s.field(errs.Invalid, "confirm", s.Drop(s.ctx, component.DropOptions{Confirm: confirm}))
		}
		nameless := component.New(s.store, component.Options{})
		s.field(errs.Invalid, "confirm", nameless.Drop(s.ctx, component.DropOptions{}))
		s.equal(s.versions("model", "m"), "[0]")
		s.must(s.Drop(s.ctx, component.DropOptions{Confirm: "test"}))
		s.equal(s.show(component.Which{Hidden: true}), "[]")
		s.equal(told(s.apply(model("m")).Created), []string{"model/m 0"})
	}),
	on("declared tables are dropped if that is said, and no others", func(s *services) {
		s.apply(table("declared", map[string]string{"x": "text"}))
		s.insert(1)
		s.must(s.Drop(s.ctx, component.DropOptions{Confirm: "test"}))
		_, err := s.data.Describe(s.ctx, "declared")
		s.must(err)
		s.apply(table("declared", map[string]string{"x": "text"}), table("gone", map[string]string{"x": "text"}))
		s.must(s.data.DropTable(s.ctx, "gone"))
		s.must(s.Drop(s.ctx, component.DropOptions{Confirm: "test", Data: true}))
		s.equal(s.show(component.Which{Hidden: true}), "[]")
		_, err = s.data.Describe(s.ctx, "declared")
		s.kind(errs.NotFound, err)
		_, err = s.data.Describe(s.ctx, "docs")
		s.must(err)
	}),
}

var replacing = []rule{
	on("replace overwrites in place and creates nothing unless told", func(s *services) {
		m := model("m")
		_, err := s.Replace(s.ctx, m, false)
		s.kind(errs.NotFound, err)
		s.equal(s.versions("model", "m"), "[]")
		for i := 1; i <= 3; i++ {
			m.Config = component.Object{"add": i}
			ref, err := s.Replace(s.ctx, m, true)
			s.must(err)
			s.equal(ref.Version, 0)
			s.equal(len(ref.UUID), 32)
			got := s.load(component.Newest("model", "m")).(*component.Model)
			s.equal(fmt.Sprint(got.Config["add"]), fmt.Sprint(i))
			s.equal(got.UUID, ref.UUID)
		}
		s.equal(s.versions("model", "m"), "[0]")
	}),
	on("replace takes the version that is named, with those inside it", func(s *services) {
		l := listener("l", component.Of(model("m")))
		s.apply(l)
		l.Key = component.Raw(`"y"`)
		s.apply(l)
		m := model("m")
		m.Flatten = true
		l = listener("l", component.Of(m))
		l.Version, l.Key = number(0), component.Raw(`"z"`)
		_, err := s.Replace(s.ctx, l, false)
		s.must(err)
		s.equal(s.versions("listener", "l")+s.versions("model", "m"), "[0,1][0]")
		s.equal(string(s.load(component.Version("listener", "l", 0)).(*component.Listener).Key), `"z"`)
		s.equal(string(s.load(component.Version("listener", "l", 1)).(*component.Listener).Key), `"y"`)
		s.equal(s.load(component.Newest("model", "m")).(*component.Model).Flatten, true)
		l.Version = number(5)
		_, err = s.Replace(s.ctx, l, false)
		s.kind(errs.NotFound, err)
	}),
	on("what was found out stays when the declaration is applied again", func(s *services) {
		m := model("m")
		s.apply(m)
		m.MetricValues = component.Object{"accuracy": 0.75}
		_, err := s.Replace(s.ctx, m, false)
		s.must(err)
		m = model("m")
		s.equal(told(s.apply(m).Unchanged), []string{"model/m 0"})
		m.BatchSize = 9
		s.equal(told(s.apply(m).Updated), []string{"model/m 0"})
		s.equal(fmt.Sprint(s.load(component.Newest("model", "m")).(*component.Model).MetricValues), "map[accuracy:7.5e-01]")
	}),
	on("a replaced artifact goes and one that another has stays", func(s *services) {
		large := func(c string) map[string]component.Bytes {
			return map[string]component.Bytes{"w": {Data: []byte(strings.Repeat(c, 10_000))}}
		}
		a, b := model("a"), model("b")
		a.Artifacts, b.Artifacts = large("x"), large("x")
		s.apply(a, b)
		a.Artifacts = large("y")
		_, err := s.Replace(s.ctx, a, false)
		s.must(err)
		s.equal(s.unused(), []string{})
		b.Artifacts = large("z")
		_, err = s.Replace(s.ctx, b, false)
		s.must(err)
		s.equal(len(s.unused()), 1)
	}),
}

func table(name string, fields map[string]string) *component.Table {
	schema := &component.Schema{Base: component.Base{Identifier: name + "-schema"}, Fields: map[string]component.FieldType{}}
	for field, typ := range fields {
		schema.Fields[field] = component.FieldType{Type: typ}
	}
	return &component.Table{Base: component.Base{Identifier: name}, Schema: component.Of(schema)}
}

func (s *services) insert(n ...int) {
	s.Helper()
	var rows []query.Row
	for _, i := range n {
		rows = append(rows, query.Row{"id": fmt.Sprintf("r%03d", i), "n": i})
	}
	_, err := s.data.Execute(s.ctx, query.Into("docs").Rows(rows...))
	s.must(err)
}

// rows are the rows of a data set by their column n.
func (s *services) rows(w component.Which) []int {
	s.Helper()
	return s.numbers(s.Rows(s.ctx, s.load(w).(*component.Dataset)))
}

func (s *services) numbers(rows iter.Seq2[json.RawMessage, error]) []int {
	s.Helper()
	out := []int{}
	for raw, err := range rows {
		s.must(err)
		var row struct{ N int }
		s.must(json.Unmarshal(raw, &row))
		out = append(out, row.N)
	}
	return out
}

var holding = []rule{
	on("a table is made with its record, and is not made again", func(s *services) {
		docs := table("docs", map[string]string{"x": "text", "v": "vector[3]"})
		docs.Schema.Component.(*component.Schema).Fields["d"] = component.FieldType{DataType: component.Of(&component.DataType{Base: component.Base{Identifier: "dt"}, Of: "integer"})}
		plan, err := s.Plan(s.ctx, docs)
		s.must(err)
		s.equal(plan.Tables, []string{"docs"})
		_, err = s.data.Describe(s.ctx, "docs")
		s.kind(errs.NotFound, err)
		s.equal(s.apply(docs).Plan.Tables, []string{"docs"})
		made, err := s.data.Describe(s.ctx, "docs")
		s.must(err)
		var columns []string
		for _, c := range made.Columns {
			columns = append(columns, c.Name+" "+c.Type.String())
		}
		s.equal(columns, []string{"id text", "d integer", "v vector[3]", "x text", "_fold text"})
		s.equal(s.apply(docs).Plan.Tables, []string{})
		s.must(s.data.DropTable(s.ctx, "docs"))
		s.equal(s.apply(docs).Plan.Tables, []string{"docs"}) // lost, and made again
	}),
	on("a table that is there with other columns is an error that names one, and nothing is applied", func(s *services) {
		s.apply(table("docs", map[string]string{"x": "text"}))
		_, err := s.Apply(s.ctx, model("m"), table("docs", map[string]string{"x": "integer"}))
		s.kind(errs.Exists, err)
		if !strings.Contains(err.Error(), `"x"`) {
			s.Fatal(err)
		}
		s.equal(s.versions("model", "m"), "[]")
		s.equal(s.versions("table", "docs"), "[0]")
	}),
	on("a pinned data set keeps its rows, an unpinned one grows", func(s *services) {
		s.insert(1, 2, 3)
		set := func(name string, pin bool) *component.Dataset {
			return &component.Dataset{Base: component.Base{Identifier: name}, Select: component.Raw(`{"select":{"from":"docs","order":["n"]}}`), Pin: pin}
		}
		s.apply(set("pinned", true), set("grows", false))
		s.insert(4, 5)
		s.equal(s.rows(component.Newest("dataset", "pinned")), []int{1, 2, 3})
		s.equal(s.rows(component.Newest("dataset", "grows")), []int{1, 2, 3, 4, 5})
		s.equal(told(s.apply(set("pinned", true)).Unchanged), []string{"dataset/pinned 0"})
		s.equal(s.rows(component.Newest("dataset", "pinned")), []int{1, 2, 3})
		described := set("pinned", true)
		described.Description = "rows of the first day"
		s.equal(told(s.apply(described).Updated), []string{"dataset/pinned 0"})
		s.equal(s.rows(component.Newest("dataset", "pinned")), []int{1, 2, 3})
		narrower := set("pinned", true)
		narrower.Select = component.Raw(`{"select":{"from":"docs","where":{"n":{">":3}},"order":["n"]}}`)
		s.equal(told(s.apply(narrower).Created), []string{"dataset/pinned 1"})
		s.equal(s.rows(component.Newest("dataset", "pinned")), []int{4, 5})
		s.equal(s.rows(component.Version("dataset", "pinned", 0)), []int{1, 2, 3})
	}),
	on("a pinned data set may be of a table that is made with it, and one that cannot be asked for is told in the plan", func(s *services) {
		s.insert(1)
		_, err := s.Plan(s.ctx, table("other", map[string]string{"x": "text"}), dataset("d", "nothing"))
		s.field(errs.NotFound, "dataset/d.select.table", err)
		d := dataset("d", "other")
		d.Select = component.Raw(`{"select":{"from":"other","join":[{"table":"docs","on":[["y","id"]]}]}}`)
		_, err = s.Apply(s.ctx, table("other", map[string]string{"x": "text"}), d)
		s.field(errs.Invalid, "dataset/d.select.y", err)
		d.Select = component.Raw(`{"select":{"from":"other","join":[{"table":"docs","on":[["x","id"]]}]}}`)
		plan, err := s.Plan(s.ctx, table("other", map[string]string{"x": "text"}), d)
		s.must(err)
		r := s.apply(table("other", map[string]string{"x": "text"}), d)
		s.equal(r.Plan, plan)
		s.equal(told(r.Created), []string{"dataset/d 0", "schema/other-schema 0", "table/other 0"})
		_, err = s.data.Execute(s.ctx, query.Into("other").Rows(query.Row{"x": "1"}))
		s.must(err)
		s.equal(s.rows(component.Newest("dataset", "d")), []int{})
	}),
	on("what asks for no rows is no data set", func(s *services) {
		d := dataset("d", "docs")
		for _, q := range []string{`{"delete":{"from":"docs","all":true}}`, `{"raw":{"sql":"select 1"}}`, `{"insert":{"into":"docs","rows":[{"n":1}]}}`} {
			d.Select = component.Raw(q)
			_, err := s.Plan(s.ctx, d)
			s.field(errs.Invalid, "dataset/d.select", err)
		}
		l := listener("l", component.Of(model("m")))
		l.Select = component.Raw(`{"update":{"table":"docs","set":{"n":1},"all":true}}`)
		_, err := s.Plan(s.ctx, l)
		s.field(errs.Invalid, "listener/l.select", err)
		d.Select = component.Raw(`{"select":{"from":"<var:table>"}}`)
		_, err = s.Plan(s.ctx, d)
		s.field(errs.Invalid, "dataset/d.select", err)
		d.Pin = false
		s.apply(d)
	}),
	on("a name that a table cannot have is told in the plan", func(s *services) {
		s.insert(1)
		fields := map[string]string{"name": "text"}
		_, err := s.Plan(s.ctx, table("threads", fields))
		s.field(errs.Invalid, "table/threads.table", err)
		_, err = s.Plan(s.ctx, table("Docs", fields))
		s.field(errs.Exists, "table/Docs.table", err)
		_, err = s.Plan(s.ctx, table("more", fields), table("More", fields))
		s.field(errs.Exists, "table/more.table", err)
		s.equal(s.show(component.Which{}), "[]")
	}),
	on("the same seed gives the same sample", func(s *services) {
		var all []int
		for i := range 100 {
			all = append(all, i)
		}
		s.insert(all...)
		sample := func(seed int64, n int) []int {
			d := &component.Dataset{Select: component.Raw(`{"select":{"from":"docs"}}`), SampleSize: n, Seed: seed}
			return s.numbers(s.Rows(s.ctx, d))
		}
		a := sample(1, 10)
		s.equal(a, sample(1, 10))
		s.equal(a, sample(1, 20)[:10])
		s.equal(len(sample(1, 200)), 100)
		if fmt.Sprint(a) == fmt.Sprint(sample(2, 10)) || fmt.Sprint(a) == fmt.Sprint(all[:10]) {
			s.Fatal("no sample")
		}
	}),
	on("what has no place is unsupported before anything is done", func(s *services) {
		bare := component.New(s.store, component.Options{})
		m := model("m")
		m.Artifacts = map[string]component.Bytes{"w": {Data: make([]byte, 1<<20)}}
		_, err := bare.Plan(s.ctx, m)
		s.field(errs.Unsupported, "model/m.artifacts.w", err)
		d := &component.Dataset{Base: component.Base{Identifier: "d"}, Select: component.Raw(`{"select":{"from":"docs"}}`), Pin: true}
		_, err = bare.Apply(s.ctx, d)
		s.field(errs.Unsupported, "dataset/d.pin", err)
		m.Artifacts = map[string]component.Bytes{"w": {Digest: digest(7)}}
		_, err = s.Apply(s.ctx, m)
		s.field(errs.Invalid, "model/m.artifacts.w", err)
		_, err = s.Predict(s.ctx, "m", 1)
		s.kind(errs.Unsupported, err)
		s.equal(s.show(component.Which{}), "[]")
	}),
	on("what a killed apply left behind is swept, and a table with rows or a record is not", func(s *services) {
		now := moment(100)
		svc := component.New(s.store, component.Options{Data: s.data, Now: func() time.Time { return now }})
		dead := component.New(dying{s.store}, component.Options{Data: s.data, Now: func() time.Time { return now }})
		for _, name := range []string{"empty", "full"} {
			s.must(killed(func() { _, _ = dead.Apply(s.ctx, table(name, map[string]string{"n": "integer"})) }))
		}
		_, err := s.data.Execute(s.ctx, query.Into("full").Rows(query.Row{"id": "1", "n": 1}))
		s.must(err)
		s.must(svc.Sweep(s.ctx)) // too young: it may still be running
		_, err = s.data.Describe(s.ctx, "empty")
		s.must(err)
		now = moment(120)
		s.must(svc.Sweep(s.ctx))
		_, err = s.data.Describe(s.ctx, "empty")
		s.kind(errs.NotFound, err)
		_, err = s.data.Describe(s.ctx, "full")
		s.must(err)
		begun, err := s.store.Begun(s.ctx, moment(1<<20))
		s.must(err)
		s.equal(len(begun), 0)
	}),
}

// dying is the store of a process that is killed as it commits.
type dying struct{ component.Store }

type death struct{}

func (dying) Commit(context.Context, component.Batch) error { panic(death{}) }

func killed(fn func()) (err error) {
	defer func() {
		if _, ok := recover().(death); !ok {
			err = fmt.Errorf("it lives")
		}
	}()
	fn()
	return nil
}
