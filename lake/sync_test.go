package lake_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
)

// desk is a folder that is kept alike with a lake.
type desk struct {
	t    *testing.T
	b    *bench
	root *os.Root
	o    lake.SyncOptions
}

func newDesk(t *testing.T, b *bench) *desk {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &desk{t: t, b: b, root: root}
}

func (d *desk) write(name, data string) {
	d.t.Helper()
	if err := d.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		d.t.Fatal(err)
	}
	if err := d.root.WriteFile(name, []byte(data), 0o666); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) read(name string) string {
	d.t.Helper()
	raw, err := d.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "none"
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return string(raw)
}

func (d *desk) remove(name string) {
	d.t.Helper()
	if err := d.root.Remove(name); err != nil {
		d.t.Fatal(err)
	}
}

// sync synchronizes and expects steps, each as "action name".
func (d *desk) sync(want ...string) {
	d.t.Helper()
	d.b.now = time.Now().Add(time.Minute) // the folder's times are true ones
	steps, err := d.b.Sync(d.t.Context(), d.root, d.o)
	if err != nil {
		d.t.Fatal(err)
	}
	got := []string{}
	for _, s := range steps {
		got = append(got, fmt.Sprint(s.Action, " ", s.Name))
	}
	if !slices.Equal(got, want) {
		d.t.Fatalf("got %q, want %q", got, want)
	}
}

func aFolderAndTheLakeAreKeptAlike(t *testing.T, b *bench) {
	one, two := newDesk(t, b), newDesk(t, b)
	big := string(noise(lake.Piece + 1))
	one.write("a.txt", "one")
	one.write("deep/er/b", big)
	put(t, b.Service, "docs/c", "three")
	one.sync("push a.txt", "push deep/er/b", "pull docs/c")
	one.sync()
	two.sync("pull a.txt", "pull deep/er/b", "pull docs/c")
	if two.read("a.txt") != "one" || two.read("deep/er/b") != big || two.read("docs/c") != "three" {
		t.Fatal("the second folder has other files")
	}
	r, err := b.Get(t.Context(), lake.At("a.txt"))
	if err != nil || *r.Value.Filetype != "txt" {
		t.Fatalf("%+v, %v", r.Value, err)
	}

	two.write("a.txt", "two")
	two.sync("push a.txt")
	one.sync("pull a.txt")
	if one.read("a.txt") != "two" {
		t.Fatal("a change did not come through")
	}

	one.remove("docs/c")
	one.sync("keep docs/c")
	one.o.Delete, two.o.Delete = true, true
	one.sync("remove docs/c")
	two.sync("discard docs/c")
	if two.read("docs/c") != "none" {
		t.Fatal("a removal did not come through")
	}
	if _, err := b.Undo(t.Context(), lake.At("docs/c")); err != nil {
		t.Fatal(err)
	}
	two.sync("pull docs/c")
	one.sync("pull docs/c")
}

func whatChangedOnBothSidesIsLeftUnlessOneIsPreferred(t *testing.T, b *bench) {
	one, two := newDesk(t, b), newDesk(t, b)
	one.write("a", "base")
	one.sync("push a")
	two.sync("pull a")
	one.write("a", "mine")
	two.write("a", "theirs")
	one.sync("push a")
	two.sync("conflict a")
	if two.read("a") != "theirs" || content(t, b.Service, lake.At("a")) != "mine" {
		t.Fatal("a conflict changed something")
	}
	two.o.Prefer = lake.FolderSide
	two.sync("push a")
	if content(t, b.Service, lake.At("a")) != "theirs" {
		t.Fatal("the folder was preferred")
	}
	one.write("a", "mine again")
	one.o.Prefer = lake.LakeSide
	one.sync("pull a")
	if one.read("a") != "theirs" {
		t.Fatal("the lake was preferred")
	}
	one.o.Prefer = "nobody"
	_, err := b.Sync(t.Context(), one.root, one.o)
	kind(t, err, errs.Invalid)
}

func aDryRunDoesNothing(t *testing.T, b *bench) {
	d := newDesk(t, b)
	d.write("a", "x")
	put(t, b.Service, "b", "y")
	d.o.DryRun = true
	d.sync("push a", "pull b")
	d.sync("push a", "pull b")
	if has, err := b.Contains(t.Context(), lake.At("a")); has || err != nil || d.read("b") != "none" || d.read(".varve-sync.json") != "none" {
		t.Fatal("a dry run did something", err)
	}
}

func aPartOfTheLakeOfOneUser(t *testing.T, b *bench) {
	d := newDesk(t, b)
	put(t, b.Service, "docs/a", "mine")
	put(t, b.Service, "docs2/b", "elsewhere")
	put(t, b.As("ada"), "docs/hers", "hers")
	d.write("c/d", "new")
	d.write("x.tmp", "not this")
	d.write("build/y", "nor this")
	d.o.Path, d.o.Exclude = "docs", []string{"*.tmp", "build"}
	d.sync("pull a", "push c/d")
	if got := content(t, b.Service, lake.At("docs/c/d")); got != "new" {
		t.Fatalf("got %q", got)
	}
	d.o.Path = "../docs"
	_, err := b.Sync(t.Context(), d.root, d.o)
	kind(t, err, errs.Invalid)
	d.o.Path, d.o.Exclude = "", []string{"["}
	_, err = b.Sync(t.Context(), d.root, d.o)
	kind(t, err, errs.Invalid)
}

func whatTheLakeDoesNotTakeIsToldAndTheRestGoesOn(t *testing.T, b *bench) {
	d := newDesk(t, b)
	d.write("e\u0301", "not composed")
	d.write("a/b", "below a")
	d.write("z", "fine")
	put(t, b.Service, "a", "a file")
	outside := t.TempDir() + "/secret"
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.root.Symlink(outside, "link"); err != nil {
		t.Fatal(err)
	}
	d.sync("refuse a", "refuse a/b", "refuse e\u0301", "refuse link", "push z")
	if has, err := b.Contains(t.Context(), lake.At("link")); has || err != nil {
		t.Fatal("a link was followed", err)
	}
}

func aFileThatChangesWithinTheClocksGrainIsSeen(t *testing.T, b *bench) {
	d := newDesk(t, b)
	d.write("a", "one")
	b.now = time.Now()
	if _, err := b.Sync(t.Context(), d.root, d.o); err != nil {
		t.Fatal(err)
	}
	info, err := d.root.Stat("a")
	if err != nil {
		t.Fatal(err)
	}
	d.write("a", "two")
	if err := d.root.Chtimes("a", info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	d.sync("push a")
}

func damagedBytesAreNotPulled(t *testing.T, b *bench) {
	d := newDesk(t, b)
	if _, err := b.Put(t.Context(), file("f"), bytes.NewReader(noise(2*lake.Piece))); err != nil {
		t.Fatal(err)
	}
	for key, raw := range b.bucket.objects {
		b.bucket.objects[key] = flip(raw, len(raw)-1)
	}
	_, err := b.Sync(t.Context(), d.root, d.o)
	kind(t, err, errs.Internal)
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".varve-sync.json") {
			t.Errorf("%s stays", e.Name())
		}
	}
}
