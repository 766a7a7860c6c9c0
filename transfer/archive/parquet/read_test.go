package parquet_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	library "github.com/parquet-go/parquet-go"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/parquet"
)

// taken collects what tables give, as lines of JSON.
type taken struct{ lines []string }

func (s *taken) add(v ...any) error {
	raw, err := json.Marshal(v)
	s.lines = append(s.lines, string(raw))
	return err
}

func (s *taken) User(u chat.User) error { return s.add(u) }

func (s *taken) Thread(t *chat.Thread, files map[string]archive.File) error { return s.add(t, files) }

func (s *taken) Close() error { return nil }

func read(t *testing.T, folder string) (string, error) {
	t.Helper()
	var s taken
	err := parquet.Read(t.Context(), folder, &s)
	return strings.Join(s.lines, "\n"), err
}

// What was written comes back.
func TestTablesComeBack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tables")
	th := difficult()
	th.Loose = []chat.Feedback{{ID: "l", ForID: "gone", ThreadID: "t", Value: 0, Comment: chat.Ptr("")}}
	write(t, folder, th)
	var want taken
	if err := errors.Join(want.User(chat.User{ID: "u", Identifier: "ana", CreatedAt: "2026-02-03T04:05:06.000001Z", Metadata: chat.Object{}}),
		want.Thread(&th, map[string]archive.File{"e": {SHA256: "ab", Size: 2}})); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, folder)
	if err != nil || got != strings.Join(want.lines, "\n") {
		t.Errorf("%v\n%s\nis not\n%s", err, got, strings.Join(want.lines, "\n"))
	}
}

// replace puts rows of another kind in the place of a table.
func replace[Row any](t *testing.T, folder, name string, rows ...Row) {
	t.Helper()
	if err := library.WriteFile(filepath.Join(folder, name+".parquet"), rows); err != nil {
		t.Fatal(err)
	}
}

type thinThread struct {
	ID       string `parquet:"id"`
	Metadata string `parquet:"metadata"`
}

type thinFeedback struct {
	ThreadID string `parquet:"threadId"`
	ForID    string `parquet:"forId"`
	ID       string `parquet:"id"`
	Value    int32  `parquet:"value"`
}

// What is wrong in a table is named, and the row.
func TestWrongTablesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, folder string)
		want  string
	}{
		"a table is missing": {func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, "steps.parquet")); err != nil {
				t.Fatal(err)
			}
		}, "steps.parquet cannot be opened"},
		"no table": {func(t *testing.T, folder string) {
			if err := os.WriteFile(filepath.Join(folder, "users.parquet"), []byte("PAR1, or so it says; PAR1"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "users.parquet cannot be read as Parquet"},
		"another column": {func(t *testing.T, folder string) {
			replace(t, folder, "feedbacks", struct {
				Song string `parquet:"song"`
			}{"la"})
		}, "song: is a column of feedbacks.parquet that Varve does not know"},
		"another type": {func(t *testing.T, folder string) {
			replace(t, folder, "feedbacks", struct {
				Value string `parquet:"value"`
			}{"up"})
		}, "value: of feedbacks.parquet is of type"},
		"a column is missing": {func(t *testing.T, folder string) {
			replace(t, folder, "feedbacks", struct {
				Value int32 `parquet:"value"`
			}{1})
		}, "is a column that feedbacks.parquet must have"},
		"times in another unit": {func(t *testing.T, folder string) {
			replace(t, folder, "threads", struct {
				ID        string `parquet:"id"`
				Metadata  string `parquet:"metadata"`
				CreatedAt int64  `parquet:"createdAt,timestamp(nanosecond)"`
			}{"t", "{}", 1})
		}, "createdAt: of threads.parquet is of type"},
		"no order": {func(t *testing.T, folder string) {
			replace(t, folder, "threads", thinThread{"u", "{}"}, thinThread{"t", "{}"})
		}, "out of order"},
		"a thread is there twice": {func(t *testing.T, folder string) {
			replace(t, folder, "threads", thinThread{"t", "{}"}, thinThread{"t", "{}"})
		}, "threads.parquet:2: id: is there twice"},
		"rows of no thread, at the end": {func(t *testing.T, folder string) {
			replace(t, folder, "feedbacks", thinFeedback{"z", "s", "f", 1})
		}, "is in no row of threads.parquet"},
		"two feedbacks": {func(t *testing.T, folder string) {
			replace(t, folder, "feedbacks", thinFeedback{"t", "root", "f", 1}, thinFeedback{"t", "root", "g", 1})
		}, "feedbacks.parquet:2: forId: names a step that has a feedback already"},
		"metadata that are none": {func(t *testing.T, folder string) {
			replace(t, folder, "threads", thinThread{"t", "[]"})
		}, "threads.parquet:1: metadata: is not an object in JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "tables")
			write(t, folder, difficult())
			c.spoil(t, folder)
			_, err := read(t, folder)
			if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, not %s", err, c.want)
			}
		})
	}
}

// Files that were spoiled give an error or rows, and the program goes on.
func TestSpoiledTables(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tables")
	write(t, folder, difficult())
	path := filepath.Join(folder, "steps.parquet")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const seed = 1
	r := rand.New(rand.NewPCG(seed, seed))
	failed := 0
	for range 500 {
		spoiled := append([]byte{}, whole...)
		if r.IntN(4) == 0 {
			spoiled = spoiled[:r.IntN(len(spoiled))]
		}
		for range 1 + r.IntN(3) {
			if len(spoiled) > 0 {
				spoiled[r.IntN(len(spoiled))] ^= byte(1 << r.IntN(8))
			}
		}
		if err := os.WriteFile(path, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, folder); err != nil {
			failed++
		}
	}
	if failed < 100 {
		t.Errorf("only %d of 500 were noticed", failed)
	}
}
