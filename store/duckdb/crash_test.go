//go:build cgo && !no_duckdb

package duckdb_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
	"github.com/varvedb/varve/store/sqlite"
)

// What a child of the test does with a file until it is killed: it writes
// through Varve, or holds it as any program of DuckDB's does.
const (
	crashing = "VARVE_TEST_CRASHING"
	holding  = "VARVE_TEST_HOLDING"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashing); path != "" {
		fmt.Println(writeForever(path))
		os.Exit(1)
	}
	if path := os.Getenv(holding); path != "" {
		fmt.Println(hold(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// hold says so, and ends with its input.
func hold(path string) error {
	db, err := duck.Open(path, 256<<20, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	fmt.Println("held")
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// writeForever prints the name of every batch after it was acknowledged: some
// are a few rows, some many, and every third is changed at once.
func writeForever(path string) error {
	ctx := context.Background()
	s, err := duckdb.Open(ctx, path, func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
	}, duckdb.Options{})
	if err != nil {
		return err
	}
	db := query.NewService(s.Query(), query.Options{})
	for n := 0; ; n++ {
		batch := fmt.Sprintf("%d-%05d", os.Getpid(), n)
		if _, err := db.Execute(ctx, query.Into("docs").Rows(rowsOf(batch, n)...)); err != nil {
			return err
		}
		if n%3 == 0 {
			if _, err := db.Execute(ctx, query.Change("docs").Set("changed", true).Where(query.Eq("batch", batch))); err != nil {
				return err
			}
		}
		fmt.Println(batch)
	}
}

func rowsOf(batch string, n int) []query.Row {
	rows := make([]query.Row, 2+n%7*100)
	for i := range rows {
		rows[i] = query.Row{"id": fmt.Sprintf("%s-%05d", batch, i), "batch": batch, "of": len(rows), "third": n%3 == 0, "changed": false, "body": strings.Repeat(batch, 20)}
	}
	return rows
}

// What was acknowledged is there after kill -9, whole, and in the log; and what
// is in the log is there.
func TestKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docs.duckdb")
	var acknowledged []string
	for round := range 3 {
		acknowledged = append(acknowledged, killed(t, path, 40*(round+1))...)
		check(t, path, acknowledged)
	}
}

// killed runs a writer, kills it after so many acknowledged writes, and returns
// their names with those that came through until it was dead.
func killed(t *testing.T, path string, writes int) (names []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashing+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), fmt.Sprint(cmd.Process.Pid, "-")) {
			t.Fatalf("the writer says %q", lines.Text())
		}
		names = append(names, lines.Text())
		if len(names) == 1 {
			_, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
			isKind(t, "while another process has it", err, errs.Unavailable)
		}
		if len(names) == writes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cmd.Wait() == nil || len(names) < writes {
		t.Fatalf("the writer ended by itself after %d writes", len(names))
	}
	return names
}

// check compares what is there with what was acknowledged, and with the log.
func check(t *testing.T, path string, acknowledged []string) {
	t.Helper()
	s, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db := query.NewService(s.Query(), query.Options{})
	rows, changed, of, third := map[string]int{}, map[string]int{}, map[string]int{}, map[string]bool{}
	for _, row := range ask(t, db, query.From("docs")) {
		batch := row["batch"].(string)
		rows[batch]++
		of[batch], third[batch] = int(row["of"].(int64)), row["third"].(bool)
		if row["changed"].(bool) {
			changed[batch]++
		}
	}
	for _, batch := range acknowledged {
		if rows[batch] == 0 {
			t.Errorf("%s was acknowledged and is lost", batch)
		}
		if third[batch] && changed[batch] == 0 {
			t.Errorf("the change of %s was acknowledged and is lost", batch)
		}
	}
	inserted, updated := noted(t, s)
	for batch, n := range rows {
		if n != of[batch] || changed[batch] != 0 && changed[batch] != n {
			t.Errorf("%s: %d rows of %d, %d changed", batch, n, of[batch], changed[batch])
		}
		if inserted[batch] != 1 || updated[batch] != changed[batch] {
			t.Errorf("%s: %d notes of its insert, %d of its %d changes", batch, inserted[batch], updated[batch], changed[batch])
		}
	}
	for batch := range inserted {
		if rows[batch] == 0 {
			t.Errorf("%s is in the log and not there", batch)
		}
	}
}

// noted counts the notes of each batch.
func noted(t *testing.T, s store.Store) (inserted, updated map[string]int) {
	t.Helper()
	events, err := s.Changes(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	inserted, updated = map[string]int{}, map[string]int{}
	for i, e := range events {
		if i > 0 && e.Position <= events[i-1].Position {
			t.Errorf("position %d comes after %d", e.Position, events[i-1].Position)
		}
		batch := e.Key[:strings.LastIndexByte(e.Key, '-')]
		if e.Op == change.Insert {
			inserted[batch]++
		} else {
			updated[batch]++
		}
	}
	return inserted, updated
}

// Another program of DuckDB's knows nothing of our lock.
func TestAnotherProgramHasTheFile(t *testing.T) {
	path := another(t, `CREATE TABLE item (id VARCHAR PRIMARY KEY)`)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holding+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_, err = duckdb.Open(t.Context(), path, beside, duckdb.Options{})
	isKind(t, "while another program has it", err, errs.Unavailable)
	if !strings.Contains(fmt.Sprint(err), "one at a time") {
		t.Errorf("it does not say so: %v", err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if cmd.Wait() == nil {
		t.Error("the other program had no end of its input")
	}
	open(t, path)
}
