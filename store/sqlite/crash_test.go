package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

// crashing is the file that a child of the test writes to until it is killed.
const crashing = "VARVE_TEST_CRASHING"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashing); path != "" {
		fmt.Println(writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever prints every id after its write was acknowledged.
func writeForever(path string) error {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	if _, err := s.State().Declare(context.Background(), todos); err != nil {
		return err
	}
	var out sync.Mutex
	failed := make(chan error)
	for worker := range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), worker, n)
				if err := writeOne(s, worker, id); err != nil {
					failed <- err
					return
				}
				out.Lock()
				fmt.Println(id)
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// writeOne writes a step, some alone and some with a second in an Update, or a
// row of a versioned table together with the next version of another.
func writeOne(s *sqlite.Store, worker int, id string) error {
	ctx := context.Background()
	if versioned(id) {
		count := row(state.OpPut, fmt.Sprint("count", worker), nil)
		_, err := s.State().Write(ctx, "todos", []state.Write{row(state.OpAppend, id, nil), count})
		return err
	}
	step := chat.Step{ID: id, ThreadID: fmt.Sprint("t", worker), Output: strings.Repeat(id, 50)}
	if worker%2 == 0 {
		return s.Chat().ApplyStep(ctx, step, write)
	}
	return s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Chat().ApplyStep(ctx, step, write); err != nil {
			return err
		}
		step.ID += "-pair"
		return tx.Chat().ApplyStep(ctx, step, write)
	})
}

// versioned tells whether an id is of a worker that writes versions.
func versioned(id string) bool { return strings.Contains("67", strings.Split(id, "-")[1]) }

// What was acknowledged is there after kill -9, whole, and in the log.
func TestKilledWriterLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "varve.db")
	var acknowledged []string
	for round := range 4 {
		acknowledged = append(acknowledged, killed(t, path, 150*(round+1))...)
		check(t, path, acknowledged)
	}
}

// killed runs a writer, kills it after so many acknowledged writes, and returns
// their ids with those that came through until it was dead.
func killed(t *testing.T, path string, writes int) (ids []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashing+"="+path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), fmt.Sprint(cmd.Process.Pid, "-")) {
			t.Fatalf("the writer says %q", lines.Text())
		}
		if ids = append(ids, lines.Text()); len(ids) == writes {
			must(t, cmd.Process.Kill())
		}
	}
	if cmd.Wait() == nil || len(ids) < writes {
		t.Fatalf("the writer ended by itself after %d writes", len(ids))
	}
	return ids
}

func check(t *testing.T, path string, acknowledged []string) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	stored := map[string]bool{}
	for worker := range 6 {
		thread, err := s.Chat().Thread(t.Context(), fmt.Sprint("t", worker))
		must(t, err)
		for _, step := range thread.Steps {
			stored[step.ID] = true
		}
	}
	rows := storedRows(t, s)
	for _, id := range acknowledged {
		if !stored[id] && !rows[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	noted := map[string]bool{}
	events, err := s.Changes(t.Context(), 0, 1_000_000)
	must(t, err)
	for _, e := range events {
		noted[e.Key] = true
	}
	for id := range stored {
		if !noted[id] {
			t.Errorf("step %s is there and not in the log", id)
		}
		if worker := strings.Split(id, "-")[1]; strings.Contains("135", worker) && !stored[strings.TrimSuffix(id, "-pair")+"-pair"] {
			t.Errorf("half of the update of step %s is there", id)
		}
	}
	if got := another(t, path).rows(`PRAGMA integrity_check`); len(got) != 1 || got[0] != "ok" {
		t.Errorf("integrity: %q", got)
	}
}

// storedRows are the ids of the rows that workers wrote, each of which raised
// its worker's count by a version.
func storedRows(t *testing.T, s *sqlite.Store) map[string]bool {
	t.Helper()
	table := declare(t, s, todos)
	rows, err := s.State().Scan(t.Context(), table, state.Scan{Limit: 1_000_000})
	must(t, err)
	ids, want, got := map[string]bool{}, map[string]int64{}, map[string]int64{}
	for _, v := range rows {
		id := v.Values[0].(string)
		if worker, ok := strings.CutPrefix(id, "count"); ok {
			got[worker] = v.Number
			continue
		}
		ids[id] = true
		want[strings.Split(id, "-")[1]]++
	}
	is(t, "half of a batch is there: versions of counts", got, want)
	return ids
}
