//go:build cgo && !no_duckdb

package duckdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// After every batch of random writes the mirror answers what the port answers:
// the rows as they are, the history, and the rows as they were.
func TestTheMirrorAnswersAsThePort(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	b := newBase(t)
	r := b.todos(t)
	m := b.mirror(t, filepath.Join(b.dir, "mirror.duckdb"))
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		for range random.IntN(60) {
			scribble(t, r, random)
		}
		def := r.Table()
		port := b.store.State()
		check := func(name string, versions []state.Version, err error, sql string, args ...any) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			want := [][]any{}
			for i := range versions {
				want = append(want, row(&def, &versions[i]))
			}
			if diff := cmp.Diff(want, ask(t, m, sql, args...)); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
		const columns = `id, user_id, body, priority, score, done, due, labels, _seq, _version, _at FROM `
		all := state.Scan{Order: []state.Order{{Column: "_seq"}}, Limit: 1 << 20}
		now, err := port.Scan(t.Context(), &def, all)
		check("now", now, err, `SELECT `+columns+`todos ORDER BY _seq`)
		log, err := port.Log(t.Context(), &def, 0, 1<<20)
		check("history", log, err, `SELECT `+columns+`todos_history ORDER BY _seq`)
		if len(log) > 0 {
			all.At = log[random.IntN(len(log))].Seq
			was, err := port.Scan(t.Context(), &def, all)
			check("as of", was, err, `SELECT `+columns+`todos_as_of(?) ORDER BY _seq`, all.At)
		}
	}
}

// scribble makes one random write.
func scribble(t *testing.T, r *state.Rows, random *rand.Rand) {
	t.Helper()
	id := fmt.Sprintf("id-%d", random.IntN(15))
	var err error
	switch random.IntN(10) {
	case 0:
		_, err = r.Delete(t.Context(), id)
	case 1:
		_, err = r.Undo(t.Context(), id)
	default:
		row := state.Row{"id": id}
		for name, make := range map[string]func() any{
			"user_id": func() any { return fmt.Sprint(random.IntN(3)) }, "body": func() any { return texts[random.IntN(len(texts))] },
			"priority": func() any { return random.Int64() - 1<<62 }, "score": func() any { return random.NormFloat64() },
			"done": func() any { return random.IntN(2) == 0 }, "due": func() any { return time.UnixMicro(random.Int64N(1 << 52)).UTC() },
			"labels": func() any { return []any{"a,b", texts[random.IntN(len(texts))], 1} }, "data": func() any { return []byte{0, 1} },
		} {
			switch random.IntN(4) {
			case 0:
				row[name] = nil
			case 1, 2:
				row[name] = make()
			}
		}
		_, err = r.Put(t.Context(), row)
	}
	if err != nil && !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Invalid) && !errors.Is(err, errs.Conflict) && !errors.Is(err, errs.Exists) {
		t.Fatal(err)
	}
}

var texts = []string{"", "short", "twelve bytes", "thirteen byte", "é", "日本語のテキスト、長いもの", "it's \"quoted\"; --", "a\nb\tc", "\u202e\x01"}

// row is a version as the mirror answers it.
func row(def *state.Table, v *state.Version) []any {
	var out []any
	for i, c := range def.Columns {
		if c.Type == state.Bytes {
			continue
		}
		value := v.Values[i]
		if raw, ok := value.(json.RawMessage); ok {
			value = json.RawMessage(append([]byte(nil), raw...))
		}
		out = append(out, value)
	}
	return append(out, v.Seq, v.Number, v.At)
}
