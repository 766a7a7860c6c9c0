package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
)

// TestKilledApplyDidNothingOrAll kills `varve apply` with SIGKILL at moments
// that chance picks, and looks whether all of an application is there, or
// nothing of it.
func TestKilledApplyDidNothingOrAll(t *testing.T) {
	if testing.Short() {
		t.Skip("a program that is killed has no races to look for")
	}
	t.Run("sqlite", func(t *testing.T) { killApplies(t, 12) })
	t.Run("postgres", func(t *testing.T) { killApplies(t, 6, "--url", pgtest.New(t)) })
	t.Run("mysql", func(t *testing.T) { killApplies(t, 6, "--url", mytest.New(t)) })
	// Tables are in one file, their records in another, or at a server.
	t.Run("duckdb", func(t *testing.T) {
		killApplies(t, 6, "--url", "duckdb:"+filepath.Join(t.TempDir(), "docs.duckdb"))
	})
	t.Run("folder", func(t *testing.T) { killApplies(t, 3, "--url", "csv:"+t.TempDir()) })
	t.Run("apart", func(t *testing.T) { killApplies(t, 4, "--metadata", pgtest.New(t)) })
}

// applier runs `varve apply` in a folder.
type applier struct {
	*testing.T
	dir   string
	where []string // options
}

func killApplies(t *testing.T, rounds int, where ...string) {
	a := applier{t, t.TempDir(), where}
	chance := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	if done := a.whole(0); len(done.Created) != components51 {
		t.Fatalf("the first apply made %d components", len(done.Created))
	}
	started := time.Now()
	a.whole(1)
	took := time.Since(started)
	did := 0
	for round := 2; round < 2+rounds; round++ {
		after := time.Duration(chance.Int64N(int64(took)))
		a.killed(round, after)
		done := a.whole(round)
		switch created, unchanged := len(done.Created), len(done.Unchanged); {
		case created == components51 && unchanged == 0:
		case created == 0 && unchanged == components51:
			did++
		default:
			t.Fatalf("killed after %v, %d of %d components were there", after, unchanged, components51)
		}
		if v := done.Created; len(v) > 0 && !slices.ContainsFunc(v, func(r component.Ref) bool { return r.Identifier == "m0" && r.Version == round }) {
			t.Fatalf("round %d made %v: versions have gaps", round, v)
		}
	}
	t.Logf("%d kills within %v, %d of them after all was done", rounds, took, did)
}

// components51 is how many components an application of killed has.
const components51 = 51

// declare writes an application whose every component is another than in other
// rounds, with bytes that go to the artifact store and a table to be made.
func (a applier) declare(round int) string {
	a.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "type_id: application\nidentifier: app%d\ncomponents:\n", round)
	fmt.Fprintf(&b, "  - {type_id: table, identifier: t%d, schema: {type_id: schema, identifier: s%d, fields: {x: text}}}\n", round, round)
	for i := range 24 {
		fmt.Fprintf(&b, "  - {type_id: listener, identifier: l%d, key: x, predict_kwargs: {round: %d}, model: {type_id: model, identifier: m%d, config: {round: %d}, artifacts: {w: %q}}}\n",
			i, round, i, round, strings.Repeat(fmt.Sprint(round, i, " "), 1200))
	}
	path := filepath.Join(a.dir, fmt.Sprintf("app%d.yaml", round))
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		a.Fatal(err)
	}
	return path
}

func (a applier) command(round int) (*exec.Cmd, *bytes.Buffer) {
	args := []string{"apply", "--json", "--data", filepath.Join(a.dir, "data"), a.declare(round)}
	cmd := command(a, append(args, a.where...)...)
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, a.Output()
	return cmd, out
}

// killed applies, and kills that after a while unless it has ended by then.
func (a applier) killed(round int, after time.Duration) {
	a.Helper()
	cmd, _ := a.command(round)
	if err := cmd.Start(); err != nil {
		a.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer kill.Stop()
	cmd.Wait() // whether it was killed or done is what is looked at next
}

// whole applies to the end.
func (a applier) whole(round int) (done outcome) {
	a.Helper()
	cmd, out := a.command(round)
	if err := cmd.Run(); err != nil {
		a.Fatalf("round %d: %v", round, err)
	}
	if err := json.Unmarshal(out.Bytes(), &done); err != nil {
		a.Fatal(err)
	}
	return done
}
