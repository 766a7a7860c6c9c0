package exports_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/exports"
)

// made is a data folder with a note of an export of ana, bob and cyd.
func made(t *testing.T, folder bool) (data string, note erasure.Export) {
	t.Helper()
	data = t.TempDir()
	path := filepath.Join(t.TempDir(), "out")
	file := path
	if folder {
		file = filepath.Join(path, "conversations.jsonl")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, file, "ana", "bob", "cyd")
	note, err := exports.New("n1", path)
	if err == nil {
		note.Digest, err = exports.Digest(path)
	}
	if err == nil {
		err = exports.In(data).Note(t.Context(), note)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data, note
}

func write(t *testing.T, file string, people ...string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"kind":"export","version":1}` + "\n")
	for _, who := range people {
		fmt.Fprintf(&b, `{"kind":"user","user":{"id":"id-%[1]s","createdAt":"2026-01-01T00:00:00.000000Z","identifier":"%[1]s","display_name":null,"metadata":{}}}`+"\n", who)
	}
	for _, who := range people {
		fmt.Fprintf(&b, `{"kind":"thread","thread":{"id":"t-%[1]s","createdAt":"2026-01-01T00:00:00.000000Z","name":"of %[1]s","userId":"id-%[1]s","userIdentifier":"%[1]s"}}`+"\n", who)
	}
	fmt.Fprintf(&b, `{"kind":"end","users":%[1]d,"threads":%[1]d}`+"\n", len(people))
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read is what is in an export, and in the folder around it.
func read(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(filepath.Dir(path), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(name)
		b.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func noteOf(t *testing.T, data string) (e erasure.Export) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "exports", "n1.json"))
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Wherever a run is killed, the next one ends it: nothing of the person is left
// around the export, and all of the others is in it.
func TestARewritingThatWasKilledIsEnded(t *testing.T) {
	for _, folder := range []bool{false, true} {
		for _, at := range []string{"before the note", "after the note", "between the names", "after the names", "and what stood ready was lost"} {
			t.Run(fmt.Sprintf("folder=%v %s", folder, at), func(t *testing.T) {
				data, note := made(t, folder)
				dir, base := filepath.Split(note.Path)
				fresh, old := filepath.Join(dir, "."+base+"-erasing"), filepath.Join(dir, "."+base+"-erased")
				// What a run makes of it, in the order in which it does.
				file := fresh
				if folder {
					file = filepath.Join(fresh, "conversations.jsonl")
					must(t, os.Mkdir(fresh, 0o700))
				}
				write(t, file, "bob", "cyd")
				next, err := exports.Digest(fresh)
				must(t, err)
				if at != "before the note" {
					note.Next = next
					must(t, exports.In(data).Note(t.Context(), note))
				}
				if at == "between the names" || at == "after the names" || at == "and what stood ready was lost" {
					must(t, os.Rename(note.Path, old))
				}
				if at == "and what stood ready was lost" {
					must(t, os.RemoveAll(fresh))
				}
				if at == "after the names" {
					must(t, os.Rename(fresh, note.Path))
				}
				if _, err := exports.In(data).Without(t.Context(), "ana", false); err != nil {
					t.Fatal(err)
				}
				got := read(t, note.Path)
				if strings.Contains(got, "ana") || strings.Count(got, `"id":"t-bob"`) != 1 || strings.Count(got, `"id":"t-cyd"`) != 1 {
					t.Errorf("left is %s", got)
				}
				now := noteOf(t, data)
				if is, err := exports.Digest(note.Path); err != nil || now.Digest != is || now.Next != "" {
					t.Errorf("the note says %+v, %v", now, err)
				}
			})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Erasures at once, of one person and of several, do not bring each other's back.
func TestErasuresAtOnce(t *testing.T) {
	for _, folder := range []bool{false, true} {
		data, note := made(t, folder)
		var wg sync.WaitGroup
		var failed [6]error
		for i := range failed {
			wg.Go(func() {
				_, failed[i] = exports.In(data).Without(t.Context(), []string{"ana", "bob"}[i%2], false) // each like another process
			})
		}
		wg.Wait()
		if err := errors.Join(failed[:]...); err != nil {
			t.Fatal(err)
		}
		if got := read(t, note.Path); strings.Contains(got, "ana") || strings.Contains(got, "bob") || !strings.Contains(got, `"id":"t-cyd"`) {
			t.Errorf("left is %s", got)
		}
	}
}

// What is not the export that was made is left alone, and named.
func TestOtherFilesAreNotTouched(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(t *testing.T, e *erasure.Export)
		outcome string
	}{
		"edited": {func(t *testing.T, e *erasure.Export) { write(t, e.Path, "ana") }, erasure.Changed},
		"a link": {func(t *testing.T, e *erasure.Export) {
			must(t, os.Rename(e.Path, e.Path+"2"))
			must(t, os.Symlink(e.Path+"2", e.Path))
		}, erasure.Changed},
		"moved":        {func(t *testing.T, e *erasure.Export) { must(t, os.Rename(e.Path, e.Path+"2")) }, erasure.Moved},
		"unfinished":   {func(t *testing.T, e *erasure.Export) { e.Digest = "" }, erasure.Unsure},
		"distant":      {func(t *testing.T, e *erasure.Export) { e.Distant = true }, erasure.Elsewhere},
		"another host": {func(t *testing.T, e *erasure.Export) { e.Host += "x" }, erasure.Elsewhere},
		"piped":        {func(t *testing.T, e *erasure.Export) { e.Path = "" }, erasure.Elsewhere},
		"changed while it was rewritten": {func(t *testing.T, e *erasure.Export) {
			e.Next = "0000"
			write(t, e.Path, "ana", "dan")
		}, erasure.Changed},
	} {
		t.Run(name, func(t *testing.T) {
			data, note := made(t, false)
			path := note.Path
			c.change(t, &note)
			before := read(t, path)
			must(t, exports.In(data).Note(t.Context(), note))
			got, err := exports.In(data).Without(t.Context(), "ana", false)
			if err != nil || len(got) != 1 || got[0].Outcome != c.outcome {
				t.Errorf("%+v %v", got, err)
			}
			if after := read(t, path); after != before {
				t.Errorf("it was changed to %s", after)
			}
		})
	}
}

// An export that is being written while somebody is erased may have read them:
// it is not finished.
func TestAnExportDuringAnErasureIsNotFinished(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(t.TempDir(), "out")
	for _, to := range []string{path, ""} {
		notes := exports.In(data)
		note, err := exports.New("n2", to)
		must(t, err)
		must(t, notes.Note(t.Context(), note))
		if _, err := exports.In(data).Without(t.Context(), "ana", true); err != nil {
			t.Fatal(err)
		}
		if _, err := exports.In(data).Without(t.Context(), "ana", false); err != nil {
			t.Fatal(err)
		}
		note.Digest = "d"
		if err := notes.Note(t.Context(), note); errs.KindOf(err) != errs.Conflict {
			t.Errorf("to %q: %v", to, err)
		}
		must(t, notes.Forget(t.Context(), note.ID))
	}
	// One that was given up long ago is forgotten.
	note, err := exports.New("n3", path)
	must(t, err)
	note.Made = note.Made.Add(-8 * 24 * time.Hour)
	must(t, exports.In(data).Note(t.Context(), note))
	if got, err := exports.In(data).Without(t.Context(), "ana", false); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(data, "exports", "n3.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestAnExportThatCannotBeRewrittenStaysAndIsSaid(t *testing.T) {
	data, note := made(t, false)
	must(t, os.WriteFile(note.Path, []byte("{\"kind\":\"thread\",\"thread\":{}}\n"), 0o600))
	var err error
	note.Digest, err = exports.Digest(note.Path)
	must(t, err)
	must(t, exports.In(data).Note(t.Context(), note))
	got, err := exports.In(data).Without(t.Context(), "ana", false)
	if errs.KindOf(err) != errs.Invalid || len(got) != 1 || got[0].Outcome != erasure.Failed {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWhoIsInNoExportIsNamedInNone(t *testing.T) {
	data, note := made(t, false)
	before := read(t, note.Path)
	for _, dry := range []bool{true, false} {
		if got, err := exports.In(data).Without(t.Context(), "zoe", dry); err != nil || len(got) != 0 || read(t, note.Path) != before {
			t.Errorf("%+v %v", got, err)
		}
	}
	if got, err := exports.In(t.TempDir()).Without(t.Context(), "ana", false); err != nil || len(got) != 0 {
		t.Errorf("without notes: %+v %v", got, err)
	}
	for _, id := range []string{"", "../x", "A", strings.Repeat("a", 65)} {
		if err := exports.In(data).Note(t.Context(), erasure.Export{ID: id, Made: time.Now()}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := exports.In(data).Note(t.Context(), erasure.Export{ID: "a", Path: "relative"}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a relative path: %v", err)
	}
}
