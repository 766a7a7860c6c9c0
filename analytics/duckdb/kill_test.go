//go:build cgo && !no_duckdb

package duckdb

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

const victimEnv = "VARVE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := victim(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// victim writes and follows until it is killed.
func victim(ctx context.Context, dir string) error {
	st, err := sqlite.Open(ctx, filepath.Join(dir, "varve.db"), sqlite.Options{Relaxed: true})
	if err != nil {
		return err
	}
	m, err := Open(ctx, Sources{State: st.State(), Chat: st.Chat(), Changes: st, ID: "test"}, Options{Path: filepath.Join(dir, "mirror.duckdb")})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for n := 0; ; n++ {
		var ws []state.Write
		for i := range 1 + n%7*200 {
			id := fmt.Sprintf("id-%d", i)
			ws = append(ws, state.Write{Op: state.OpPut, Key: id, Values: map[string]any{"id": id, "body": "a body that is long enough", "priority": int64(n)}})
		}
		if _, err := st.State().Write(ctx, "todos", ws); err != nil {
			return err
		}
		if err := m.Sync(ctx); err != nil {
			return err
		}
	}
}

// A process is killed while it follows; the next goes on with its file, and
// its answers are those of the database.
func TestKilledWhileFollowing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	b := newBase(t)
	b.fill(t, 30)
	path := filepath.Join(b.dir, "mirror.duckdb")
	rounds := 15
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		killed(t, b.dir, time.Duration(20+random.IntN(300))*time.Millisecond)
		m := b.mirror(t, path)
		kept := m.eng.tables["todos"] != nil
		def, err := b.store.State().Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		log, err := b.store.State().Log(t.Context(), &def[0], 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for i := range log {
			n, _ := log[i].Values[def[0].Index("priority")].(int64)
			sum += n
		}
		want := [][]any{{int64(len(log)), int64(len(log)), sum}}
		if diff := cmp.Diff(want, ask(t, m, `SELECT count(*), count(DISTINCT _seq), sum(priority) FROM todos_history`)); diff != "" {
			t.Fatalf("kept %t: %s", kept, diff)
		}
		if !kept {
			t.Error("the mirror was made anew")
		}
		m.Close()
	}
}

// killed runs a victim for a while and kills it.
func killed(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	<-time.After(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim ended by itself")
	}
}
