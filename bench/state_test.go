package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/state"
)

// A copy of the engine in C, of the version that the Go driver has: the module
// is fetched for its C files and nothing else.
const engine = "github.com/mattn/go-sqlite3@v1.14.52"

// todoRow is a row with dkdc's columns.
type todoRow struct {
	ID          string `state:"id,key"`
	UserID      string `state:"user_id,owner"`
	Subject     string
	Body        string
	Priority    int
	Status      *string
	Description *string
	Labels      []string
}

func todo(n int) todoRow {
	return todoRow{ID: fmt.Sprintf("%08x-todo", n), UserID: fmt.Sprintf("user%d", n%1000), Subject: "homework",
		Body: "do your homework before it is too late for it", Priority: n % 101, Labels: []string{"cli", "home, urgent"}}
}

// todosOf opens a new file with the table of to-dos, declared and empty.
func todosOf(b *testing.B) (db *varve.DB, todos *state.RowsOf[todoRow], path string) {
	b.Helper()
	db, path = openFile(b)
	todos, err := state.TableOf[todoRow](db, "todos")
	if err == nil {
		_, err = todos.Rows(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	return db, todos, path
}

// closed makes a file for C to go on with.
func closed(b *testing.B) string {
	b.Helper()
	db, _, path := todosOf(b)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// versionsInC builds the floor with the engine's own C.
func versionsInC(b *testing.B) string {
	b.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", engine).Output()
	var module struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &module)
	}
	if err != nil {
		b.Fatalf("the floor needs the C files of %s: %v", engine, err)
	}
	include := b.TempDir()
	header, err := os.ReadFile(filepath.Join(module.Dir, "sqlite3-binding.h"))
	if err == nil {
		err = os.WriteFile(filepath.Join(include, "sqlite3.h"), header, 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
	return compile(b, "floor/versions.c", "-I"+include, filepath.Join(module.Dir, "sqlite3-binding.c"), "-DHAVE_FDATASYNC=1", "-lm", "-lpthread", "-ldl")
}

func figures(b *testing.B, program string, args ...any) (first, second float64) {
	b.Helper()
	var text []string
	for _, a := range args {
		text = append(text, fmt.Sprint(a))
	}
	out, err := exec.Command(program, text...).CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if len(out) > 0 {
		if _, err := fmt.Sscan(string(out), &first, &second); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	return first, second
}

// appendTodos appends rows by some callers, each durable when its call returns.
func appendTodos(b *testing.B, todos *state.RowsOf[todoRow], rows, callers int) (perSecond, cpu float64) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, callers)
	start, before := time.Now(), used()
	for range callers {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= rows; n = int(next.Add(1)) {
				if _, err := todos.Append(b.Context(), todo(n-1)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	return float64(rows) / time.Since(start).Seconds(), (used() - before).Seconds() * 1e6 / float64(rows)
}

// BenchmarkState writes and reads versioned tables beside the same statements
// in C, which takes a minute to compile.
func BenchmarkState(b *testing.B) {
	program := versionsInC(b)
	b.Run("writes", func(b *testing.B) { stateWrites(b, program) })
	b.Run("reads", func(b *testing.B) { stateReads(b, program) })
}

// stateWrites appends durably, alone and by 64 callers.
func stateWrites(b *testing.B, program string) {
	disk := syncs(b, size(400, 10))
	p := results.part("Versioned tables: append rows of dkdc's columns, durable",
		"db.State(), SQLite, WAL, synchronous=FULL; C with the same engine, "+engine+", pragmas and statements")
	p.floor("fdatasync of 4 KB, per second", rate(disk))
	for _, c := range []struct {
		title         string
		rows, callers int
		goal          float64
	}{{"one caller; C, a row a commit", size(2000, 20), 1, 0.85}, {"64 callers at once; C, 64 rows a commit", size(32_000, 640), 64, 0}} {
		var ours, floor appended
		for range size(5, 1) {
			db, todos, _ := todosOf(b)
			ours.add(appendTodos(b, todos, c.rows, c.callers))
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			floor.add(figures(b, program, "append", closed(b), c.rows, c.callers))
		}
		p.rate(middle(ours.rates), c.title, middle(floor.rates), c.goal)
		p.slower(ours.middleCPU(), c.title+"; CPU a row", floor.middleCPU(), 0)
		if c.callers > 1 {
			got, best := middle(ours.rates), slices.Max(ours.rates)
			want := 25_000 * min(disk/5000, 1)
			p.value(fmt.Sprintf("64 callers, best of the runs %s", rate(best)), rate(got), fmt.Sprintf("≥ %.0f/s", want), got >= want)
		}
	}
}

// BenchmarkStateBesideDkdc appends and updates beside dkdc's own expressions.
func BenchmarkStateBesideDkdc(b *testing.B) {
	python := "../.cache/venv-state/bin/python"
	if named := os.Getenv("BENCH_IBIS_PYTHON"); named != "" {
		python = named
	}
	rows, n := size(10_000, 500), size(20, 2)
	cmd := exec.Command(python, "dkdc_peer.py", filepath.Join(b.TempDir(), "dkdc.db"), fmt.Sprint(rows), fmt.Sprint(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("dkdc's expressions need ibis (scripts/bench installs it; BENCH_IBIS_PYTHON names another Python): %v", err)
	}
	var theirs struct {
		Version        string
		Append, Update []float64
	}
	if err := json.Unmarshal(out, &theirs); err != nil {
		b.Fatal(err)
	}
	_, todos, _ := todosOf(b)
	appendTodos(b, todos, rows, 64)
	took := alternate(b, n,
		way{"append", func(i int) error { _, err := todos.Append(b.Context(), todo(rows+i)); return err }},
		way{"update", func(i int) error {
			_, err := todos.Update(b.Context(), state.Row{"id": todo(i).ID, "body": "done"})
			return err
		}})
	p := results.part(fmt.Sprintf("Versioned tables: one write into %d to-dos, durable", rows),
		"db.State(), SQLite, synchronous=FULL; dkdc's expressions on ibis "+theirs.Version+" and SQLite, its default durability")
	p.faster(took[0].median(), "append", seconds(theirs.Append), 50)
	p.faster(took[1].median(), "update", seconds(theirs.Update), 50)
}

func seconds(list []float64) time.Duration {
	return time.Duration(middle(list) * float64(time.Second))
}

// stateReads reads from a file with ten million versions.
func stateReads(b *testing.B, program string) {
	rows, versions := size(1_000_000, 2000), 10
	path := closed(b)
	figures(b, program, "fill", path, rows, versions)
	todos, err := open(b, "sqlite:"+path).State().Open(b.Context(), "todos")
	if err != nil {
		b.Fatal(err)
	}
	p := results.part(fmt.Sprintf("Versioned tables: reading among %d versions of %d rows", rows*versions+10_000, rows+1),
		"db.State(), SQLite, file in the system's cache; C with the same engine and statement")
	n := size(20_000, 100)
	var ours, floor []float64
	for range size(7, 1) {
		start := time.Now()
		for i := range n {
			if _, err := todos.Latest(b.Context(), todo(i*7919%rows).ID); err != nil {
				b.Fatal(err)
			}
		}
		ours = append(ours, time.Since(start).Seconds()*1e6/float64(n))
		us, _ := figures(b, program, "get", path, rows, n)
		floor = append(floor, us)
	}
	p.slower(micro(middle(ours)), "newest version of a row by its key; C, prepared", micro(middle(floor)), 2)
	p.readPast(b, todos, int64(rows*versions))
}

func micro(us float64) time.Duration { return time.Duration(us * float64(time.Microsecond)) }

// readPast reads as of positions of a row with ten thousand versions.
func (p *part) readPast(b *testing.B, todos *state.Rows, before int64) {
	n := size(2000, 50)
	point := func(i int) int64 { return before + 1 + int64(i*7919%10_000) }
	check := func(rec state.Record, err error, i int) error {
		if err == nil && rec.Seq != point(i) {
			err = fmt.Errorf("got version at %d, want that at %d", rec.Seq, point(i))
		}
		return err
	}
	took := alternate(b, n,
		way{"position", func(i int) error {
			rec, err := todos.AsOf(state.AtPosition(point(i))).Latest(b.Context(), "hot")
			return check(rec, err, i)
		}},
		way{"version", func(i int) error {
			rec, err := todos.AsOf(state.AtVersion(point(i)-before)).Latest(b.Context(), "hot")
			return check(rec, err, i)
		}},
		way{"head", func(int) error { _, err := todos.Head(b.Context()); return err }})
	for i, what := range []string{"as of a position, a row with 10,000 versions", "as of a version of it", "how far the table has come"} {
		limit := 100 * time.Microsecond
		p.value(what, duration(took[i].median()), "< 100 µs", took[i].median() < limit)
	}
}
