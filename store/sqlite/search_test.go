package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/sqlite"
)

func find(t testing.TB, c chat.Store, text string) []string {
	t.Helper()
	found, err := c.Threads(t.Context(), chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{Search: text}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, f := range found {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

func put(t testing.TB, c chat.Store, id, thread, output string) {
	t.Helper()
	err := c.ApplyStep(t.Context(), chat.Step{ID: id, ThreadID: thread, Output: output, Input: "hidden words"}, write)
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, c chat.Store, text string, want ...string) {
	t.Helper()
	if got := find(t, c, text); !slices.Equal(got, want) {
		t.Errorf("search for %q found %q, want %q", text, got, want)
	}
}

func TestLongTextsAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "varve.db")
	s := open(t, path)
	c := s.Chat()
	long := strings.Repeat("e", 5_000_000)
	put(t, c, "s1", "t1", long+"needle"+long)
	put(t, c, "s2", "t2", "short needle")
	expect(t, c, "needle", "t1", "t2")
	expect(t, c, long[:100], "t1")
	expect(t, c, long[:1000], "t1")
	expect(t, c, "enee", "t1")
	expect(t, c, "absent")
	put(t, c, "s1", "t1", "short now")
	expect(t, c, "needle", "t2")
	expect(t, c, "now", "t1")
	put(t, c, "s2", "t2", long)
	expect(t, c, "needle")
	expect(t, c, "eee", "t2")
	if err := c.DeleteThread(t.Context(), "t2", write); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "eee")
	for i := range 101 {
		put(t, c, fmt.Sprint("l", i), "t3", long[:300_000]+fmt.Sprint("mark", i, "."))
	}
	expect(t, c, "mark77.", "t3")
	if _, err := os.Stat(path + "-search"); err != nil {
		t.Fatal(err) // nothing of this was to drop the index
	}
}

func TestSearchIndexFollowsWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "varve.db")
	s := open(t, path)
	c := s.Chat()
	put(t, c, "s1", "t1", "The Émigré's 100%_ \"quoted\" text*")
	put(t, c, "s2", "t2", "something else OR NOT NEAR(x)")
	for text, want := range map[string][]string{
		"emigre": {"t1"}, "ÉMIGRÉ'S 100": {"t1"}, `"quoted"`: {"t1"}, "text*": {"t1"}, "text**": nil, "100%_": {"t1"}, "%_%": nil,
		"NOT NEAR(": {"t2"}, "hidden words": nil, "te": {"t1"}, "e": {"t1", "t2"}, "thing els": {"t2"},
	} {
		expect(t, c, text, want...)
	}
	if _, err := os.Stat(path + "-search"); err != nil {
		t.Fatal("there is no index beside the file:", err)
	}
	put(t, c, "s1", "t1", "replaced now")
	expect(t, c, "emigre")
	expect(t, c, "replaced", "t1")
	if err := c.ApplyThread(t.Context(), chat.ThreadPatch{ID: "t2", Name: chat.Ptr("Replaced name")}, write); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "replaced", "t1", "t2")
	if err := c.DeleteThread(t.Context(), "t1", write); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "replaced", "t2")
	if err := s.DropSearchIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "replaced", "t2")
}

// What is found must not depend on whether there is an index.
func TestSearchIndexAgreesWithScan(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "varve.db"))
	scan, err := sqlite.Open(t.Context(), filepath.Join(dir, "varve.db"), sqlite.Options{NoSearchIndex: true})
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	g := rand.New(rand.NewPCG(1, 2))
	letters := []rune("abÄß\"'% İﬁ")
	text := func(n int) string {
		out := make([]rune, n)
		for i := range out {
			out[i] = letters[g.IntN(len(letters))]
		}
		return string(out)
	}
	for round := range 300 {
		put(t, s.Chat(), fmt.Sprint("s", g.IntN(40)), fmt.Sprint("t", g.IntN(10)), text(g.IntN(30)))
		if g.IntN(5) == 0 {
			_ = s.Chat().DeleteStep(t.Context(), chat.Ref{ID: fmt.Sprint("s", g.IntN(40))}, write)
		}
		needle := text(1 + g.IntN(5))
		if got, want := find(t, s.Chat(), needle), find(t, scan.Chat(), needle); !slices.Equal(got, want) {
			t.Fatalf("round %d: search for %q found %q, a scan %q", round, needle, got, want)
		}
	}
}

func TestSearchIndexIsBuiltAgain(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"when it is missing": os.Remove,
		"when it is damaged": func(path string) error { return os.WriteFile(path, make([]byte, 8192), 0o600) },
		"when it is not a database": func(path string) error {
			return os.WriteFile(path, []byte("no index at all, only some words of text in a file"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "varve.db")
			s := open(t, path)
			put(t, s.Chat(), "s1", "t1", "needle")
			expect(t, s.Chat(), "needle", "t1")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := spoil(path + "-search"); err != nil {
				t.Fatal(err)
			}
			s = open(t, path)
			put(t, s.Chat(), "s2", "t2", "needle")
			expect(t, s.Chat(), "needle", "t1", "t2")
			expect(t, s.Chat(), "needle", "t1", "t2")
		})
	}
}

// A file that was restored from a backup has another log than the index knows.
func TestSearchIndexOfAnotherFileIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	for path, text := range map[string]string{a: "alpha", b: "beta!"} {
		s := open(t, path)
		put(t, s.Chat(), "s-"+text, "t-"+text, text)
		expect(t, s.Chat(), text, "t-"+text)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(a+"-search", b+"-search"); err != nil {
		t.Fatal(err)
	}
	s := open(t, b)
	expect(t, s.Chat(), "alpha")
	expect(t, s.Chat(), "beta!", "t-beta!")
}

func TestPruningWaitsForTheSearchIndex(t *testing.T) {
	s := fresh(t)
	put(t, s.Chat(), "s1", "t1", "needle")
	expect(t, s.Chat(), "needle", "t1")
	head, err := s.Head(t.Context())
	must(t, err)
	put(t, s.Chat(), "s2", "t1", "other")
	put(t, s.Chat(), "s3", "t1", "other")
	_, err = s.Prune(t.Context(), write.Now.AddDate(100, 0, 0))
	must(t, err)
	events, err := s.Changes(t.Context(), 0, 10)
	must(t, err)
	if len(events) != 2 || events[0].Position != head+1 {
		t.Errorf("left is %+v after position %d", events, head)
	}
}
