package lake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

// bench is a lake on a new database, with a bucket and a clock of the test.
type bench struct {
	*lake.Service
	tables *state.Service
	bucket *bucket
	store  store.Store
	now    time.Time
}

// another is the same lake as another process has it.
func (b *bench) another() *lake.Service {
	return lake.New(b.tables, lake.Options{Bucket: b.bucket, Now: func() time.Time { return b.now }, Update: b.updating(b.store)})
}

// TestLake holds the lake to its rules on every store of versioned tables.
func TestLake(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (store.Store, error){
		"memory": func(*testing.T) (store.Store, error) { return memory.Open(), nil },
		"sqlite": func(t *testing.T) (store.Store, error) {
			return sqlite.Open(t.Context(), t.TempDir()+"/varve.db", sqlite.Options{})
		},
		"postgres": func(t *testing.T) (store.Store, error) {
			return postgres.Open(t.Context(), pgtest.New(t), postgres.Options{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			for name, rule := range rules {
				t.Run(name, func(t *testing.T) {
					st, err := open(t)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { st.Close() })
					rule(t, newBench(t, st))
				})
			}
		})
	}
}

var rules = map[string]func(*testing.T, *bench){
	"a file is appended updated and read":                        aFileIsAppendedUpdatedAndRead,
	"no path an empty path and each user are apart":              noPathAnEmptyPathAndEachUserAreApart,
	"one of many appends":                                        oneOfManyAppends,
	"put appends or updates":                                     putAppendsOrUpdates,
	"what is there twice is kept once":                           whatIsThereTwiceIsKeptOnce,
	"the sizes around the edges":                                 theSizesAroundTheEdges,
	"without a bucket large files are refused":                   withoutABucketLargeFilesAreRefused,
	"a write that fails leaves no file and no object":            aWriteThatFailsLeavesNoFileAndNoObject,
	"any range is read":                                          anyRangeIsRead,
	"a flipped bit in the bucket is never returned":              aFlippedBitInTheBucketIsNeverReturned,
	"a flipped bit in a row is never returned":                   aFlippedBitInARowIsNeverReturned,
	"a file of any size takes the memory of one piece":           aFileOfAnySizeTakesTheMemoryOfOnePiece,
	"an empty reader is an empty file":                           anEmptyReaderIsAnEmptyFile,
	"names that no file system shows are refused":                namesThatNoFileSystemShowsAreRefused,
	"a file cannot stand beside a folder of its name":            aFileCannotStandBesideAFolderOfItsName,
	"of a file and a folder of one name at once one is made":     ofAFileAndAFolderOfOneNameAtOnceOneIsMade,
	"any state is a file system":                                 anyStateIsAFileSystem,
	"sweep frees what an upload left that was broken off":        sweepFreesWhatAnUploadLeftThatWasBrokenOff,
	"a lake that is tended is swept by itself":                   aLakeThatIsTendedIsSweptByItself,
	"sweep frees what no version has":                            sweepFreesWhatNoVersionHas,
	"a folder and the lake are kept alike":                       aFolderAndTheLakeAreKeptAlike,
	"what changed on both sides is left unless one is preferred": whatChangedOnBothSidesIsLeftUnlessOneIsPreferred,
	"a dry run does nothing":                                     aDryRunDoesNothing,
	"a part of the lake of one user":                             aPartOfTheLakeOfOneUser,
	"what the lake does not take is told and the rest goes on":   whatTheLakeDoesNotTakeIsToldAndTheRestGoesOn,
	"a file that changes within the clocks grain is seen":        aFileThatChangesWithinTheClocksGrainIsSeen,
	"damaged bytes are not pulled":                               damagedBytesAreNotPulled,
}

func newBench(t *testing.T, st store.Store) *bench {
	b := &bench{store: st, bucket: &bucket{objects: map[string][]byte{}}, now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	now := func() time.Time { return b.now }
	b.tables = state.NewService(st.State(), state.Options{Now: now})
	b.Service = lake.New(b.tables, lake.Options{Bucket: b.bucket, Now: now, Temp: t.TempDir(), Update: b.updating(st)})
	return b
}

// updating runs transactions of a store.
func (b *bench) updating(st store.Store) func(context.Context, func(context.Context, state.Database) error) error {
	return func(ctx context.Context, fn func(context.Context, state.Database) error) error {
		return st.Update(ctx, func(ctx context.Context, tx store.Tx) error { return fn(ctx, b.tables.In(tx.State())) })
	}
}

// bucket keeps bytes in memory, where tests can change them.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	fail    error // of the next write
}

func (b *bucket) Write(_ context.Context, key string, r io.Reader) (int64, error) {
	raw, err := io.ReadAll(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		err, b.fail = b.fail, nil
	}
	if err == nil {
		b.objects[key] = raw
	}
	return int64(len(raw)), err
}

func (b *bucket) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	raw, ok := b.objects[key]
	if !ok {
		return nil, errs.New(errs.NotFound, "no such object")
	}
	return closer{bytes.NewReader(raw)}, nil
}

func (b *bucket) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
	return nil
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

