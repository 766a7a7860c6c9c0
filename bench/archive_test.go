package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
		files := filepath.Join(dir, form)
		took, peak, _ := timed(b, program, "chat", "export", "--data", filepath.Dir(source), "--format", form, "-o", files, "--json")
		p.value(form+": steps a second, exported", rate(all/took.Seconds()), "", true)
		p.value(form+": memory at its peak", fmt.Sprintf("%d MB", peak>>10), "≤ 200 MB", peak>>10 <= 200)
		p.value(form+": bytes a step", fmt.Sprint(weight(b, files)/int64(threads*steps)), "", true)
		to := filepath.Join(dir, "from-"+form)
		took, peak, _ = timed(b, program, "chat", "import", "--data", to, "--no-verify", "--json", files)
		p.value(form+": steps a second, imported", rate(all/took.Seconds()), "", true)
		p.value(form+": memory at its peak, importing", fmt.Sprintf("%d MB", peak>>10), "≤ 200 MB", peak>>10 <= 200)
		b.ReportMetric(all/took.Seconds(), form+"-steps/s")
		took, _, _ = timed(b, program, "chat", "import", "--data", to, "--no-verify", "--json", files)
		p.value(form+": steps a second, kept as they are there", rate(all/took.Seconds()), "", true)
	}
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
