package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkArchive writes conversations into files and reads them from there
// into another database, with the program as people run it.
func BenchmarkArchive(b *testing.B) {
	threads, steps := size(6_667, 50), 30
	dir := b.TempDir()
	source := filepath.Join(dir, "source", "varve.db")
	fillFile(b, source, threads, steps)
	program := build(b, "../cmd/varve")
	all := float64(threads * steps)
	p := results.part(fmt.Sprintf("files: %d steps out of SQLite and into SQLite", threads*steps),
		fmt.Sprintf("the program, %d threads × %d steps of 1 KB; the import reads all of a file before it begins", threads, steps))
	for _, form := range []string{"jsonl", "parquet"} {
		files, to := filepath.Join(dir, form), filepath.Join(dir, "from-"+form)
		out := spend(b, program, "chat", "export", "--data", filepath.Dir(source), "--format", form, "-o", files)
		in := spend(b, program, "chat", "import", "--data", to, "--no-verify", files)
		again := spend(b, program, "chat", "import", "--data", to, "--no-verify", files)
		for _, r := range []struct {
			what string
			spent
		}{{"exported", out}, {"imported", in}, {"kept as they are there", again}} {
			p.value(form+": steps a second, "+r.what, rate(all/r.took.Seconds()), "", true)
			p.value("  steps a second of one core", rate(all/r.cpu.Seconds()), "", true)
			p.value("  memory at its peak", fmt.Sprintf("%d MB", r.peak>>10), "≤ 200 MB", r.peak>>10 <= 200)
		}
		p.value(form+": bytes a step", fmt.Sprint(weight(b, files)/int64(threads*steps)), "", true)
		b.ReportMetric(all/in.took.Seconds(), form+"-steps/s")
	}
}

// spent is what a run of the program took; peak is memory in KiB.
type spent struct {
	took, cpu time.Duration
	peak      int64
}

func spend(b *testing.B, program string, args ...string) spent {
	b.Helper()
	cmd := exec.Command(program, args...)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	s := cmd.ProcessState
	return spent{time.Since(start), s.UserTime() + s.SystemTime(), s.SysUsage().(*syscall.Rusage).Maxrss}
}

// weight is how many bytes a file or the files in a folder have.
func weight(b *testing.B, path string) (n int64) {
	b.Helper()
	err := filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
