package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store"
)

// The search index of 10,000 texts of half a kilobyte, built from nothing.
func BenchmarkIndexBuild(b *testing.B) {
	const texts = 10_000
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "varve.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	err = s.Update(b.Context(), func(ctx context.Context, tx store.Tx) error {
		c := tx.Chat()
		for i := range texts {
			step := chat.Step{ID: fmt.Sprint("s", i), ThreadID: fmt.Sprint("t", i/30), Output: strings.Repeat(fmt.Sprint("some words of answer ", i, " "), 20)}
			if err := c.ApplyStep(ctx, step, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.DropSearchIndex(b.Context()); err != nil {
			b.Fatal(err)
		}
		for left := int64(1); left > 0; {
			s.search.take(b.Context())
			left, err = s.search.catchUp(b.Context(), inline)
			<-s.search.turn
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*texts/b.Elapsed().Seconds(), "texts/s")
}
