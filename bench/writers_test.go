package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/state"
)

// writerEnv makes a process of this program one that appends to-dos.
const writerEnv = "VARVE_BENCH_WRITER"

// Four processes of eight callers write to one file at once.
const (
	writerProcesses = 4
	writerCallers   = 8
)

// job is what such a process is told, told is what it answers.
type (
	job struct {
		Path, Data   string
		Number, Rows int // its number, and rows for each caller
	}
	told struct {
		Waits []time.Duration
		Error string
	}
)

// write does a job and prints the answer.
func write(w io.Writer, raw string) int {
	var j job
	var t told
	err := json.Unmarshal([]byte(raw), &j)
	if err == nil {
		t.Waits, err = j.run(context.Background())
	}
	if err != nil {
		t.Error = err.Error()
	}
	if err := json.NewEncoder(w).Encode(t); err != nil {
		return 1
	}
	return 0
}

func (j job) run(ctx context.Context) ([]time.Duration, error) {
	db, err := all.Open(ctx, "sqlite:"+j.Path, &varve.Options{Data: j.Data})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	todos, err := state.TableOf[todoRow](db, "todos")
	if err != nil {
		return nil, err
	}
	waits, failed := make([][]time.Duration, writerCallers), make([]error, writerCallers)
	var wg sync.WaitGroup
	for c := range writerCallers {
		wg.Go(func() {
			for n := range j.Rows {
				start := time.Now()
				if _, failed[c] = todos.Append(ctx, todo((j.Number*writerCallers+c)*j.Rows+n)); failed[c] != nil {
					return
				}
				waits[c] = append(waits[c], time.Since(start))
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for c := range waits {
		if failed[c] != nil {
			return nil, failed[c]
		}
		all = append(all, waits[c]...)
	}
	return all, nil
}

// BenchmarkStateProcesses has 32 writers in four processes append to one file,
// and counts what is there afterwards.
func BenchmarkStateProcesses(b *testing.B) {
	each := size(500, 5)
	path := closed(b)
	answers, failed := make([]told, writerProcesses), make([]error, writerProcesses)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range writerProcesses {
		raw, err := json.Marshal(job{path, b.TempDir(), i, each})
		if err != nil {
			b.Fatal(err)
		}
		wg.Go(func() {
			cmd := exec.CommandContext(b.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), writerEnv+"="+string(raw))
			cmd.Stderr = os.Stderr
			var out []byte
			if out, failed[i] = cmd.Output(); failed[i] == nil {
				failed[i] = json.Unmarshal(out, &answers[i])
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	var waits times
	for i, a := range answers {
		if failed[i] != nil || a.Error != "" {
			b.Fatalf("a writer failed: %v %s", failed[i], a.Error)
		}
		waits = append(waits, a.Waits...)
	}
	total := writerProcesses * writerCallers * each
	todos, err := open(b, "sqlite:"+path).State().Open(b.Context(), "todos")
	if err != nil {
		b.Fatal(err)
	}
	there := 0
	for _, err := range todos.Each(b.Context(), state.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		there++
	}
	p := results.part(fmt.Sprintf("Versioned tables: %d writers in %d processes on one file, %d rows", writerProcesses*writerCallers, writerProcesses, total),
		"db.State(), SQLite, synchronous=FULL, the processes' starts included in the rate")
	p.value("rows lost", fmt.Sprint(total-there), "0", there == total && len(waits) == total)
	p.value("rows", rate(float64(total)/took.Seconds()), "", true)
	p.value("wait for a row, median", duration(waits.sorted().median()), "", true)
	p.value("wait for a row, worst", duration(waits[len(waits)-1]), "", true)
}
