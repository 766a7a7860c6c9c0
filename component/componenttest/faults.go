package componenttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/query"
)

// errFault is what a faulty part answers.
var errFault = errors.New("a fault that was injected")

// faulty fails the call with a number, before or after it did its work, or
// dies there.
type faulty struct {
	component.Store
	left  *atomic.Int64 // rows are read beside the apply
	after bool
	dies  bool
}

func (f faulty) call(do func() error) error {
	if f.left.Add(-1) != 0 {
		return do()
	}
	if f.after {
		if err := do(); err != nil {
			return err
		}
	}
	if f.dies {
		panic(death{})
	}
	return errFault
}

// Heads implements component.Store.
func (f faulty) Heads(ctx context.Context, names []component.Name) (heads []component.Head, err error) {
	err = f.call(func() error { heads, err = f.Store.Heads(ctx, names); return err })
	return heads, err
}

// Find implements component.Store.
func (f faulty) Find(ctx context.Context, w component.Filter) (found []component.Record, err error) {
	err = f.call(func() error { found, err = f.Store.Find(ctx, w); return err })
	return found, err
}

// Edges implements component.Store.
func (f faulty) Edges(ctx context.Context, parents, children []string) (found []component.Edge, err error) {
	err = f.call(func() error { found, err = f.Store.Edges(ctx, parents, children); return err })
	return found, err
}

// Commit implements component.Store.
func (f faulty) Commit(ctx context.Context, b component.Batch) error {
	return f.call(func() error { return f.Store.Commit(ctx, b) })
}

// Begin implements component.Store.
func (f faulty) Begin(ctx context.Context, e component.Entry) error {
	return f.call(func() error { return f.Store.Begin(ctx, e) })
}

// index fails as faulty does.
type faultyIndex struct {
	artifact.Index
	f faulty
}

// Begin implements artifact.Index.
func (x faultyIndex) Begin(ctx context.Context, n artifact.Note) error {
	return x.f.call(func() error { return x.Index.Begin(ctx, n) })
}

// Keep implements artifact.Index.
func (x faultyIndex) Keep(ctx context.Context, e artifact.Entry) error {
	return x.f.call(func() error { return x.Index.Keep(ctx, e) })
}

// faultyTables fails as faulty does.
type faultyTables struct {
	query.Store
	f faulty
}

// Table implements query.Store.
func (x faultyTables) Table(ctx context.Context, name string) (t query.Table, err error) {
	err = x.f.call(func() error { t, err = x.Store.Table(ctx, name); return err })
	return t, err
}

// Create implements query.Store.
func (x faultyTables) Create(ctx context.Context, t query.Table) error {
	return x.f.call(func() error { return x.Store.Create(ctx, t) })
}

// pipeline is an application with all that an apply does: tables, large bytes,
// children of children, and with pins the rows of a data set.
func pipeline(weights string, pins bool) component.Component {
	m := model("m")
	m.Artifacts = map[string]component.Bytes{"w": {Data: []byte(weights)}}
	app := &component.Application{Base: component.Base{Identifier: "app"}, Components: []component.Child{
		component.Of(table("docs", map[string]string{"x": "text"})), component.Of(index("v", component.Of(listener("l", component.Of(m)))))}}
	if pins {
		app.Components = append(app.Components, component.Of(dataset("pinned", "docs")))
	}
	return app
}

// dataset is one that keeps the rows of a table.
func dataset(identifier, of string) *component.Dataset {
	return &component.Dataset{Base: component.Base{Identifier: identifier}, Select: component.Raw(`{"select":{"from":"` + of + `"}}`), Pin: true}
}

var faults = []rule{
	{"a fault at any point leaves nothing or all of an apply, and the next one completes it", func(s *subject) { s.everyFault(false) }},
	{"a process killed at any point leaves nothing or all of an apply, and the next one completes it", func(s *subject) { s.everyFault(true) }},
}

func (s *subject) everyFault(dies bool) {
	for _, after := range []bool{false, true} {
		points := 0
		for n := 1; ; n++ {
			if s.fault(n, after, dies) {
				break
			}
			points++
		}
		if points < 7 {
			s.Fatalf("only %d points were reached", points)
		}
	}
}

// fault applies with a fault in the n-th call, and tells whether there were not
// so many.
func (s *subject) fault(n int, after, dies bool) (through bool) {
	s.Helper()
	s.must(s.store.Commit(s.ctx, component.Batch{Reset: true, At: moment(0)}))
	var left atomic.Int64
	left.Store(int64(n))
	// Rows are read beside the apply, where a test cannot let the process die.
	records, pins := 6, !dies
	if pins {
		records = 7
	}
	weights := strings.Repeat(fmt.Sprintf("%d %v %v ", n, after, dies), 1000)
	f := faulty{s.store, &left, after, dies}
	data, faultyData := s.emptied(), query.NewService(faultyTables{s.db.Query(), f}, query.Options{})
	bytes := artifact.New(s.bucket, faultyIndex{s.db.Artifacts(), f}, artifact.Options{})
	broken := component.New(f, component.Options{Artifacts: bytes, Data: faultyData})
	var err error
	if dies {
		if killed(func() { _, err = broken.Apply(s.ctx, pipeline(weights, pins)) }) == nil {
			err = errFault
		}
	} else {
		_, err = broken.Apply(s.ctx, pipeline(weights, pins))
	}
	place := fmt.Sprintf("call %d, after %v", n, after)
	if err != nil && !errors.Is(err, errFault) {
		s.Fatalf("%s: %v", place, err)
	}
	all := len(s.find(component.Filter{Hidden: true}))
	if all != 0 && all != records || err == nil && all == 0 {
		s.Fatalf("%s: %d of %d records are there (%v)", place, all, records, err)
	}
	well := component.New(s.store, component.Options{Artifacts: s.bytes, Data: data})
	r, err2 := well.Apply(s.ctx, pipeline(weights, pins))
	s.must(err2)
	if len(r.Unchanged) != all || len(r.Created) != records-all {
		s.Fatalf("%s: %d were there, then %v were created", place, all, told(r.Created))
	}
	for _, ref := range append(r.Created, r.Unchanged...) {
		s.equal(ref.Version, 0)
	}
	_, err2 = data.Describe(s.ctx, "docs")
	s.must(err2)
	m, err2 := well.Load(s.ctx, component.Newest("model", "m"))
	s.must(err2)
	w, err2 := m.(*component.Model).Artifacts["w"].Read(s.ctx)
	s.must(err2)
	s.equal(string(w), weights)
	return left.Load() > 0
}
