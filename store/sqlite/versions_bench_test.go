package sqlite_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

// todoRow is a row of the size of a to-do.
func todoRow(op state.Op, n int) state.Write {
	return row(op, fmt.Sprintf("%08x-todo", n), map[string]any{"user": fmt.Sprint("user", n%1000), "n": int64(n % 100), "x": 1.5, "done": n%2 == 0,
		"due": write.Now.Add(time.Duration(n) * time.Second)})
}

// fillTodos makes rows with some versions each, many in a transaction.
func fillTodos(b *testing.B, s *sqlite.Store, rows, versions int) *state.Table {
	b.Helper()
	table := declare(b, s, todos)
	var ws []state.Write
	for v := range versions {
		for n := range rows {
			op := state.OpUpdate
			if v == 0 {
				op = state.OpAppend
			}
			if ws = append(ws, todoRow(op, n)); len(ws) == 5000 || n == rows-1 {
				_, err := s.State().Write(b.Context(), "todos", ws)
				must(b, err)
				ws = ws[:0]
			}
		}
	}
	return table
}

// One caller, each write durable: what an fsync costs.
func BenchmarkVersionAlone(b *testing.B) {
	s := durable(b)
	declare(b, s, todos)
	for n := 0; b.Loop(); n++ {
		_, err := s.State().Write(b.Context(), "todos", []state.Write{todoRow(state.OpAppend, n)})
		must(b, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "versions/s")
}

// 64 callers, each write durable when it returns.
func BenchmarkVersionBy64(b *testing.B) {
	for _, op := range []state.Op{state.OpAppend, state.OpUpdate} {
		b.Run(string(op), func(b *testing.B) {
			s := durable(b)
			fillTodos(b, s, 10_000, 1)
			var n atomic.Int64
			n.Store(10_000)
			cpu := processor(b)
			b.SetParallelism(32) // times GOMAXPROCS=2
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					if op == state.OpUpdate {
						i %= 10_000
					}
					_, err := s.State().Write(b.Context(), "todos", []state.Write{todoRow(op, i)})
					must(b, err)
				}
			})
			cpu(b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "versions/s")
		})
	}
}

// Versions in batches of 1000: the writer itself.
func BenchmarkVersionIn1000(b *testing.B) {
	s := durable(b)
	declare(b, s, todos)
	n, cpu := 0, processor(b)
	for b.Loop() {
		ws := make([]state.Write, 1000)
		for i := range ws {
			ws[i] = todoRow(state.OpAppend, n)
			n++
		}
		_, err := s.State().Write(b.Context(), "todos", ws)
		must(b, err)
	}
	cpu(n)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "versions/s")
}

// What a read costs in a table of 100,000 rows and a million versions.
func BenchmarkVersionReads(b *testing.B) {
	s := durable(b)
	const rows = 100_000
	table := fillTodos(b, s, rows, 10)
	ctx, p := b.Context(), s.State()
	key := func(n int) string { return fmt.Sprintf("%08x-todo", n*7919%rows) }
	user := []state.Condition{{Column: "user", Op: state.Equal, Value: "user7"}}
	newest := []state.Order{{Column: "n"}, {Column: "_seq", Descending: true}}
	for name, read := range map[string]func(n int) error{
		"head":      func(int) error { _, err := p.Head(ctx, table); return err },
		"get":       func(n int) error { _, err := p.Get(ctx, table, key(n), 0); return err },
		"get as of": func(n int) error { _, err := p.Get(ctx, table, key(n), 5*rows); return err },
		"history":   func(n int) error { _, err := p.History(ctx, table, key(n), 0, 10); return err },
		"position": func(n int) error {
			_, err := p.Position(ctx, table, write.Now.Add(time.Duration(n)*time.Microsecond))
			return err
		},
		"log of 1000": func(n int) error { _, err := p.Log(ctx, table, int64(n*1000%(rows*9)), 1000); return err },
		"page of a user": func(int) error {
			_, err := p.Scan(ctx, table, state.Scan{Where: user, Order: newest, Limit: 50})
			return err
		},
		"page": func(n int) error {
			_, err := p.Scan(ctx, table, state.Scan{After: []any{int64(n % rows)}, Limit: 50})
			return err
		},
		"page as of": func(n int) error {
			_, err := p.Scan(ctx, table, state.Scan{At: 5 * rows, After: []any{int64(n % rows)}, Limit: 50})
			return err
		},
		"page of all by n": func(int) error { _, err := p.Scan(ctx, table, state.Scan{Order: newest, Limit: 50}); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n, cpu := 0, processor(b)
			for ; b.Loop(); n++ {
				must(b, read(n))
			}
			cpu(n)
		})
	}
}

// A row of 10,000 versions, as it was in the middle.
func BenchmarkVersionAsOf(b *testing.B) {
	s := durable(b)
	table := fillTodos(b, s, 1, 10_000)
	n, cpu := 0, processor(b)
	for ; b.Loop(); n++ {
		got, err := s.State().Get(b.Context(), table, "00000000-todo", int64(n%10_000+1))
		must(b, err)
		if got.Seq != int64(n%10_000+1) {
			b.Fatal(got.Seq)
		}
	}
	cpu(n)
}
