package component_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/store/sqlite"
)

// application is fifty components: itself, and as many models and listeners.
func application(batch int) component.Component {
	app := &component.Application{Base: component.Base{Identifier: "app"}}
	m := &component.Model{Base: component.Base{Identifier: "shared"}, Kind: "hash", BatchSize: batch}
	app.Components = append(app.Components, component.Of(m))
	for i := range 24 {
		own := &component.Model{Base: component.Base{Identifier: fmt.Sprint("m", i)}, Kind: "hash", Config: component.Object{"n": i}}
		l := &component.Listener{Base: component.Base{Identifier: fmt.Sprint("l", i)}, Key: component.Raw(`"x"`), Model: component.Of(own), Select: component.Raw(`{"select":{"from":"docs"}}`)}
		app.Components = append(app.Components, component.Of(l))
	}
	app.Upstream = []component.Child{component.Of(&component.Metric{Base: component.Base{Identifier: "accuracy"}})}
	return app
}

// BenchmarkApply applies an application of 51 components to SQLite, with its
// commits made durable: anew, unchanged, and with one leaf changed.
func BenchmarkApply(b *testing.B) {
	open := func(b *testing.B) *component.Service {
		st, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "varve.db"), sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { st.Close() })
		return component.New(st.Components(), component.Options{})
	}
	apply := func(b *testing.B, s *component.Service, batch, changed int) {
		r, err := s.Apply(b.Context(), application(batch))
		if err != nil || len(r.Created)+len(r.Updated) != changed {
			b.Fatal(len(r.Created), len(r.Updated), err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			s := open(b)
			b.StartTimer()
			apply(b, s, 1, 51)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		s := open(b)
		apply(b, s, 1, 51)
		for b.Loop() {
			apply(b, s, 1, 0)
		}
	})
	b.Run("one leaf", func(b *testing.B) {
		s := open(b)
		apply(b, s, 1, 51)
		for batch := 2; b.Loop(); batch++ {
			apply(b, s, batch, 1)
		}
	})
}
