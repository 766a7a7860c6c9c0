package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

// racing is the file that children of the test write to at once.
const racing = "VARVE_TEST_RACING"

const (
	racers  = 4  // programs
	callers = 8  // of each
	laps    = 25 // of each caller
)

// race has callers append the same rows as all others, and a new version to
// one row. It prints how many rows it was the first to append.
func race(path string) error {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.State().Declare(context.Background(), todos); err != nil {
		return err
	}
	wins, failed := make([]int, callers), make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { wins[i], failed[i] = lap(s) })
	}
	all.Wait()
	sum := 0
	for _, n := range wins {
		sum += n
	}
	fmt.Println(sum)
	return errors.Join(failed...)
}

func lap(s *sqlite.Store) (wins int, err error) {
	for n := range laps {
		_, err := s.State().Write(context.Background(), "todos", []state.Write{row(state.OpAppend, fmt.Sprint("row", n), nil)})
		if err == nil {
			wins++
		} else if errs.KindOf(err) != errs.Exists {
			return wins, err
		}
		if _, err := s.State().Write(context.Background(), "todos", []state.Write{row(state.OpPut, "hot", nil)}); err != nil {
			return wins, err
		}
	}
	return wins, nil
}

// Four programs write at once: no row is made twice, no version is lost, and
// positions and times have no ties.
func TestFourProgramsWriteVersions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "varve.db")
	s := open(t, path)
	var programs []*exec.Cmd
	var said [racers]strings.Builder
	for i := range racers {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), racing+"="+path)
		cmd.Stdout = &said[i]
		must(t, cmd.Start())
		programs = append(programs, cmd)
	}
	wins := 0
	for i, cmd := range programs {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, said[i].String())
		}
		n, err := strconv.Atoi(strings.TrimSpace(said[i].String()))
		must(t, err)
		wins += n
	}
	is(t, "rows that somebody appended", wins, laps)
	table := declare(t, s, todos)
	log, err := s.State().Log(t.Context(), table, 0, 1_000_000)
	must(t, err)
	is(t, "versions", len(log), laps+racers*callers*laps)
	for i, v := range log {
		if v.Seq != int64(i+1) || i > 0 && !v.At.After(log[i-1].At) {
			t.Fatalf("version %d has position %d and time %v", i+1, v.Seq, v.At)
		}
	}
	hot, err := s.State().Get(t.Context(), table, "hot", 0)
	must(t, err)
	is(t, "versions of one row", hot.Number, int64(racers*callers*laps))
}
