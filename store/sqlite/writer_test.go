package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

var at = chat.Write{Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}

func openTest(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "varve.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// held keeps the writer busy until release is called, so that what is queued
// meanwhile makes one group.
func held(t *testing.T, s *Store) (release func()) {
	t.Helper()
	running, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.Update(context.Background(), func(context.Context, store.Tx) error {
			close(running)
			<-free
			return nil
		})
	}()
	<-running
	return func() {
		close(free)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// queue runs calls at once, each when the one before it is in the queue, and
// returns a function that waits for their answers.
func queue(s *Store, calls ...func() error) (answers func() []error) {
	out := make([]error, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		before := len(s.writer.queue)
		all.Go(func() { out[i] = call() })
		for len(s.writer.queue) == before {
			runtime.Gosched()
		}
	}
	return func() []error {
		all.Wait()
		return out
	}
}

func step(s *Store, id string) func() error {
	return func() error {
		return s.Chat().ApplyStep(context.Background(), chat.Step{ID: id, ThreadID: "t"}, at)
	}
}

func steps(t *testing.T, s *Store) string {
	t.Helper()
	got, err := s.Chat().Thread(t.Context(), "t")
	if errs.KindOf(err) == errs.NotFound {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, step := range got.Steps {
		ids = append(ids, step.ID)
	}
	return strings.Join(ids, " ")
}

func commits(t *testing.T, s *Store) (count func() int) {
	t.Helper()
	n := 0
	err := s.write(t.Context(), func(c *conn) error {
		c.db.CommitHook(func() bool { n++; return true })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() int {
		after := 0
		if err := s.write(t.Context(), func(*conn) error { after = n; return nil }); err != nil {
			t.Fatal(err)
		}
		return after
	}
}

func TestWritesThatWaitShareACommit(t *testing.T) {
	s := openTest(t, Options{})
	s.Chat().Features()
	count := commits(t, s)
	before := count()
	release := held(t, s)
	var calls []func() error
	for i := range 50 {
		calls = append(calls, step(s, fmt.Sprintf("s%02d", i)))
	}
	answers := queue(s, calls...)
	release()
	for _, err := range answers() {
		if err != nil {
			t.Error(err)
		}
	}
	if got := len(strings.Fields(steps(t, s))); got != 50 {
		t.Errorf("%d steps", got)
	}
	// One for the group of the update and all that waited; empty transactions
	// of counting do not commit.
	if n := count() - before; n < 1 || n > 3 {
		t.Errorf("%d commits for 50 writes", n)
	}
}

func TestAWriteThatFailsHalfwayTakesNoOtherWithIt(t *testing.T) {
	s := openTest(t, Options{})
	s.Chat().Features()
	refused := errors.New("refused")
	failing := func(callers bool) func() error {
		return func() error {
			return s.writer.write(context.Background(), callers, func(c *conn) error {
				if err := c.exec(`INSERT INTO users ("id","identifier","metadata") VALUES ('x','x','{}')`); err != nil {
					return err
				}
				c.after = append(c.after, func() { t.Error("done for a write that failed") })
				return refused
			})
		}
	}
	for _, callers := range []bool{false, true} {
		t.Run(fmt.Sprint("callers ", callers), func(t *testing.T) {
			release := held(t, s)
			answers := queue(s, step(s, "a"), failing(callers), step(s, "b"), failing(callers), step(s, "c"))
			release()
			for i, err := range answers() {
				if want := i == 1 || i == 3; errors.Is(err, refused) != want || (err != nil) != want {
					t.Errorf("write %d: %v", i, err)
				}
			}
			if got := steps(t, s); got != "a b c" {
				t.Errorf("steps are %q", got)
			}
			if _, err := s.Chat().User(t.Context(), "x"); errs.KindOf(err) != errs.NotFound {
				t.Errorf("half of a failed write is there: %v", err)
			}
		})
	}
}

func TestAWriteGivenUpBeforeItsStartIsNotDone(t *testing.T) {
	s := openTest(t, Options{})
	s.Chat().Features()
	release := held(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	answers := queue(s, func() error { return s.Chat().ApplyStep(ctx, chat.Step{ID: "s", ThreadID: "t"}, at) })
	cancel()
	if err := answers()[0]; errs.KindOf(err) != errs.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if got := steps(t, s); got != "" {
		t.Errorf("steps are %q", got)
	}
}

func TestAWriteGivenUpAfterItsStartTellsWhatHappened(t *testing.T) {
	s := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		cancel()
		return tx.Chat().ApplyStep(ctx, chat.Step{ID: "s", ThreadID: "t"}, at)
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
	if got := steps(t, s); got != "s" {
		t.Errorf("steps are %q", got)
	}
}

func TestACallThatWouldWaitForItselfIsInvalid(t *testing.T) {
	s := openTest(t, Options{})
	err := s.Update(t.Context(), func(context.Context, store.Tx) error {
		other := context.Background()
		for name, err := range map[string]error{
			"a write": s.Chat().ApplyStep(other, chat.Step{ID: "s", ThreadID: "t"}, at),
			"a read": func() error {
				_, err := s.Chat().Thread(other, "t")
				return err
			}(),
			"an update": s.Update(other, func(context.Context, store.Tx) error { return nil }),
			"a search": func() error {
				_, err := s.Chat().Threads(other, chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{Search: "long enough"}, Limit: 1})
				return err
			}(),
		} {
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPanicInAnUpdateComesBackAndLeavesNothing(t *testing.T) {
	s := openTest(t, Options{})
	func() {
		defer func() {
			if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "boom") {
				t.Errorf("recovered %v", v)
			}
		}()
		s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			if err := tx.Chat().ApplyStep(ctx, chat.Step{ID: "s", ThreadID: "t"}, at); err != nil {
				return err
			}
			panic("boom")
		})
	}()
	if got := steps(t, s); got != "" {
		t.Errorf("steps are %q", got)
	}
	if err := step(s, "next")(); err != nil {
		t.Error(err)
	}
}

func TestATransactionIsOverAfterItsUpdate(t *testing.T) {
	s := openTest(t, Options{})
	var kept chat.Store
	err := s.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		kept = tx.Chat()
		return nil
	})
	if err == nil {
		err = kept.ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t"}, at)
	}
	if errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestTheFirstUseOfAllMayBeUndone(t *testing.T) {
	s := openTest(t, Options{})
	refused := errors.New("refused")
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if err := tx.Chat().ApplyStep(ctx, chat.Step{ID: "s", ThreadID: "t"}, at); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if err := step(s, "s")(); err != nil {
		t.Fatal(err)
	}
	if got := steps(t, s); got != "s" {
		t.Errorf("steps are %q", got)
	}
}

func TestAFullDiskIsUnavailableAndPasses(t *testing.T) {
	s := openTest(t, Options{})
	s.Chat().Features()
	limit := func(pages string) {
		t.Helper()
		if err := s.write(t.Context(), func(c *conn) error {
			_, _, err := c.text("PRAGMA max_page_count=" + pages)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.State().Declare(t.Context(), state.Schema{Name: "t", Key: []string{"k"},
		Columns: []state.Column{{Name: "k", Type: state.Text}, {Name: "b", Type: state.Bytes}}}); err != nil {
		t.Fatal(err)
	}
	limit("1") // SQLite takes the present size
	release := held(t, s)
	large := func() error {
		return s.Chat().ApplyStep(context.Background(), chat.Step{ID: "large", ThreadID: "t", Output: strings.Repeat("x", 1<<20)}, at)
	}
	answers := queue(s, large, large)
	release()
	for _, err := range answers() {
		if errs.KindOf(err) != errs.Unavailable || !errors.Is(err, sqlite3.FULL) {
			t.Errorf("got %v", err)
		}
		// What is told over HTTP too.
		var e *errs.Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Detail, "nothing was written: the disk") || !strings.Contains(e.Detail, "free some space") || strings.Contains(e.Detail, s.path) {
			t.Errorf("it says %+v", e)
		}
	}
	blob := state.Write{Op: state.OpPut, Key: "k", Values: map[string]any{"k": "k", "b": make([]byte, 1<<20)}}
	if _, err := s.State().Write(t.Context(), "t", []state.Write{blob}); errs.KindOf(err) != errs.Unavailable || !errors.Is(err, sqlite3.FULL) {
		t.Errorf("a version: %v", err)
	}
	for range 2 { // not ready, as long as it lasts
		if err := s.Ping(t.Context()); errs.KindOf(err) != errs.Unavailable || !errors.Is(err, sqlite3.FULL) {
			t.Errorf("Ping says %v", err)
		}
	}
	limit("1000000")
	if err := s.Ping(t.Context()); err != nil { // without any write of a caller's
		t.Errorf("Ping says %v", err)
	}
	if made, err := s.State().Write(t.Context(), "t", []state.Write{blob}); err != nil || made[0].Seq != 1 {
		t.Error(made, err)
	}
	if err := large(); err != nil {
		t.Error(err)
	}
}

func TestAnotherProgramsLockIsWaitedForAndThenUnavailable(t *testing.T) {
	s := openTest(t, Options{BusyTimeout: 20 * time.Millisecond})
	s.Chat().Features()
	other, err := sqlite3.Open(s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := step(s, "s")(); errs.KindOf(err) != errs.Unavailable || !errors.Is(err, sqlite3.BUSY) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Chat().Thread(t.Context(), "t"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("a read does not wait: %v", err)
	}
	if err := other.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := step(s, "s")(); err != nil {
		t.Error(err)
	}
}

func TestAClosedStoreAnswers(t *testing.T) {
	s := openTest(t, Options{})
	s.Chat().Features()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := step(s, "s")(); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("a write: %v", err)
	}
	if _, err := s.Chat().Thread(t.Context(), "t"); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("a read: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestAReadEndsWithItsContext(t *testing.T) {
	s := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.read(ctx, func(c *conn) error {
		cancel()
		return c.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n`)
	})
	if errs.KindOf(err) != errs.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPruneKeepsADayAndTheNewest(t *testing.T) {
	s := openTest(t, Options{})
	for _, id := range []string{"a", "b", "c"} {
		if err := step(s, id)(); err != nil {
			t.Fatal(err)
		}
	}
	head, err := s.Head(t.Context())
	if err != nil || head != 4 { // a thread and three steps
		t.Fatal(head, err)
	}
	prune := func(after time.Duration, want int64) {
		t.Helper()
		n, err := s.Prune(t.Context(), time.Now().Add(after))
		if err != nil || n != want {
			t.Errorf("pruned %d, %v; want %d", n, err, want)
		}
	}
	consumed := func(position string) {
		t.Helper()
		if err := s.write(t.Context(), func(c *conn) error { return c.setMeta("consumer.test", position) }); err != nil {
			t.Fatal(err)
		}
	}
	prune(0, 0)
	consumed("2")
	prune(25*time.Hour, 2)
	consumed("100")
	prune(25*time.Hour, 1)
	events, err := s.Changes(t.Context(), 0, 10)
	if err != nil || len(events) != 1 || events[0].Position != head {
		t.Errorf("left is %v, %v", events, err)
	}
	if err := step(s, "d")(); err != nil {
		t.Fatal(err)
	}
	if next, _ := s.Head(t.Context()); next != head+1 {
		t.Errorf("position %d after %d", next, head)
	}
}

func TestSecretsStay(t *testing.T) {
	s := openTest(t, Options{})
	a, err := s.Secret(t.Context(), "cursor")
	if err != nil || len(a) != 32 {
		t.Fatal(a, err)
	}
	b, err := s.Secret(t.Context(), "other")
	if err != nil || string(a) == string(b) {
		t.Fatal(err)
	}
	path := s.path
	s.Close()
	s, err = Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if again, err := s.Secret(t.Context(), "cursor"); err != nil || string(again) != string(a) {
		t.Errorf("another secret after opening again: %v", err)
	}
}
