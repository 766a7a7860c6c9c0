package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvedb/varve"
)

// BenchmarkSQLiteAppend appends steps of 1 KB, durably and with their notes in
// the change log, beside the same statements in C on a file of the same making.
func BenchmarkSQLiteAppend(b *testing.B) {
	const threads = 1000
	program := compile(b, "floor/append.c", "-lsqlite3")
	disk := syncs(b, size(400, 10))
	p := results.part("SQLite: append steps of 1 KB, durable, change log included",
		"library, WAL, synchronous=FULL; C with Debian's SQLite "+sqliteOf(b)+" on a file of Varve's making")
	p.floor("fdatasync of 4 KB, per second", rate(disk))
	for _, c := range []struct {
		title  string
		group  int
		append func(*testing.B, *varve.DB, int, int) error
		goal   float64
	}{
		{"64 callers at once", 64, byCallers, 0.6},
		{"groups of 512", 512, inGroups, 0.6},
	} {
		steps := size(16384, c.group)
		var ours, triggers, notes appended
		for range size(5, 1) {
			ours.add(library(b, threads, steps, c.group, c.append))
			triggers.add(inC(b, program, threads, steps, c.group, "triggers"))
			notes.add(inC(b, program, threads, steps, c.group, "notes"))
		}
		p.rate(middle(ours.rates), c.title+"; C, the same triggers", middle(triggers.rates), c.goal)
		p.rate(middle(ours.rates), c.title+"; C, no triggers, notes by hand", middle(notes.rates), c.goal)
		p.slower(ours.middleCPU(), c.title+"; CPU a step, C with triggers", triggers.middleCPU(), 0)
	}
}

// appended is what some runs found: steps per second, and the time of
// processors for each.
type appended struct{ rates, cpu []float64 }

func (a *appended) add(rate, cpu float64) {
	a.rates, a.cpu = append(a.rates, rate), append(a.cpu, cpu)
}

func (a *appended) middleCPU() time.Duration {
	return time.Duration(middle(a.cpu) * float64(time.Microsecond))
}

// library appends steps to a new file and tells how many a second, and at how
// many microseconds of processor time each.
func library(b *testing.B, threads, steps, group int, add func(*testing.B, *varve.DB, int, int) error) (perSecond, cpu float64) {
	b.Helper()
	db, _ := openFile(b)
	fill(b, db, putUser(b, db), 0, threads, 0)
	start, before := time.Now(), used()
	if err := add(b, db, steps, group); err != nil {
		b.Fatal(err)
	}
	return float64(steps) / time.Since(start).Seconds(), (used() - before).Seconds() * 1e6 / float64(steps)
}

// byCallers appends by many callers, each waiting for its step to be durable
// before it makes the next. Which share a commit is up to the library.
func byCallers(b *testing.B, db *varve.DB, steps, callers int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, callers)
	for range callers {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= steps; n = int(next.Add(1)) {
				if _, err := db.Chat().PutStep(b.Context(), step(threadID(n%1000), n)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

// inGroups appends in transactions of the caller's.
func inGroups(b *testing.B, db *varve.DB, steps, group int) error {
	for n := 0; n < steps; n += group {
		err := db.Update(b.Context(), func(ctx context.Context, tx *varve.Tx) error {
			for i := n; i < min(n+group, steps); i++ {
				if _, err := tx.Chat().PutStep(ctx, step(threadID(i%1000), i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inC appends in C to a new file that the library made.
func inC(b *testing.B, program string, threads, steps, group int, mode string) (perSecond, cpu float64) {
	b.Helper()
	db, path := openFile(b)
	fill(b, db, putUser(b, db), 0, threads, 0)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	out, err := exec.Command(program, path, threadPrefix, fmt.Sprint(threads), fmt.Sprint(group), fmt.Sprint(steps), mode).CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if _, err := fmt.Sscan(string(out), &perSecond, &cpu); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return perSecond, cpu
}

// compile builds a floor that is written in C.
func compile(b *testing.B, source string, libraries ...string) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "floor")
	out, err := exec.Command("gcc", append([]string{"-O2", "-o", program, source}, libraries...)...).CombinedOutput()
	if err != nil {
		b.Fatalf("the floor needs a C compiler and SQLite's headers (apt-get install gcc libsqlite3-dev): %v\n%s", err, out)
	}
	return program
}

func sqliteOf(b *testing.B) string {
	b.Helper()
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "libsqlite3-0").Output()
	if err != nil {
		return ""
	}
	version, _, _ := strings.Cut(string(out), "-")
	return version
}

// syncs tells how often a second the disk takes 4 KB for good.
func syncs(b *testing.B, n int) float64 {
	b.Helper()
	return 1 / syncTimes(b, n).median().Seconds()
}

func syncTimes(b *testing.B, n int) times {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	return alternate(b, n, way{"fdatasync", func(int) error {
		if _, err := f.Write(block); err != nil {
			return err
		}
		return fdatasync(f)
	}})[0]
}
