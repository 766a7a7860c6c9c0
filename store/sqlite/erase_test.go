package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

// filesWith names the files of a folder in whose bytes a text is.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(raw), bytes.ToLower([]byte(text))) {
			found = append(found, filepath.Base(path))
		}
	}
	return found
}

func TestNothingOfAnErasedPersonIsInTheFiles(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	chattest.Erasure(t, func(t *testing.T) store.Store { return open(t, filepath.Join(dir, "varve.db")) },
		func(t *testing.T, _ store.Store, text string) []string { return filesWith(t, dir, text) })
}

// A file that Chainlit made is not written anew: rows go, pages are told of.
func TestAFileOfOthersIsNotWrittenAnew(t *testing.T) {
	t.Parallel()
	for _, mended := range []bool{false, true} {
		path := foreignFile(t, "documented")
		s := open(t, path)
		if mended {
			must(t, s.Mend(t.Context()))
		}
		before, err := os.Stat(path)
		must(t, err)
		svc := chat.NewService(s.Chat(), chat.Options{Files: chattest.NewFiles()})
		identifier, _ := chattest.Person(t, svc)
		if _, err := svc.Erase(t.Context(), identifier, false); err != nil {
			t.Fatal(err)
		}
		done, beyond, err := s.Scrub(t.Context())
		must(t, err)
		if text := strings.Join(beyond, "\n"); !strings.Contains(text, "VACUUM") {
			t.Errorf("nothing is said of free pages: %s", text)
		}
		if strings.Contains(strings.Join(done, "\n"), "written anew") {
			t.Errorf("claims %s", done)
		}
		after, err := os.Stat(path)
		must(t, err)
		if after.Size() < before.Size() {
			t.Errorf("the file shrank from %d to %d bytes", before.Size(), after.Size())
		}
		must(t, svc.Close())
	}
}

// Who writes while the file is written anew waits, and nothing is lost.
func TestWritersWaitForAScrub(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, w := s.Chat(), chat.Write{Now: time.Now()}
	const writers = 4
	wrote := make([]int, writers)
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			for ctx.Err() == nil {
				step := chat.Step{ID: fmt.Sprintf("%d-%d", n, wrote[n]), ThreadID: "t", Output: strings.Repeat("x", 100)}
				if err := c.ApplyStep(t.Context(), step, w); err != nil {
					t.Error(err)
					return
				}
				wrote[n]++
			}
		})
	}
	for range 5 {
		if _, _, err := s.Scrub(t.Context()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	all.Wait()
	thread, err := c.Thread(t.Context(), "t")
	must(t, err)
	sum := 0
	for _, n := range wrote {
		sum += n
	}
	if len(thread.Steps) != sum || sum == 0 {
		t.Errorf("%d steps are there of %d", len(thread.Steps), sum)
	}
}

// A reading that lasts keeps the log from being cut: that is an error, and the
// next Scrub does it.
func TestALongReadingIsToldAndTheNextScrubDoesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "varve.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: 20 * time.Millisecond})
	must(t, err)
	defer s.Close()
	svc := chat.NewService(s.Chat(), chat.Options{Files: chattest.NewFiles()})
	defer svc.Close()
	identifier, _ := chattest.Person(t, svc)
	reader := another(t, path)
	reader.run(`BEGIN; SELECT count(*) FROM steps`)
	if _, err := svc.Erase(t.Context(), identifier, false); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Scrub(t.Context()); err == nil {
		t.Fatal("no error, though the log cannot be cut")
	}
	reader.run(`COMMIT`)
	must(t, reader.Close())
	if _, _, err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := filesWith(t, dir, chattest.Canary); len(found) > 0 {
		t.Errorf("still in %s", found)
	}
}