// once is a reader that cannot go back.
func once(raw []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(raw)} }

// noise is bytes that do not repeat.
func noise(n int) []byte {
	raw := make([]byte, n)
	x := uint32(1)
	for i := range raw {
		x = x*1664525 + 1013904223
		raw[i] = byte(x >> 24)
	}
	return raw
}

func file(full string) lake.File {
	n := lake.At(full)
	return lake.File{Path: n.Path, Filename: n.Filename}
}

func put(t *testing.T, l *lake.Service, full, data string) lake.Record {
	t.Helper()
	r, err := l.Put(t.Context(), file(full), strings.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", full, err)
	}
	return r
}

func content(t *testing.T, l *lake.Service, n lake.Name) string {
	t.Helper()
	r, err := l.Open(t.Context(), n)
	if err != nil {
		t.Fatalf("%s: %v", n, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", n, err)
	}
	return string(raw)
}

func kind(t *testing.T, err error, want errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != want {
		t.Fatalf("got %v, want an error of kind %q", err, want)
	}
}

func rows(t *testing.T, b *bench, table string) (n int) {
	t.Helper()
	r, err := b.tables.Open(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Each(t.Context(), state.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func aFileIsAppendedUpdatedAndRead(t *testing.T, b *bench) {
	ctx := t.Context()
	first, err := b.Append(ctx, lake.File{Filename: "test.txt", Filetype: new("txt"), Version: new(int64(7)), Labels: []string{"a,b", "c"}}, strings.NewReader("hello world"))
	if err != nil {
		t.Fatal(err)
	}
	if f := first.Value; f.Size != 11 || *f.Version != 7 || len(f.Labels) != 2 || !strings.Contains(f.ID, "-") {
		t.Fatalf("%+v", f)
	}
	_, err = b.Append(ctx, file("test.txt"), strings.NewReader("x"))
	kind(t, err, errs.Exists)

	second, err := b.Update(ctx, lake.At("test.txt"), state.Row{"status": "archived"}, strings.NewReader("hello world!"))
	if err != nil {
		t.Fatal(err)
	}
	if f := second.Value; f.ID != first.Value.ID || *f.Version != 7 || *f.Filetype != "txt" || *f.Status != "archived" {
		t.Fatalf("an update lost something: %+v", f)
	}
	third, err := b.Update(ctx, lake.At("test.txt"), state.Row{"description": "greeting"}, nil)
	if err != nil || third.Value.Hash != second.Value.Hash {
		t.Fatalf("without bytes they stay: %+v, %v", third.Value, err)
	}
	if got := content(t, b.Service, lake.At("test.txt")); got != "hello world!" {
		t.Fatalf("got %q", got)
	}
	fourth, err := b.Replace(ctx, file("test.txt"), strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if f := fourth.Value; f.ID != first.Value.ID || f.Version != nil || f.Filetype != nil || f.Status != nil || f.Labels != nil || f.Size != 0 {
		t.Fatalf("a replacement left something: %+v", f)
	}
	if got := content(t, b.Service, lake.At("test.txt")); got != "" {
		t.Fatalf("got %q of an empty file", got)
	}
	h, err := b.History(ctx, lake.At("test.txt"), page.Request{})
	if err != nil || len(h.Data) != 4 {
		t.Fatalf("history: %d, %v", len(h.Data), err)
	}
	r, err := b.Read(ctx, h.Data[3])
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(r); string(raw) != "hello world" || err != nil {
		t.Fatalf("version 1 is %q, %v", raw, err)
	}
	_, err = b.Update(ctx, lake.At("none"), nil, strings.NewReader("x"))
	kind(t, err, errs.NotFound)
	_, err = b.Update(ctx, lake.At("test.txt"), state.Row{"hash": "x"}, nil)
	kind(t, err, errs.Invalid)
}

func noPathAnEmptyPathAndEachUserAreApart(t *testing.T, b *bench) {
	ctx := t.Context()
	owners := map[string]*lake.Service{"nobody": b.Service, "ada": b.As("ada"), "the nameless": b.As("")}
	for who, l := range owners {
		for path, p := range map[string]*string{"no path": nil, "empty": new(""), "docs": new("docs")} {
			if _, err := l.Append(ctx, lake.File{Path: p, Filename: "f"}, strings.NewReader(who+path)); err != nil {
				t.Fatalf("%s, %s: %v", who, path, err)
			}
		}
	}
	for who, l := range owners {
		for path, p := range map[string]*string{"no path": nil, "empty": new(""), "docs": new("docs")} {
			if got := content(t, l, lake.Name{Path: p, Filename: "f"}); got != who+path {
				t.Errorf("%s, %s: got %q", who, path, got)
			}
		}
		list, err := l.List(ctx, state.Query{})
		if want := map[bool]int{true: 9, false: 3}[who == "nobody"]; err != nil || len(list.Data) != want {
			t.Errorf("%s sees %d files, want %d (%v)", who, len(list.Data), want, err)
		}
	}
	if err := b.Remove(ctx, lake.Name{Path: new(""), Filename: "f"}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[*string]bool{nil: true, new(""): false, new("docs"): true, new("doc"): false} {
		if has, err := b.ContainsPath(ctx, path); has != want || err != nil {
			t.Errorf("the path %v: %t, %v", path, has, err)
		}
	}
	r, err := b.Append(ctx, lake.File{UserID: new("ada"), Filename: "given"}, strings.NewReader("x"))
	if err != nil || *r.Value.UserID != "ada" {
		t.Fatalf("a file for a user: %+v, %v", r.Value, err)
	}
	_, err = b.As("bob").Append(ctx, lake.File{UserID: new("ada"), Filename: "x"}, strings.NewReader("x"))
	kind(t, err, errs.Forbidden)
	kind(t, b.As("bob").Remove(ctx, lake.At("docs/f")), errs.NotFound)
}

func oneOfManyAppends(t *testing.T, b *bench) {
	var wg sync.WaitGroup
	results := make(chan error, 64)
	for i := range 8 {
		wg.Go(func() {
			for n := range 8 {
				_, err := b.Append(context.Background(), file(fmt.Sprint("f", n)), strings.NewReader(fmt.Sprint(i)))
				results <- err
			}
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, errs.Exists) {
			t.Error(err)
		}
	}
	if won != 8 {
		t.Fatalf("%d appends of 8 files took effect", won)
	}
}

func putAppendsOrUpdates(t *testing.T, b *bench) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() { put(t, b.Service, "f", fmt.Sprint(i)) })
	}
	wg.Wait()
	r, err := b.Get(t.Context(), lake.At("f"))
	if err != nil || r.Version != 16 {
		t.Fatalf("16 puts made %d versions, %v", r.Version, err)
	}
}

func whatIsThereTwiceIsKeptOnce(t *testing.T, b *bench) {
	big := string(noise(lake.Inline + 1))
	for _, full := range []string{"a", "b", "c/d"} {
		put(t, b.Service, full+".small", "the same")
		put(t, b.Service, full+".big", big)
		put(t, b.As("ada"), full+".big", big)
	}
	if n := rows(t, b, lake.ContentTable); n != 2 {
		t.Errorf("%d contents of 2", n)
	}
	if n := len(b.bucket.objects); n != 1 {
		t.Errorf("%d objects of 1", n)
	}
	for key := range b.bucket.objects {
		r, err := b.Get(t.Context(), lake.At("a.big"))
		if err != nil || !strings.Contains(key, r.Value.Hash) {
			t.Errorf("the key %q is not of the hash %q", key, r.Value.Hash)
		}
	}
}

func theSizesAroundTheEdges(t *testing.T, b *bench) {
	for _, n := range []int{0, 1, lake.Inline - 1, lake.Inline, lake.Inline + 1, lake.Piece - 1, lake.Piece, lake.Piece + 1, 3 * lake.Piece, 3*lake.Piece + 17} {
		raw := noise(n)
		full := fmt.Sprint("n", n)
		if _, err := b.Put(t.Context(), file(full), once(raw)); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if got := content(t, b.Service, lake.At(full)); got != string(raw) {
			t.Errorf("%d bytes came back as %d others", n, len(got))
		}
	}
	sizes := []int{}
	for o := range maps.Values(b.bucket.objects) {
		sizes = append(sizes, len(o))
	}
	if slices.Min(sizes) != lake.Inline+1 || len(sizes) != 6 {
		t.Errorf("the bucket has objects of %d bytes", sizes)
	}
}

func withoutABucketLargeFilesAreRefused(t *testing.T, b *bench) {
	l := lake.New(b.tables, lake.Options{})
	put(t, l, "small", string(noise(lake.Inline)))
	_, err := l.Put(t.Context(), file("big"), bytes.NewReader(noise(lake.Inline+1)))
	kind(t, err, errs.TooLarge)
}

func aWriteThatFailsLeavesNoFileAndNoObject(t *testing.T, b *bench) {
	b.bucket.fail = errs.New(errs.Unavailable, "full")
	_, err := b.Append(t.Context(), file("big"), bytes.NewReader(noise(lake.Piece)))
	kind(t, err, errs.Unavailable)
	if n := rows(t, b, lake.ContentTable); n != 0 || len(b.bucket.objects) != 0 {
		t.Fatalf("%d contents and %d objects stay", n, len(b.bucket.objects))
	}
	if has, err := b.Contains(t.Context(), lake.At("big")); has || err != nil {
		t.Fatal("the file is there", err)
	}
	// A file that changes while it is read is none of its states.
	_, err = b.Append(t.Context(), file("big"), &changing{Reader: bytes.NewReader(noise(lake.Piece))})
	kind(t, err, errs.Conflict)
	if len(b.bucket.objects) != 0 {
		t.Fatal("its bytes stay")
	}
}

// changing has other bytes when it is read once more.
type changing struct {
	*bytes.Reader
	back int
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		c.back++
	}
	return c.Reader.Seek(offset, whence)
}

func (c *changing) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n > 0 && c.back == 2 {
		p[0]++
	}
	return n, err
}
