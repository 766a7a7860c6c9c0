package componenttest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/store"
)

// How much is applied at once.
const (
	processes = 2
	callers   = 4 // in each process
	each      = 6 // applies by each caller
)

// processEnv tells a process of the test that it applies, and where.
const processEnv = "VARVE_COMPONENTTEST_SOURCE"

const reportMark = "componenttest report: "

// report is what a process was told.
type report struct {
	Acked  []component.Ref
	Failed string
}

// Processes has two processes apply the same component to one database at
// once, with four callers each: every apply makes a version, and the versions
// have no gaps and no doubles. source names the database for open. The test that
// calls it is run again in the other process, so it does so first and does
// nothing else that matters.
func Processes(t *testing.T, source string, open func(ctx context.Context, source string) (store.Store, error)) {
	if as := os.Getenv(processEnv); as != "" {
		raw, err := json.Marshal(applier(t.Context(), as, open))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s%s\n", reportMark, raw)
		return
	}
	db, err := open(t.Context(), source) // the tables are made by whoever is first
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	reports := make([]report, processes)
	var wg sync.WaitGroup
	failed := make([]error, processes)
	for i := range processes {
		wg.Go(func() { failed[i] = run(t, source, &reports[i]) })
	}
	wg.Wait()
	acked := map[int]string{}
	for i, r := range reports {
		if failed[i] != nil || r.Failed != "" {
			t.Fatalf("%v %s", failed[i], r.Failed)
		}
		for _, ref := range r.Acked {
			if acked[ref.Version] != "" {
				t.Errorf("version %d was made twice", ref.Version)
			}
			acked[ref.Version] = ref.UUID
		}
	}
	found, err := db.Components().Find(t.Context(), component.Filter{Type: "listener", Identifier: "l"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != processes*callers*each {
		t.Errorf("%d versions, want %d", len(found), processes*callers*each)
	}
	for i, r := range found {
		if r.Version != i || acked[i] != r.UUID {
			t.Errorf("version %d is %s %s, and was acknowledged as %s", i, r.Ref, r.UUID, acked[i])
		}
	}
}

func run(t *testing.T, source string, into *report) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), processEnv+"="+source)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w\n%s%s", err, out, stderr.Bytes())
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if raw, ok := strings.CutPrefix(lines.Text(), reportMark); ok {
			return json.Unmarshal([]byte(raw), into)
		}
	}
	return fmt.Errorf("no report in %s", out)
}

// applier is one of the processes.
func applier(ctx context.Context, source string, open func(context.Context, string) (store.Store, error)) (rep report) {
	db, err := open(ctx, source)
	if err != nil {
		return report{Failed: err.Error()}
	}
	defer db.Close()
	svc := component.New(db.Components(), component.Options{}).Versioned(component.Always)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				r, err := svc.Apply(ctx, listener("l", component.Of(model("m"))))
				mu.Lock()
				if err != nil {
					rep.Failed = err.Error()
				} else {
					rep.Acked = append(rep.Acked, r.Created[1])
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return rep
}
