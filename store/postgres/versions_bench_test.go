package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/state"
)

// Versions of one table by one caller and by 64, each durable when it returns.
func BenchmarkVersions(b *testing.B) {
	s := open(b, pgtest.NewDurable(b))
	table := declare(b, s, todos)
	var n atomic.Int64
	one := func() {
		w := todo(state.OpAppend, fmt.Sprint("row", n.Add(1)), map[string]any{"user": "ada", "n": int64(1)})
		_, err := s.State().Write(b.Context(), "todos", []state.Write{w})
		must(b, err)
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			one()
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "versions/s")
	})
	b.Run("by 64", func(b *testing.B) {
		b.SetParallelism(32) // times GOMAXPROCS=2
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one()
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "versions/s")
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			_, err := s.State().Get(b.Context(), table, "row1", 0)
			must(b, err)
		}
	})
	b.Run("head", func(b *testing.B) {
		for b.Loop() {
			_, err := s.State().Head(b.Context(), table)
			must(b, err)
		}
	})
}
