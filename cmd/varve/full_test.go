package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/transfer"
)

// TestAFullDisk moves conversations to where no file may grow beyond a limit,
// which is what a full disk is to a program. It says so, leaves nothing half
// written, and ends the work when there is room.
func TestAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("a program that runs out of space has no races to look for")
	}
	m := moving{t, t.TempDir()}
	m.fill("source")
	m.run("chat", "export", "--data", "source", "--bytes", "-o", "lines")
	m.run("chat", "export", "--data", "source", "--bytes", "--format", "parquet", "-o", "tables")
	for name, c := range map[string]struct {
		limit int // KiB
		says  string
		args  []string
	}{
		"importing rows":   {5 << 10, "the database file cannot be written; is the disk full", []string{"chat", "import", "lines"}},
		"importing bytes":  {1 << 10, "the place for bytes failed to write; look at its disk space", []string{"chat", "import", "lines"}},
		"importing tables": {5 << 10, "TMPDIR", []string{"chat", "import", "tables"}},
		"copying rows":     {5 << 10, "the database file cannot be written; is the disk full", []string{"copy", "source"}},
		"copying bytes":    {1 << 10, "the place for bytes failed to write; look at its disk space", []string{"copy", "source"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := moving{t, m.dir}
			to := filepath.Join(t.TempDir(), "to")
			args := append(c.args, "--data", to)
			if c.args[0] == "copy" {
				args = append(args, to)
			}
			if said := m.limited(c.limit, args...); !strings.Contains(said, c.says) {
				t.Errorf("said %q", said)
			}
			m.wholeIn(to)
			m.verified(m.run(append(args, "--json")...))
		})
	}
	for name, flags := range map[string][]string{
		"exporting lines":            {},
		"exporting lines with bytes": {"--bytes"},
		"exporting tables":           {"--format", "parquet"},
	} {
		t.Run(name, func(t *testing.T) { moving{t, m.dir}.exportTooLarge(flags) })
	}
	t.Run("exporting a stream", func(t *testing.T) { moving{t, m.dir}.streamTooLarge() })
}

// exportTooLarge exports to where it does not fit: nothing is there then, nor is
// it noted.
func (m moving) exportTooLarge(flags []string) {
	to := m.TempDir()
	args := append([]string{"chat", "export", "--data", "source", "-o", filepath.Join(to, "out")}, flags...)
	before := m.notes()
	if said := m.limited(1<<10, args...); !strings.Contains(said, "disk space") {
		m.Errorf("said %q", said)
	}
	if left, err := os.ReadDir(to); err != nil || len(left) > 0 {
		m.Errorf("left %v %v", left, err)
	}
	if now := m.notes(); now != before {
		m.Errorf("%d notes of exports, and %d before", now, before)
	}
	m.run(args...)
	if now := m.notes(); now != before+1 {
		m.Errorf("%d notes of exports, and %d before", now, before)
	}
}

func (m moving) notes() int {
	m.Helper()
	notes, err := filepath.Glob(filepath.Join(m.dir, "source", "exports", "*.json"))
	if err != nil {
		m.Fatal(err)
	}
	return len(notes)
}

// streamTooLarge exports to a standard output that takes a part: the part is not
// taken for an export.
func (m moving) streamTooLarge() {
	out := filepath.Join(m.TempDir(), "out.jsonl")
	f, err := os.Create(out)
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	cmd := m.command("chat", "export", "--data", "source")
	limit(cmd, 1<<10)
	cmd.Stdout = f
	if err := cmd.Run(); err == nil {
		m.Error("an export that did not fit ended well")
	}
	said, err := m.command("chat", "import", "--dry-run", "--data", "nowhere", out).CombinedOutput()
	if err == nil || !bytes.Contains(said, []byte("out.jsonl")) {
		m.Errorf("a part was taken for an export: %v %s", err, said)
	}
}

// moving runs the program in a folder.
type moving struct {
	*testing.T
	dir string
}

// What the source has: rows of some batches, and files of which each is larger
// than the smallest limit.
const (
	fullThreads = 64
	fullSteps   = 8
	fullText    = 20_000
	fullFiles   = 4
	fullFile    = 1100 << 10
)

