package transfer_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/transfer"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/parquet"
)

var forms = map[string]archive.Options{
	"lines":   {Bytes: true},
	"parquet": {Bytes: true, Tables: parquet.Create},
}

// TestArchives exports difficult conversations, imports them into every kind of
// database, and exports them from there: byte for byte the same. A second import
// changes nothing.
func TestArchives(t *testing.T) {
	source := side(t, "source", memory.Open())
	fill(t, source)
	for name, form := range forms {
		first := filepath.Join(t.TempDir(), "first")
		export(t, source, first, form)
		for _, kind := range kinds {
			t.Run(name+" into "+kind.name, func(t *testing.T) {
				to := side(t, "to", kind.open(t))
				created := importInto(t, first, to, transfer.Copy{Keep: true})
				if created.Done.Threads != 32 || created.Done.Users != 2 || created.Done.Files != 2 || created.Kept != (transfer.Count{}) {
					t.Fatalf("created %+v, kept %+v", created.Done, created.Kept)
				}
				again := importInto(t, first, to, transfer.Copy{Keep: true})
				if again.Done != (transfer.Count{}) || again.Kept.Threads != 32 || again.Kept.Users != 2 {
					t.Fatalf("the second time created %+v, kept %+v", again.Done, again.Kept)
				}
				second := filepath.Join(t.TempDir(), "second")
				export(t, to, second, form)
				sameFiles(t, first, second, ownIDs(t, to))
			})
		}
	}
}

func export(t *testing.T, from transfer.Side, path string, form archive.Options) {
	t.Helper()
	chosen, err := transfer.Choose(t.Context(), from, transfer.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.Create(path, chosen.Store, form)
	if err != nil {
		t.Fatal(err)
	}
	job := transfer.Copy{From: chosen, To: w.Side()}
	if err := w.Finish(job.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	if job.Refusals+job.Missing > 0 {
		t.Fatalf("%+v", job)
	}
}

func importInto(t *testing.T, path string, to transfer.Side, job transfer.Copy) transfer.Copy {
	t.Helper()
	r := read(t, path)
	job.From, job.To = r.Side(), to
	job.Addresses = func(thread, element string) string { return "https://here/" + thread + "/" + element }
	if err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job.Refusals+job.Missing+job.Differ > 0 {
		t.Fatalf("refused %q, differing %q, missing %d", job.Refused, job.Differing, job.Missing)
	}
	v, err := transfer.Verify(t.Context(), job.From, to, transfer.Options{Addresses: job.Addresses})
	if err != nil || v.Different > 0 || v.FromHash != v.ToHash {
		t.Fatalf("%+v %v", v, err)
	}
	return job
}

func read(t *testing.T, path string) *archive.Reader {
	t.Helper()
	r, err := archive.Open(t.Context(), archive.Source{Path: path, Forms: []archive.Form{parquet.Form()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// ownIDs tells whether a database gives users ids of its own, which are all
// that then differs.
func ownIDs(t *testing.T, s transfer.Side) bool {
	t.Helper()
	u, err := s.Store.User(t.Context(), "ana@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return u.ID != "u-ana"
}

// sameFiles holds two folders to be the same, to the byte.
func sameFiles(t *testing.T, a, b string, ownIDs bool) {
	t.Helper()
	x, y := contents(t, a), contents(t, b)
	if ownIDs {
		ids := strings.NewReplacer(`"u-ana"`, `"ana@example.org"`, `"u-zoe"`, `"zoë"`)
		for name := range x {
			switch name {
			case archive.LinesName:
				x[name] = []byte(ids.Replace(string(x[name])))
			case "users.parquet", "threads.parquet":
				x[name], y[name] = nil, nil
			}
		}
	}
	if len(x) != len(y) || len(x) < 3 {
		t.Errorf("%d and %d files", len(x), len(y))
	}
	for name := range x {
		if !bytes.Equal(x[name], y[name]) {
			t.Errorf("%s differs%s", name, firstDifference(x[name], y[name]))
		}
	}
}

func firstDifference(a, b []byte) string {
	if bytes.HasPrefix(a, []byte("PAR1")) {
		return ""
	}
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-100)
	return ":\n" + string(a[from:min(len(a), i+100)]) + "\n" + string(b[from:min(len(b), i+100)])
}

func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			name, _ := filepath.Rel(folder, path)
			files[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
