package lake_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/state"
)

func namesThatNoFileSystemShowsAreRefused(t *testing.T, b *bench) {
	long := strings.Repeat("x", 256)
	for _, n := range []lake.Name{
		{Filename: ""}, {Filename: "."}, {Filename: ".."}, {Filename: "a/b"}, {Filename: "/"}, {Filename: "a\x00b"}, {Filename: "a\\b"},
		{Filename: "a\nb"}, {Filename: "\xff"}, {Filename: long}, {Filename: "e\u0301"}, {Filename: "a\u202eb"}, {Filename: "a\u200bb"}, {Filename: "\ufeffa"},
		{Path: new("."), Filename: "a"}, {Path: new(".."), Filename: "a"}, {Path: new("/a"), Filename: "a"}, {Path: new("a/"), Filename: "a"},
		{Path: new("a//b"), Filename: "a"}, {Path: new("a/../b"), Filename: "a"}, {Path: new("a/./b"), Filename: "a"}, {Path: new("a\x00"), Filename: "a"},
		{Path: new(`C:\a`), Filename: "a"}, {Path: new("\xff"), Filename: "a"}, {Path: new("e\u0301"), Filename: "a"}, {Path: new(long), Filename: "a"},
		{Path: new(strings.Repeat("x/", 600) + "x"), Filename: "a"},
	} {
		for verb, write := range map[string]func() error{
			"append": func() error {
				_, err := b.Append(t.Context(), lake.File{Path: n.Path, Filename: n.Filename}, strings.NewReader("x"))
				return err
			},
			"put": func() error {
				_, err := b.Put(t.Context(), lake.File{Path: n.Path, Filename: n.Filename}, strings.NewReader("x"))
				return err
			},
		} {
			var e *errs.Error
			if err := write(); !errors.As(err, &e) || e.Kind != errs.Invalid && e.Kind != errs.TooLarge || e.Field != "filename" && e.Field != "path" {
				t.Errorf("%s %q: %v", verb, n, err)
			}
		}
	}
	for _, full := range []string{"a", ".a", "a.", "...", "a b", " ", "-", "é", "日本/語", "👩‍👩‍👧.png", "a:b", "*", "con", "a'\"b", strings.Repeat("x", 255), "a%2Fb", "DROP TABLE lake;--"} {
		put(t, b.Service, full, full)
		if got := content(t, b.Service, lake.At(full)); got != full {
			t.Errorf("%q has %q", full, got)
		}
	}
}