func (m moving) fill(folder string) {
	m.Helper()
	ctx := context.Background()
	db, err := all.Open(ctx, "sqlite:"+filepath.Join(m.dir, folder, "varve.db")+"?synchronous=normal", nil)
	if err != nil {
		m.Fatal(err)
	}
	defer db.Close()
	c := db.Chat()
	u, err := c.PutUser(ctx, chat.User{Identifier: "ana"})
	noise := rand.New(rand.NewPCG(1, 2))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = ' ' + byte(noise.UintN('~'-' '))
		}
		return string(b)
	}
	for i := 0; err == nil && i < fullThreads; i++ {
		id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", noise.Uint32())
		_, err = c.UpdateThread(ctx, chat.ThreadPatch{ID: id, UserID: u.ID})
		for s := 0; err == nil && s < fullSteps; s++ {
			_, err = c.PutStep(ctx, chat.Step{ID: fmt.Sprintf("s%d.%d", i, s), ThreadID: id, Type: "user_message", Output: random(fullText)})
		}
		if err == nil && i%(fullThreads/fullFiles) == 0 {
			_, err = c.PutElement(ctx, chat.Element{ID: "e" + id, ThreadID: id, Name: "file"}, strings.NewReader(random(fullFile)))
		}
	}
	if err != nil {
		m.Fatal(err)
	}
}

func (m moving) command(args ...string) *exec.Cmd {
	m.Helper()
	cmd := command(m, args...)
	cmd.Dir = m.dir
	return cmd
}

func (m moving) run(args ...string) []byte {
	m.Helper()
	return output(m, m.command(args...))
}

// verified holds an import or a copy to have brought everything.
func (m moving) verified(said []byte) {
	m.Helper()
	var done struct{ Verified transfer.Verdict }
	if err := json.Unmarshal(said, &done); err != nil {
		m.Fatalf("%v: %s", err, said)
	}
	if v := done.Verified; v.Different != 0 || v.To.Threads != fullThreads || v.To.Files != fullFiles || v.FromHash != v.ToHash {
		m.Errorf("there are %+v", v)
	}
}

// limited runs the program, which must fail, and returns what it says.
func (m moving) limited(kib int, args ...string) string {
	m.Helper()
	cmd := m.command(args...)
	limit(cmd, kib)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure {
		m.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// limit keeps the files of a command from growing beyond a size; a shell counts
// in blocks of 512 bytes.
func limit(cmd *exec.Cmd, kib int) {
	cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, 2*kib), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// wholeIn holds every thread of a database to be whole, with its bytes.
func (m moving) wholeIn(folder string) {
	m.Helper()
	if _, err := os.Stat(filepath.Join(folder, "varve.db")); err != nil {
		return // it did not come so far
	}
	ctx := context.Background()
	db, err := all.Open(ctx, "sqlite:"+filepath.Join(folder, "varve.db"), nil)
	if err != nil {
		m.Fatal(err)
	}
	defer db.Close()
	mover, err := chat.MoverOf(db.Rows())
	if err != nil {
		m.Fatal(err)
	}
	ids, _, err := mover.ThreadIDs(ctx, "", fullThreads)
	if err != nil {
		m.Fatal(err)
	}
	found, err := mover.Whole(ctx, ids)
	if err != nil {
		m.Fatal(err)
	}
	m.Logf("%d of %d threads are there", len(found), fullThreads)
	for _, t := range found {
		if len(t.Steps) != fullSteps {
			m.Fatalf("thread %s has %d steps", t.ID, len(t.Steps))
		}
		for _, e := range t.Elements {
			m.hasBytes(ctx, db.Files(), e.ObjectKey)
		}
	}
}

func (m moving) hasBytes(ctx context.Context, files chat.Files, key string) {
	m.Helper()
	content, err := files.Open(ctx, key)
	if err != nil {
		m.Fatal(err)
	}
	defer content.Body.Close()
	if n, err := io.Copy(io.Discard, content.Body); err != nil || n != fullFile {
		m.Fatalf("%d bytes of %s: %v", n, key, err)
	}
}
