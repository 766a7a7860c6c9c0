package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/transfer"
)

// BenchmarkCopy copies conversations from SQLite to PostgreSQL with the program
// as people run it, and compares both sides after it.
func BenchmarkCopy(b *testing.B) {
	for _, threads := range []int{size(3_000, 50), size(30_000, 100)} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) { copying(b, threads, 30) })
	}
}

func copying(b *testing.B, threads, steps int) {
	dir := b.TempDir()
	source := filepath.Join(dir, "source", "varve.db")
	fillFile(b, source, threads, steps)
	url := pgtest.NewDurable(b)
	program := build(b, "../cmd/varve")
	p := results.part(fmt.Sprintf("copy %d steps, SQLite to PostgreSQL", threads*steps), fmt.Sprintf("the program, %d threads × %d steps of 1 KB, durable commits", threads, steps))
	_, peak, said := timed(b, program, "copy", filepath.Dir(source), url, "--no-verify", "--json", "--data", dir)
	perSecond := float64(threads*steps) / said.Seconds
	p.value("steps a second, copied", rate(perSecond), "≥ 20000/s", perSecond >= 20_000)
	p.rate(perSecond, "sqlite3 -csv | psql COPY, the steps alone", float64(threads*steps)/copyByHand(b, source, url).Seconds(), 0)
	p.value("the index for search, built after the rows, steps a second", rate(float64(threads*steps)/said.IndexSeconds), "", true)
	p.value("memory at its peak", fmt.Sprintf("%d MB", peak>>10), "≤ 200 MB", peak>>10 <= 200)
	took, peak, _ := timed(b, program, "copy", filepath.Dir(source), url, "--verify-only", "--json", "--data", dir)
	p.value("steps a second, compared", rate(float64(threads*steps)/took.Seconds()), "", true)
	p.value("memory at its peak, comparing", fmt.Sprintf("%d MB", peak>>10), "≤ 200 MB", peak>>10 <= 200)
	b.ReportMetric(perSecond, "steps/s")
}

// copyByHand is the least that copies steps: what one program writes as text
// another takes, into a table with the indexes that a copy keeps.
func copyByHand(b *testing.B, source, url string) time.Duration {
	b.Helper()
	const columns = `"id","name","type","threadId","parentId","streaming","waitForAnswer","isError","metadata","tags","input","output","createdAt",` +
		`"command","start","end","generation","showInput","language","defaultOpen","autoCollapse","modes","icon","varve_extra"`
	pgtest.Exec(b, url, `CREATE TABLE bare_steps (LIKE steps); ALTER TABLE bare_steps ADD PRIMARY KEY ("id"); CREATE INDEX ON bare_steps ("threadId")`)
	cmd := exec.Command("sh", "-ec", `sqlite3 -csv "$1" "SELECT $3 FROM steps" | psql -q "$2" -c "COPY bare_steps ($3) FROM STDIN CSV"`, "sh", source, url, columns)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(start)
	pgtest.Exec(b, url, `DROP TABLE bare_steps`)
	return took
}

func fillFile(b *testing.B, path string, threads, steps int) {
	b.Helper()
	db := open(b, "sqlite:"+path+"?synchronous=normal")
	defer db.Close()
	user := putUser(b, db)
	m, err := chat.MoverOf(db.Rows())
	if err != nil {
		b.Fatal(err)
	}
	var batch []chat.Thread
	for t := range threads {
		th := chat.Thread{ID: threadID(t), UserID: user, Name: fmt.Sprint("thread ", t), CreatedAt: moment(t * steps), Metadata: chat.Object{"topic": "numbers"}}
		for n := range steps {
			th.Steps = append(th.Steps, step(th.ID, t*steps+n))
		}
		if batch = append(batch, th); len(batch) == 100 || t == threads-1 {
			if err := m.Load(b.Context(), batch, chat.Write{Now: born}); err != nil {
				b.Fatal(err)
			}
			batch = nil
		}
	}
}

// timed runs the program and returns how long it took and its memory at its
// peak, in KiB.
func timed(b *testing.B, program string, args ...string) (time.Duration, int64, report) {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var answer report
	if err := json.Unmarshal(out, &answer); err != nil || answer.Verified != nil && answer.Verified.Different != 0 {
		b.Fatalf("%v\n%s", err, out)
	}
	return took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, answer
}

// report is what the program says of a copy.
type report struct {
	Seconds, IndexSeconds float64
	Verified              *transfer.Verdict
}

// BenchmarkProfileCopy is BenchmarkCopy inside this process, for those who ask
// where the time goes.
func BenchmarkProfileCopy(b *testing.B) {
	dir := b.TempDir()
	source := filepath.Join(dir, "source", "varve.db")
	threads, steps := size(3_000, 50), 30
	fillFile(b, source, threads, steps)
	from, to := open(b, "sqlite:"+source), open(b, pgtest.NewDurable(b))
	job := transfer.Copy{From: transfer.Side{Name: "a", Store: from.Rows()}, To: transfer.Side{Name: "b", Store: to.Rows()}}
	spent := used()
	b.ResetTimer()
	if err := job.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((used()-spent).Microseconds())/float64(threads*steps), "cpu-µs/step")
	b.ReportMetric(float64(threads*steps)/b.Elapsed().Seconds(), "steps/s")
}