func aFileCannotStandBesideAFolderOfItsName(t *testing.T, b *bench) {
	ctx := t.Context()
	put(t, b.Service, "a/b/c", "x")
	for _, full := range []string{"a", "a/b"} {
		_, err := b.Put(ctx, file(full), strings.NewReader("x"))
		kind(t, err, errs.Exists)
	}
	_, err := b.Append(ctx, lake.File{Path: new(""), Filename: "a"}, strings.NewReader("x"))
	kind(t, err, errs.Exists)
	for _, full := range []string{"a/b/c/d", "a/b/c/d/e"} {
		_, err := b.Append(ctx, file(full), strings.NewReader("x"))
		kind(t, err, errs.Exists)
	}
	if _, err := b.Append(ctx, lake.File{Path: new(""), Filename: "top"}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	_, err = b.Append(ctx, file("top/x"), strings.NewReader("x"))
	kind(t, err, errs.Exists)
	// Others' files are elsewhere, and names that begin alike are others.
	put(t, b.As("ada"), "a", "x")
	put(t, b.Service, "a/bb", "x")
	put(t, b.Service, "a/b0", "x")
	put(t, b.Service, "a-", "x")

	// Without files there is no folder, and then no file comes back into one.
	for _, full := range []string{"a/b/c", "a/bb", "a/b0"} {
		if err := b.Remove(ctx, lake.At(full)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, b.Service, "a", "now a file")
	_, err = b.Undo(ctx, lake.At("a/b/c"))
	kind(t, err, errs.Exists)
	if err := b.Remove(ctx, lake.At("a")); err != nil {
		t.Fatal(err)
	}
	if _, err = b.Undo(ctx, lake.At("a/b/c")); err != nil {
		t.Fatal(err)
	}
	_, err = b.Append(ctx, file("a"), strings.NewReader("x"))
	kind(t, err, errs.Exists)
}

// Many pairs of writers, each on a lake of its own as different processes have,
// and each pair wants the same name for a file and for a folder: by appending,
// by putting and by undoing a deletion.
func ofAFileAndAFolderOfOneNameAtOnceOneIsMade(t *testing.T, b *bench) {
	ctx := t.Context()
	const pairs = 24
	for i := range pairs {
		full := fmt.Sprintf("d%d/x", i)
		put(t, b.Service, full, "x")
		if err := b.Remove(ctx, lake.At(full)); err != nil {
			t.Fatal(err)
		}
	}
	below := []func(s *lake.Service, full string) error{
		func(s *lake.Service, full string) error {
			_, err := s.Append(ctx, file(full), strings.NewReader("below"))
			return err
		},
		func(s *lake.Service, full string) error {
			_, err := s.Put(ctx, file(full), strings.NewReader("below"))
			return err
		},
		func(s *lake.Service, full string) error {
			_, err := s.Undo(ctx, lake.At(full))
			return err
		},
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	failed := make([][2]error, pairs)
	for i := range pairs {
		name := fmt.Sprint("d", i)
		all.Go(func() {
			<-start
			_, failed[i][0] = b.another().Append(ctx, file(name), strings.NewReader("at"))
		})
		all.Go(func() {
			<-start
			failed[i][1] = below[i%len(below)](b.another(), name+"/x")
		})
	}
	close(start)
	all.Wait()
	for i, errors := range failed {
		one, other := errors[0], errors[1]
		if one == nil {
			one, other = other, one
		}
		if other != nil {
			t.Errorf("d%d: %v and %v, neither was made", i, one, other)
			continue
		}
		kind(t, one, errs.Exists)
	}
	tree, err := b.FS(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "d0"); err != nil {
		t.Error(err)
	}
	names, err := fs.ReadDir(tree, ".")
	if err != nil || len(names) != pairs {
		t.Errorf("%d names: %v", len(names), err)
	}
}

func anyStateIsAFileSystem(t *testing.T, b *bench) {
	ctx := t.Context()
	empty, err := b.FS(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(empty); err != nil {
		t.Error(err)
	}
	put(t, b.Service, "a.txt", "one")
	put(t, b.Service, "docs/b.txt", "two")
	put(t, b.As("ada"), "hers", "not shown")
	r := put(t, b.Service, "docs/deep/er/c", string(noise(2*lake.Piece)))
	b.now = b.now.Add(time.Hour)
	put(t, b.Service, "a.txt", "three")
	put(t, b.Service, "empty", "")
	if err := b.Remove(ctx, lake.At("docs/b.txt")); err != nil {
		t.Fatal(err)
	}
	now, err := b.FS(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(now, "a.txt", "docs/deep/er/c", "empty"); err != nil {
		t.Error(err)
	}
	for name, at := range map[string]state.Point{"position": state.AtPosition(r.Seq), "time": state.AtTime(b.now.Add(-time.Minute))} {
		then, err := b.AsOf(at).FS(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(then, "a.txt", "docs/b.txt", "docs/deep/er/c"); err != nil {
			t.Errorf("by %s: %v", name, err)
		}
		if raw, err := fs.ReadFile(then, "a.txt"); string(raw) != "one" || err != nil {
			t.Errorf("by %s: %q, %v", name, raw, err)
		}
		if _, err := fs.Stat(then, "empty"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("by %s: %v", name, err)
		}
	}
	info, err := fs.Stat(now, "a.txt")
	if err != nil || info.Size() != 5 || !info.ModTime().Equal(b.now) || info.Sys().(lake.Record).Version != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	hers, err := b.As("ada").FS(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := fs.Glob(hers, "*"); !slices.Equal(names, []string{"hers"}) || err != nil {
		t.Errorf("%q, %v", names, err)
	}
	// It stays what it was.
	put(t, b.Service, "later", "x")
	if _, err := fs.Stat(now, "later"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func aLakeThatIsTendedIsSweptByItself(t *testing.T, b *bench) {
	tend := func(rounds int) (freed []int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b.Tend(ctx, 0, time.Nanosecond, func(done lake.Swept, err error) {
			if err != nil {
				t.Error(err)
			}
			if freed = append(freed, done.Contents); len(freed) == rounds {
				cancel()
			}
		})
		return freed
	}
	if freed := tend(1); !slices.Equal(freed, []int{0}) {
		t.Fatalf("a lake that was never used: %v", freed)
	}
	if tables, err := b.tables.Tables(t.Context()); err != nil || len(tables) != 0 {
		t.Fatalf("tending made %v, %v", tables, err)
	}
	put(t, b.Service, "x", "is gone soon")
	put(t, b.Service, "kept", "stays")
	purge(t, b, "x")
	if would, err := b.Unused(t.Context()); err != nil || would.Contents != 0 {
		t.Fatalf("before its time: %+v, %v", would, err)
	}
	if freed := tend(1); freed[0] != 0 {
		t.Fatalf("freed before its time: %v", freed)
	}
	b.now = b.now.Add(lake.Grace + time.Second)
	if would, err := b.Unused(t.Context()); err != nil || would.Contents != 1 || would.Bytes != int64(len("is gone soon")) {
		t.Fatalf("unused: %+v, %v", would, err)
	}
	if freed := tend(3); !slices.Equal(freed, []int{1, 0, 0}) {
		t.Fatalf("freed %v", freed)
	}
	if got := content(t, b.Service, lake.At("kept")); got != "stays" {
		t.Fatalf("got %q", got)
	}
	_, err := b.As("ada").Unused(t.Context())
	kind(t, err, errs.Forbidden)
}

func sweepFreesWhatNoVersionHas(t *testing.T, b *bench) {
	ctx := t.Context()
	big := func(n int) string { return fmt.Sprint(n) + string(noise(lake.Piece)) }
	for _, data := range []string{"without a file", big(2)} { // as after a write that failed
		if _, err := b.Append(ctx, file("x"), strings.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		purge(t, b, "x")
	}
	put(t, b.Service, "kept", "an older version")
	put(t, b.Service, "kept", "the newest")
	put(t, b.Service, "removed", "is in the history")
	if err := b.Remove(ctx, lake.At("removed")); err != nil {
		t.Fatal(err)
	}
	put(t, b.Service, "kept.big", big(1))
	for _, wait := range []time.Duration{0, lake.Grace} {
		b.now = b.now.Add(wait)
		if done, err := b.Sweep(ctx); err != nil || done.Contents != 0 {
			t.Fatalf("swept %+v before its time, %v", done, err)
		}
	}
	// What is about to get a file again is spared.
	b.now = b.now.Add(time.Second)
	put(t, b.Service, "saved", "without a file")
	done, err := b.Sweep(ctx)
	if err != nil || done.Contents != 1 || done.Bytes != int64(len(big(2))) {
		t.Fatalf("swept %+v, %v", done, err)
	}
	if n, o := rows(t, b, lake.ContentTable), len(b.bucket.objects); n != 5 || o != 1 {
		t.Fatalf("%d contents and %d objects stay", n, o)
	}
	if got := content(t, b.Service, lake.At("kept.big")); got != big(1) {
		t.Fatal("kept.big has other bytes")
	}
	if _, err := b.Undo(ctx, lake.At("removed")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, b.Service, lake.At("removed")); got != "is in the history" {
		t.Fatalf("got %q", got)
	}
	_, err = b.As("ada").Sweep(ctx)
	kind(t, err, errs.Forbidden)
	// What was swept can be kept again.
	put(t, b.Service, "anew", big(2))
	if got := content(t, b.Service, lake.At("anew")); got != big(2) {
		t.Fatal("anew has other bytes")
	}
}

func sweepFreesWhatAnUploadLeftThatWasBrokenOff(t *testing.T, b *bench) {
	ctx := t.Context()
	put(t, b.Service, "opens", "the tables")
	contents, err := b.tables.Open(ctx, lake.ContentTable)
	if err != nil {
		t.Fatal(err)
	}
	const key = "varve_lake/somewhere"
	b.bucket.objects[key] = []byte("half of a file")
	if _, err := contents.Append(ctx, state.Row{"hash": key, "size": 0, "place": key}); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(lake.Grace + time.Second)
	if done, err := b.Sweep(ctx); err != nil || done.Contents != 1 || len(b.bucket.objects) != 0 {
		t.Fatalf("swept %+v, %d objects stay, %v", done, len(b.bucket.objects), err)
	}
}

// purge takes all versions of a file away, as compaction does.
func purge(t *testing.T, b *bench, full string) {
	t.Helper()
	if err := b.Remove(t.Context(), lake.At(full)); err != nil {
		t.Fatal(err)
	}
	files, err := b.tables.Open(t.Context(), lake.Table)
	if err != nil {
		t.Fatal(err)
	}
	head, err := files.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Compact(t.Context(), head.Seq); err != nil {
		t.Fatal(err)
	}
}
