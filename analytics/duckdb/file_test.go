//go:build cgo && !no_duckdb

package duckdb

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

// fill writes some rows, several versions of each.
func (b *base) fill(t *testing.T, n int) {
	t.Helper()
	r := b.todos(t)
	var changes []state.Change
	for i := range n {
		changes = append(changes, state.Change{Op: state.OpPut, Row: state.Row{"id": fmt.Sprintf("id-%d", i%(n/3+1)), "body": fmt.Sprintf("a body that is long enough: %d", i), "priority": i}})
	}
	for len(changes) > 0 {
		k := min(len(changes), 500)
		if _, err := r.Write(t.Context(), changes[:k]...); err != nil {
			t.Fatal(err)
		}
		changes = changes[k:]
	}
}

const summary = `SELECT count(*), sum(priority), sum(hash(id || body || priority) % 1000003), max(_seq) FROM todos_history`

// A mirror is deleted, replaced by rubbish, of another database, or cut: it is
// made anew, and answers are those of the database.
func TestAFileThatCannotBeUsedIsMadeAnew(t *testing.T) {
	b := newBase(t)
	b.fill(t, 3000)
	path := filepath.Join(b.dir, "mirror.duckdb")
	open := func(id string) *Mirror {
		t.Helper()
		src := b.sources()
		src.ID = id
		m, err := Open(t.Context(), src, Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := open("test")
	want := ask(t, m, summary)
	if want[0][0] != int64(3000) {
		t.Fatal(want)
	}
	m.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() error{
		"as it was": func() error { return nil },
		"deleted":   func() error { return os.Remove(path) },
		"empty":     func() error { return os.WriteFile(path, nil, 0o600) },
		"rubbish":   func() error { return os.WriteFile(path, bytes.Repeat([]byte("rubbish "), 5000), 0o600) },
		"cut":       func() error { return os.WriteFile(path, whole[:len(whole)/2], 0o600) },
		"its log is rubbish": func() error {
			return os.WriteFile(path+".wal", bytes.Repeat([]byte("rubbish "), 500), 0o600)
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		m := open("test")
		if diff := cmp.Diff(want, ask(t, m, summary)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		m.Close()
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path + ".wal"); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	m = open("another")
	defer m.Close()
	if diff := cmp.Diff(want, ask(t, m, summary)); diff != "" {
		t.Errorf("of another database: %s", diff)
	}
}

// A mirror that is opened again goes on where it was.
func TestAMirrorIsKept(t *testing.T) {
	b := newBase(t)
	b.fill(t, 3000)
	if _, err := b.chat.PutUser(t.Context(), chat.User{Identifier: "ada"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.dir, "mirror.duckdb")
	m := b.mirror(t, path)
	want := ask(t, m, summary)
	m.Close()
	var log bytes.Buffer
	again, err := Open(t.Context(), b.sources(), Options{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.eng.tables["todos"]; got == nil || got.seq != want[0][3] || !again.eng.chat.built {
		t.Errorf("it has %v after it was opened again, want position %v", got, want[0][3])
	}
	if diff := cmp.Diff(want, ask(t, again, summary)); diff != "" || log.Len() > 0 {
		t.Errorf("%s\n%s", diff, &log)
	}
}

// One bit is turned over somewhere in the file: no answer is ever wrong.
func TestABitThatTurned(t *testing.T) {
	b := newBase(t)
	b.fill(t, 20000)
	path := filepath.Join(b.dir, "mirror.duckdb")
	m := b.mirror(t, path)
	want := ask(t, m, summary)
	latest := ask(t, m, `SELECT count(*), sum(hash(body) % 1000003) FROM todos`)
	m.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d, %d bytes", seed, len(whole))
	random := rand.New(rand.NewPCG(seed, 1))
	rounds := 25
	if testing.Short() {
		rounds = 10
	}
	anew := 0
	for range rounds {
		at, bit := random.IntN(len(whole)), random.IntN(8)
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << bit
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		m, err := Open(t.Context(), b.sources(), Options{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		for sql, want := range map[string][][]any{summary: want, `SELECT count(*), sum(hash(body) % 1000003) FROM todos`: latest} {
			if diff := cmp.Diff(want, ask(t, m, sql)); diff != "" {
				t.Errorf("byte %d, bit %d: %s", at, bit, diff)
			}
		}
		m.Close()
		if log.Len() > 0 {
			anew++
		}
		if err := os.Remove(path + ".wal"); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	t.Logf("made anew %d times of %d", anew, rounds)
}

// Who comes second has a mirror of its own.
func TestTwoMirrorsOfOneDatabase(t *testing.T) {
	b := newBase(t)
	b.fill(t, 300)
	path := filepath.Join(b.dir, "mirror.duckdb")
	first, second := b.mirror(t, path), b.mirror(t, path)
	want := ask(t, first, summary)
	if diff := cmp.Diff(want, ask(t, second, summary)); diff != "" {
		t.Error(diff)
	}
	if second.opt.Path != "" {
		t.Error("the second mirror has the first one's file")
	}
	first.Close()
	third := b.mirror(t, path)
	if third.opt.Path == "" {
		t.Error("the file was not let go")
	}
}

// Writers, readers and a mirror at once; the end is what the database says.
func TestWritersAndQuestionsAtOnce(t *testing.T) {
	b := newBase(t)
	r := b.todos(t)
	m := b.mirror(t, filepath.Join(b.dir, "mirror.duckdb"))
	var all sync.WaitGroup
	const writers, each = 4, 60
	for w := range writers {
		all.Go(func() {
			for i := range each {
				if _, err := r.Put(t.Context(), state.Row{"id": fmt.Sprintf("%d-%d", w, i%10), "priority": i}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		all.Go(func() {
			last := int64(0)
			for range 30 {
				rows, err := query(t.Context(), m, `SELECT count(*), count(DISTINCT _seq) FROM todos_history`)
				if err != nil {
					t.Error(err)
					return
				}
				n := rows[0][0].(int64)
				if n < last || rows[0][1] != n {
					t.Errorf("%v after %d", rows, last)
				}
				last = n
			}
		})
	}
	all.Wait()
	if got := ask(t, m, `SELECT count(*), (SELECT count(*) FROM todos) FROM todos_history`); got[0][0] != int64(writers*each) || got[0][1] != int64(writers*10) {
		t.Errorf("%v", got)
	}
}

// What another program writes into Chainlit's tables arrives.
func TestForeignWritersAreFollowed(t *testing.T) {
	b := newBase(t)
	if _, err := b.chat.PutStep(t.Context(), chat.Step{ID: "s1", ThreadID: "t1", Type: "user_message", Output: "ours"}); err != nil {
		t.Fatal(err)
	}
	m := b.mirror(t, "")
	ask(t, m, "SELECT 1")
	other, err := sqlite.Open(t.Context(), filepath.Join(b.dir, "varve.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Chat().ApplyStep(t.Context(), chat.Step{ID: "s2", ThreadID: "t1", Type: "user_message", Output: "theirs"}, chat.Write{}); err != nil {
		t.Fatal(err)
	}
	want := [][]any{{"ours"}, {"theirs"}}
	if diff := cmp.Diff(want, ask(t, m, `SELECT output FROM steps ORDER BY id`)); diff != "" {
		t.Error(diff)
	}
}
