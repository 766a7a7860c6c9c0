package statetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

// How much is written at once.
const (
	processes = 4
	callers   = 8  // in each process
	each      = 25 // rows by each caller
)

// processEnv tells a process of the test that it is a writer, and where.
const processEnv = "VARVE_STATETEST_SOURCE"

// Processes has four processes write to one database at once, with eight
// callers each, and holds what is there then to what each of them was told.
// source names the database for open: the path of a file, a URL. The test that
// calls it is run again in the other processes, so it does so first and does
// nothing else that matters.
//
//	func TestProcesses(t *testing.T) {
//		statetest.Processes(t, filepath.Join(t.TempDir(), "varve.db"), open)
//	}
func Processes(t *testing.T, source string, open func(ctx context.Context, source string) (store.Store, error)) {
	if as := os.Getenv(processEnv); as != "" {
		number, source, _ := strings.Cut(as, " ")
		raw, err := json.Marshal(writer(t.Context(), number, source, open))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s%s\n", reportMark, raw)
		return
	}
	db, err := open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := newSubject(t, db.State(), state.Options{})
	r := s.todos()
	s.append(r, "counter", state.Row{"priority": 0})
	s.append(r, "hot", state.Row{"priority": 0})
	reports := s.processes(source)
	worst := time.Duration(0)
	for _, rep := range reports {
		if rep.Failed != "" {
			t.Fatalf("a writer failed: %s", rep.Failed)
		}
		worst = max(worst, rep.Worst)
	}
	t.Logf("%d writers in %d processes: worst wait %v", processes*callers, processes, worst)
	const total = processes * callers * each
	s.equal(s.rec(r.Latest(s.ctx, "counter")).Row["priority"], int64(processes*callers))
	s.equal(s.rec(r.Latest(s.ctx, "hot")).Version, int64(total+1))
	s.equal(len(s.sound(r)), 2+total+total+processes*callers+each)
	for _, rep := range reports {
		for id, seq := range rep.Acked {
			s.equal(s.rec(r.Latest(s.ctx, id)).Seq, seq)
		}
	}
}

const reportMark = "statetest report: "

// report is what a writer was told.
type report struct {
	Acked  map[string]int64 // position by row
	Worst  time.Duration
	Failed string
}

// processes runs the writers and returns their reports.
func (s *subject) processes(source string) []report {
	s.Helper()
	reports := make([]report, processes)
	errors := together(times(processes, func(i int) error {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(s.ctx, os.Args[0], "-test.run=^"+strings.ReplaceAll(s.Name(), "/", "$/^")+"$", "-test.count=1")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", processEnv, i, source))
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%w\n%s%s", err, out, stderr.Bytes())
		}
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
			if raw, ok := strings.CutPrefix(lines.Text(), reportMark); ok {
				return json.Unmarshal([]byte(raw), &reports[i])
			}
		}
		return fmt.Errorf("no report in %s", out)
	})...)
	for _, err := range errors {
		s.must(err)
	}
	return reports
}

// writer is one of the processes.
func writer(ctx context.Context, number, source string, open func(context.Context, string) (store.Store, error)) (rep report) {
	db, err := open(ctx, source)
	if err != nil {
		return report{Failed: err.Error()}
	}
	defer db.Close()
	r, err := state.NewService(db.State(), state.Options{}).Open(ctx, "todos")
	if err != nil {
		return report{Failed: err.Error()}
	}
	parts := make([]report, callers)
	for _, err := range together(times(callers, func(i int) error {
		parts[i].Acked = map[string]int64{}
		return parts[i].write(ctx, r, number, i)
	})...) {
		if err != nil {
			return report{Failed: err.Error()}
		}
	}
	rep.Acked = map[string]int64{}
	for _, p := range parts {
		rep.Worst = max(rep.Worst, p.Worst)
		for id, seq := range p.Acked {
			rep.Acked[id] = seq
		}
	}
	return rep
}

// write is one caller: rows of its own, updates of a row that all update, a
// counter under compare-and-swap, and rows that all try to append.
func (rep *report) write(ctx context.Context, r *state.Rows, process string, caller int) error {
	for n := range each {
		id := fmt.Sprintf("%s-%d-%d", process, caller, n)
		began := time.Now()
		rec, err := r.Append(ctx, state.Row{"id": id, "body": id})
		if err != nil {
			return err
		}
		rep.Worst, rep.Acked[id] = max(rep.Worst, time.Since(began)), rec.Seq
		if _, err := r.Update(ctx, state.Row{"id": "hot", "body": id}); err != nil {
			return err
		}
		if _, err := r.Append(ctx, state.Row{"id": fmt.Sprint("shared ", n)}); err != nil && !errors.Is(err, errs.Exists) {
			return err
		}
	}
	return count(ctx, r)
}

// count adds one to the counter.
func count(ctx context.Context, r *state.Rows) error {
	for {
		at, err := r.Latest(ctx, "counter")
		if err != nil {
			return err
		}
		_, err = r.If(at.Version).Update(ctx, state.Row{"id": "counter", "priority": at.Row["priority"].(int64) + 1})
		if !errors.Is(err, errs.Conflict) {
			return err
		}
	}
}
