package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

var write = chat.Write{Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}

// durable opens a new file with the default of an fsync for every commit.
func durable(b *testing.B) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "varve.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func benchStep(thread string, n int) chat.Step {
	no := false
	return chat.Step{ID: uuid.NewString(), ThreadID: thread, Name: "assistant", Type: "assistant_message",
		Output: strings.Repeat("some words of an answer ", 20), CreatedAt: chat.FormatTime(write.Now.Add(time.Duration(n) * time.Millisecond)),
		Start: "2026-01-02T03:04:05.000001Z", End: "2026-01-02T03:04:05.000001Z", Streaming: &no, IsError: &no, WaitForAnswer: &no,
		Metadata: chat.Object{}}
}

// fill makes threads of a user with steps of half a kilobyte, many in a
// transaction.
func fill(b *testing.B, s *sqlite.Store, user string, threads, steps int) (ids []string) {
	b.Helper()
	ctx := b.Context()
	_, err := s.Chat().PutUser(ctx, chat.User{ID: user, Identifier: user, CreatedAt: chat.FormatTime(write.Now)}, write)
	if err != nil {
		b.Fatal(err)
	}
	const batch = 500
	for from := 0; from < threads; from += batch {
		err := s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			for i := from; i < min(from+batch, threads); i++ {
				t := uuid.NewString()
				ids = append(ids, t)
				if err := tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: t, UserID: user, Name: chat.Ptr(fmt.Sprint("thread ", i))}, write); err != nil {
					return err
				}
				for n := range steps {
					if err := tx.Chat().ApplyStep(ctx, benchStep(t, i*100+n), write); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return ids
}

// processor measures the processor time of the whole process for each of n
// operations: on a machine with other work it says more than the clock.
func processor(b *testing.B) func(n int) {
	now := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := now()
	return func(n int) { b.ReportMetric(float64((now()-before).Microseconds())/float64(n), "cpu-µs/op") }
}

// A step written by one caller after the other: what an fsync costs.
func BenchmarkStepAlone(b *testing.B) {
	s := durable(b)
	t := uuid.NewString()
	for n := 0; b.Loop(); n++ {
		if err := s.Chat().ApplyStep(b.Context(), benchStep(t, n), write); err != nil {
			b.Fatal(err)
		}
	}
}

// Steps written by 64 callers at once, each durable when it returns.
func BenchmarkStepBy64(b *testing.B) {
	s := durable(b)
	var n atomic.Int64
	cpu := processor(b)
	b.SetParallelism(32) // times GOMAXPROCS=2
	b.RunParallel(func(pb *testing.PB) {
		t := uuid.NewString()
		for pb.Next() {
			if err := s.Chat().ApplyStep(b.Context(), benchStep(t, int(n.Add(1))), write); err != nil {
				b.Fatal(err)
			}
		}
	})
	cpu(b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

// Steps written in transactions of 1000 by one caller: the writer itself.
func BenchmarkStepIn1000(b *testing.B) {
	s := durable(b)
	t := uuid.NewString()
	n, cpu := 0, processor(b)
	for b.Loop() {
		err := s.Update(b.Context(), func(ctx context.Context, tx store.Tx) error {
			c := tx.Chat()
			for range 1000 {
				n++
				if err := c.ApplyStep(ctx, benchStep(t, n), write); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	cpu(n)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "steps/s")
}

// An update of a step that is there, as Chainlit sends at the end of each.
func BenchmarkStepUpdateBy64(b *testing.B) {
	s := durable(b)
	cpu := processor(b)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		step := benchStep(uuid.NewString(), 1)
		for n := 0; pb.Next(); n++ {
			step.Output = fmt.Sprint("output ", n)
			if err := s.Chat().ApplyStep(b.Context(), step, write); err != nil {
				b.Fatal(err)
			}
		}
	})
	cpu(b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

// A page of 35 out of more and more threads.
func BenchmarkList(b *testing.B) {
	for _, threads := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) {
			s := durable(b)
			fill(b, s, "ada", threads, 1)
			q := chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada"}, Limit: 36}
			n, cpu := 0, processor(b)
			for ; b.Loop(); n++ {
				if found, err := s.Chat().Threads(b.Context(), q); err != nil || len(found) != 36 {
					b.Fatal(len(found), err)
				}
			}
			cpu(n)
		})
	}
}

// The same page from a file as Chainlit's documentation makes it, without any
// index, before and after it was mended.
func BenchmarkListForeign(b *testing.B) {
	path := foreignFile(b, "documented")
	s := open(b, path)
	fill(b, s, "ada", 1000, 30)
	for _, state := range []string{"untouched", "mended"} {
		b.Run(state, func(b *testing.B) {
			n, cpu := 0, processor(b)
			for ; b.Loop(); n++ {
				q := chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada"}, Limit: 36}
				if found, err := s.Chat().Threads(b.Context(), q); err != nil || len(found) != 36 {
					b.Fatal(len(found), err)
				}
			}
			cpu(n)
		})
		must(b, s.Mend(b.Context()))
	}
}

// A thread of 30 steps opened, out of 1000 threads.
func BenchmarkOpenThread(b *testing.B) {
	s := durable(b)
	ids := fill(b, s, "ada", 1000, 30)
	n, cpu := 0, processor(b)
	for ; b.Loop(); n++ {
		t, err := s.Chat().Thread(b.Context(), ids[n%len(ids)])
		if err != nil || len(t.Steps) != 30 {
			b.Fatal(len(t.Steps), err)
		}
	}
	cpu(n)
}

// A search over a thousand threads of ten steps: a text that one has, and one
// that all have.
func BenchmarkSearch(b *testing.B) {
	s := durable(b)
	ids := fill(b, s, "ada", 1000, 10)
	rare := benchStep(ids[500], 1)
	rare.Output = "an extraordinary needle"
	if err := s.Chat().ApplyStep(b.Context(), rare, write); err != nil {
		b.Fatal(err)
	}
	for text, want := range map[string]int{"Extraordinary": 1, "some words": 36} {
		b.Run(text, func(b *testing.B) {
			q := chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada", Search: text}, Limit: 36}
			for indexed := false; !indexed; { // until the background has built the index
				before := time.Now()
				find(b, s.Chat(), "no such text anywhere")
				indexed = time.Since(before) < 5*time.Millisecond
			}
			n, cpu := 0, processor(b)
			for ; b.Loop(); n++ {
				if found, err := s.Chat().Threads(b.Context(), q); err != nil || len(found) != want {
					b.Fatal(len(found), err)
				}
			}
			cpu(n)
		})
	}
}
