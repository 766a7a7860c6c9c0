package folder_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/folder"
	"github.com/varvedb/varve/store/sqlite"
)

// crashing names the folder in which a child of the test writes until it is
// killed.
const crashing = "VARVE_TEST_CRASHING"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashing); dir != "" {
		fmt.Println(writeForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever prints the name of every batch after it was acknowledged; every
// third is changed at once.
func writeForever(dir string) error {
	ctx := context.Background()
	s, err := folder.Open(ctx, dir, func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
	}, folder.Options{})
	if err != nil {
		return err
	}
	db := query.NewService(s.Query(), query.Options{})
	for n := 0; ; n++ {
		batch := fmt.Sprintf("%d-%05d", os.Getpid(), n)
		rows := make([]query.Row, 2+n%5*50)
		for i := range rows {
			rows[i] = query.Row{"id": fmt.Sprintf("%s-%05d", batch, i), "batch": batch, "of": len(rows), "changed": false, "body": strings.Repeat("\"x\",\n", 20)}
		}
		if _, err := db.Execute(ctx, query.Into("docs").Rows(rows...)); err != nil {
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

// writer is a child that writes.
type writer struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func begin(t *testing.T, dir string) *writer {
	t.Helper()
	w := &writer{cmd: exec.Command(os.Args[0])}
	w.cmd.Env = append(os.Environ(), crashing+"="+dir)
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.out = bufio.NewScanner(out)
	return w
}

// read are the names of so many batches, or of all that are left.
func (w *writer) read(t *testing.T, n int) (names []string) {
	t.Helper()
	for len(names) != n && w.out.Scan() {
		if !strings.HasPrefix(w.out.Text(), fmt.Sprint(w.cmd.Process.Pid, "-")) {
			t.Fatal(w.out.Text())
		}
		names = append(names, w.out.Text())
	}
	return names
}

func (w *writer) kill(t *testing.T) []string {
	t.Helper()
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest := w.read(t, -1)
	if err := w.cmd.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	return rest
}

// Two processes write at once, and are killed. What they acknowledged is there,
// every batch is there whole or not at all, and the log tells of each once.
func TestKilledWritersLoseNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var acknowledged []string
	for range 3 {
		one, two := begin(t, dir), begin(t, dir)
		for range 2 {
			acknowledged = append(acknowledged, one.read(t, 4)...)
			acknowledged = append(acknowledged, two.read(t, 4)...)
		}
		acknowledged = append(acknowledged, one.kill(t)...)
		acknowledged = append(acknowledged, two.read(t, 2)...) // the other goes on
		acknowledged = append(acknowledged, two.kill(t)...)
		check(t, dir, acknowledged)
	}
}

func check(t *testing.T, dir string, acknowledged []string) {
	t.Helper()
	p := at(t, dir, folder.Options{})
	of, have, changed := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, row := range p.do(query.From("docs")) {
		batch := row["batch"].(string)
		of[batch] = row["of"].(int64)
		have[batch]++
		if row["changed"] == true {
			changed[batch]++
		}
	}
	events, err := p.st.Changes(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	noted, updated := map[string]int{}, map[string]int64{}
	for _, e := range events {
		batch := e.Key[:strings.LastIndexByte(e.Key, '-')]
		switch {
		case e.Table == "docs" && e.Op == change.Insert:
			noted[batch]++
		case e.Table == "docs" && e.Op == change.Update:
			updated[batch]++
		}
	}
	for batch, n := range of {
		if have[batch] != n || noted[batch] != 1 || changed[batch] != 0 && changed[batch] != n || updated[batch] != changed[batch] {
			t.Errorf("%s: %d of %d rows, %d notes, %d changed, %d noted", batch, have[batch], n, noted[batch], changed[batch], updated[batch])
		}
	}
	for _, batch := range acknowledged {
		if of[batch] == 0 {
			t.Errorf("%s was acknowledged and is not there", batch)
		}
	}
	if len(noted) != len(of) {
		t.Errorf("%d batches are noted and %d are there", len(noted), len(of))
	}
	if left, err := filepath.Glob(filepath.Join(dir, folder.Own, "new-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := p.st.Close(); err != nil {
		t.Fatal(err)
	}
}

// meddler is a store beside that does something between two of its writes.
type meddler struct {
	store.Store
	before func(n int) error // the nth write from now on
	n      int
}

func (m *meddler) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if m.before != nil {
		m.n++
		if err := m.before(m.n); err != nil {
			return err
		}
	}
	return m.Store.Update(ctx, fn)
}

func meddled(t *testing.T, dir string) (*place, *meddler) {
	t.Helper()
	m := &meddler{}
	st, err := folder.Open(t.Context(), dir, func(ctx context.Context, path string) (_ store.Store, err error) {
		m.Store, err = beside(ctx, path)
		return m, err
	}, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return &place{t, dir, st, query.NewService(st.Query(), query.Options{})}, m
}

// A file that another program changes in the middle of a write is not
// overwritten: the write is made again on what is there.
func TestAnotherProgramInTheMiddle(t *testing.T) {
	p, m := meddled(t, scratch(t))
	p.file("docs.csv", "id,n\na,1\n")
	m.before = func(n int) error {
		if n == 1 {
			p.file("docs.csv", "id,n\na,1\nb,2\n")
		}
		return nil
	}
	p.do(query.Change("docs").Set("n", 7).All())
	p.holds("docs.csv", "id,n\na,7\nb,7\n")
	m.n, m.before = 0, func(n int) error { // again and again
		p.file("docs.csv", fmt.Sprintf("id,n\na,%d\n", n))
		return nil
	}
	p.fails(errs.Conflict, "another program changed docs.csv", query.Change("docs").Set("n", 7).All())
	p.holds("docs.csv", "id,n\na,3\n")
	m.before = nil
	m.n, m.before = 0, func(n int) error {
		if n == 1 {
			p.file("new.csv", "id,mine\na,1\n")
		}
		return nil
	}
	p.fails(errs.Invalid, "no such column", query.Into("new").Rows(query.Row{"x": 1}))
	p.holds("new.csv", "id,mine\na,1\n")
	events, err := p.st.Changes(t.Context(), 0, 100)
	if err != nil || len(events) != 2 {
		t.Errorf("%v, %v", events, err)
	}
}

// Whatever the store beside fails at, the file is the old or the new one, and the
// next write finds out which.
func TestTheStoreBesideFails(t *testing.T) {
	for fail, want := range map[int]string{1: "a,1", 2: "a,2"} {
		dir := scratch(t)
		p, m := meddled(t, dir)
		p.file("docs.csv", "id,n\na,1\n")
		m.before = func(n int) error {
			if n >= fail {
				return errs.New(errs.Unavailable, "the disk is full")
			}
			return nil
		}
		p.fails(errs.Unavailable, "full", query.Change("docs").Set("n", 2).All())
		p.holds("docs.csv", "id,n\n"+want+"\n")
		if rows := p.do(query.From("docs")); len(rows) != 1 {
			t.Errorf("%v", rows)
		}
		again := at(t, dir, folder.Options{})
		events, err := again.st.Changes(t.Context(), 0, 100)
		if err != nil || len(events) != fail-1 {
			t.Errorf("%v, %v", events, err)
		}
		again.do(query.Change("docs").Set("n", 3).All())
		again.holds("docs.csv", "id,n\na,3\n")
	}
}

// A call that waits for its turn can be given up.
func TestWaitingIsGivenUp(t *testing.T) {
	p, m := meddled(t, scratch(t))
	p.file("docs.csv", "id,n\na,1\n")
	other := at(t, p.dir, folder.Options{})
	begun, end := make(chan struct{}), make(chan struct{})
	m.before = func(n int) error {
		if n == 1 {
			close(begun)
			<-end
		}
		return nil
	}
	done := make(chan error)
	go func() {
		_, err := p.ask(query.Change("docs").Set("n", 2).All())
		done <- err
	}()
	<-begun
	for _, waiting := range []*place{p, other} {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := waiting.db.Execute(ctx, query.Change("docs").Set("n", 3).All())
			failed <- err
		}()
		cancel()
		if err := <-failed; !errors.Is(err, errs.Unavailable) {
			t.Errorf("%v", err)
		}
		if rows := waiting.do(query.From("docs").Where(query.Eq("n", 1))); len(rows) != 1 {
			t.Errorf("a reader waits for a writer: %v", rows)
		}
	}
	close(end)
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.holds("docs.csv", "id,n\na,2\n")
}
