// Package artifacttest is the suite that every index of artifacts passes,
// together with the bytes in a bucket, and every client of a store:
//
//	artifacttest.Run(t, func(t *testing.T) artifact.Index { return open(t).Artifacts() })
package artifacttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Serve makes a client of a store. What it opens is closed by t.Cleanup.
type Serve func(t *testing.T, store *artifact.Store) artifact.API

type rule struct {
	name string
	run  func(*testing.T, *suite)
}

// asked are the rules that callers can see.
var asked = []rule{
	{"bytes come back under their digest", comeBack},
	{"equal bytes are kept once", once},
	{"bytes of another digest are not kept", another},
	{"a folder is its files", folder},
	{"a folder that leads out of itself is not unpacked", outside},
	{"bytes come whole, however they are read", whole},
	{"damage is noticed", damage},
	{"a source that fails leaves nothing", brokenSource},
	{"a bucket that fails leaves nothing", brokenBucket},
	{"many put the same at once", atOnce},
	{"a list goes on where it stopped", list},
}

// Run runs the suite. open makes an empty index.
func Run(t *testing.T, open func(t *testing.T) artifact.Index) {
	run(t, asked, open, nil)
	run(t, []rule{
		{"a sweep takes what nobody wants", sweep},
		{"a sweep takes a folder with its files", sweepFolder},
		{"a sweep takes what a dead writer left", leftovers},
		{"a writer that was given up keeps nothing", doomed},
		{"who wants bytes while they are swept has them", rescued},
	}, open, nil)
}

// RunAPI holds a client to the rules that a store is held to.
func RunAPI(t *testing.T, open func(t *testing.T) artifact.Index, serve Serve) {
	run(t, asked, open, serve)
}

func run(t *testing.T, rules []rule, open func(t *testing.T) artifact.Index, serve Serve) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &suite{T: t, ctx: t.Context(), index: open(t), bucket: &Bucket{}, now: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
			s.store = s.open(artifact.Options{})
			s.API = s.store
			if serve != nil {
				s.API, s.far = serve(t, s.store), true
			}
			r.run(t, s)
		})
	}
}

type suite struct {
	*testing.T
	artifact.API
	far    bool // API is a client
	ctx    context.Context
	index  artifact.Index
	bucket *Bucket
	store  *artifact.Store
	now    time.Time
}

func (s *suite) open(o artifact.Options) *artifact.Store {
	o.Now = func() time.Time { return s.now }
	return artifact.New(s.bucket, s.index, o)
}

func (s *suite) put(text string) artifact.Info {
	s.Helper()
	info, err := s.Put(s.ctx, strings.NewReader(text), "text/plain")
	if err != nil {
		s.Fatal(err)
	}
	return info
}

func (s *suite) read(d artifact.Digest) string {
	s.Helper()
	r, err := s.Open(s.ctx, d)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

func (s *suite) kind(want errs.Kind, err error) {
	s.Helper()
	if errs.KindOf(err) != want {
		s.Fatalf("the error is %v, want kind %q", err, want)
	}
}

func (s *suite) sweep() artifact.Swept {
	s.Helper()
	swept, err := s.store.Sweep(s.ctx, false)
	if err != nil {
		s.Fatal(err)
	}
	return swept
}

func (s *suite) wait(d time.Duration) { s.now = s.now.Add(d) }

func comeBack(t *testing.T, s *suite) {
	for _, text := range []string{"", "a", strings.Repeat("long ", 300_000)} {
		info := s.put(text)
		want, size, err := artifact.Sum(s.ctx, strings.NewReader(text))
		if err != nil || info.Digest != want || info.Size != size || size != int64(len(text)) || info.MediaType != "text/plain" {
			t.Fatalf("Put returned %+v, the digest is %s of %d bytes, %v", info, want, size, err)
		}
		if s.read(info.Digest) != text {
			t.Fatal("other bytes came back")
		}
		if stat, err := s.Stat(s.ctx, info.Digest); err != nil || stat != info {
			t.Fatalf("Stat returns %+v, %v", stat, err)
		}
	}
	const absent = artifact.Digest("00000000000000000000000000000000000000000000000000000000000000aa")
	_, err := s.Open(s.ctx, absent)
	s.kind(errs.NotFound, err)
	_, err = s.Stat(s.ctx, absent)
	s.kind(errs.NotFound, err)
	s.kind(errs.NotFound, s.Keep(s.ctx, absent))
}

func once(t *testing.T, s *suite) {
	a, b := s.put("the same"), s.put("the same")
	if a != b || len(s.bucket.Keys()) != 1 {
		t.Fatalf("%+v and %+v lie in %d places", a, b, len(s.bucket.Keys()))
	}
}

func another(t *testing.T, s *suite) {
	d, _, err := artifact.Sum(s.ctx, strings.NewReader("wanted"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.PutAs(s.ctx, d, strings.NewReader("others"), "")
	s.kind(errs.Invalid, err)
	_, err = s.PutAs(s.ctx, "none", strings.NewReader("wanted"), "")
	s.kind(errs.Invalid, err)
	s.nothing()
	if info, err := s.PutAs(s.ctx, d, strings.NewReader("wanted"), "text/html; charset=x"); err != nil || info.Digest != d {
		t.Fatalf("it is kept as %+v, %v", info, err)
	}
	if stat, err := s.Stat(s.ctx, d); err != nil || stat.MediaType != "text/html; charset=x" {
		t.Fatalf("it is told as %+v, %v", stat, err)
	}
}

func outside(t *testing.T, s *suite) {
	inner := s.put("x").Digest
	for _, path := range []string{"../x", "/x", "a/../../x", "..", `a\..\x`, "c:x", ""} {
		text := `{"version":1,"files":[{"path":` + strconv.Quote(path) + `,"size":1,"digest":"` + string(inner) + `"}]}`
		info, err := s.store.Put(s.ctx, strings.NewReader(text), artifact.FolderType) // as only who writes the store can
		if err != nil {
			t.Fatal(err)
		}
		s.kind(errs.Invalid, s.Unpack(s.ctx, info.Digest, t.TempDir()+"/to"))
	}
}

func folder(t *testing.T, s *suite) {
	files := fstest.MapFS{"b.txt": {Data: []byte("b")}, "a/x": {Data: []byte("same")}, "a.b": {Data: []byte("same")}, "empty": {}}
	info, err := s.PutFolder(s.ctx, files)
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := artifact.SumFolder(s.ctx, files); err != nil || sum != info {
		t.Fatalf("the sum is %+v, %v; it is kept as %+v", sum, err, info)
	}
	got, err := s.Folder(s.ctx, info.Digest)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range got {
		paths = append(paths, f.Path)
		if s.read(f.Digest) != string(files[f.Path].Data) {
			t.Errorf("%s came back as something else", f.Path)
		}
	}
	if strings.Join(paths, " ") != "a.b a/x b.txt empty" {
		t.Errorf("the files are %q", paths)
	}
	to := t.TempDir() + "/copy"
	if err := s.Unpack(s.ctx, info.Digest, to); err != nil {
		t.Fatal(err)
	}
	s.kind(errs.Exists, s.Unpack(s.ctx, info.Digest, to))
	_, err = s.Folder(s.ctx, s.put("no folder").Digest)
	s.kind(errs.Invalid, err)
}

type failing struct{ after io.Reader }

var errBroken = errors.New("broken")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.after.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

// unkept holds when no bytes are left.
func (s *suite) unkept() {
	s.Helper()
	kept, err := s.List(s.ctx, "", 10)
	if err != nil || len(kept) > 0 || len(s.bucket.Keys()) > 0 {
		s.Fatalf("left are %v and %v, %v", kept, s.bucket.Keys(), err)
	}
}

// nothing holds when neither bytes nor knowledge of any are left.
func (s *suite) nothing() {
	s.Helper()
	s.unkept()
	s.wait(100 * time.Hour)
	notes, err := s.index.Doom(s.ctx, s.now, 10)
	if err != nil || len(notes) > 0 {
		s.Fatalf("noted are %v, %v", notes, err)
	}
}

func brokenSource(t *testing.T, s *suite) {
	nothing := s.nothing
	if s.far { // a server cleans up behind a caller who has gone, without telling when
		nothing = s.unkept
	}
	if _, err := s.Put(s.ctx, failing{strings.NewReader(strings.Repeat("x", 1<<20))}, ""); err == nil {
		t.Fatal("Put says that it kept bytes that never came")
	}
	nothing()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.Put(ctx, strings.NewReader("x"), ""); err == nil {
		t.Fatal("Put goes on after its context")
	}
	nothing()
}

func brokenBucket(t *testing.T, s *suite) {
	s.bucket.Fail(errBroken)
	if _, err := s.Put(s.ctx, strings.NewReader("x"), ""); err == nil || !s.far && !errors.Is(err, errBroken) {
		t.Fatalf("the error is %v", err)
	}
	s.bucket.Fail(nil)
	s.nothing()
}

func sweep(t *testing.T, s *suite) {
	a := s.put("unwanted")
	used := s.put("in a row")
	s.store = s.open(artifact.Options{Used: func(_ context.Context, tell func(artifact.Digest)) error {
		tell(used.Digest)
		return nil
	}})
	if swept := s.sweep(); swept != (artifact.Swept{}) {
		t.Fatalf("%+v was swept at once", swept)
	}
	s.wait(artifact.Grace + time.Second)
	recent := s.put("recent")
	if dry, err := s.store.Sweep(s.ctx, true); err != nil || dry != (artifact.Swept{Artifacts: 1, Bytes: 8}) || len(s.bucket.Keys()) != 3 {
		t.Fatalf("a dry sweep counts %+v, %v", dry, err)
	}
	if swept := s.sweep(); swept != (artifact.Swept{Artifacts: 1, Bytes: 8}) {
		t.Fatalf("swept was %+v", swept)
	}
	_, err := s.store.Stat(s.ctx, a.Digest)
	s.kind(errs.NotFound, err)
	if s.read(used.Digest) != "in a row" || s.read(recent.Digest) != "recent" || len(s.bucket.Keys()) != 2 {
		t.Fatal("too much was swept, or too little")
	}
	if again := s.put("unwanted"); s.read(again.Digest) != "unwanted" {
		t.Fatal("what was swept cannot be kept again")
	}
}

func sweepFolder(t *testing.T, s *suite) {
	shared := s.put("shared")
	folder := fstest.MapFS{"a": {Data: []byte("only here")}, "b": {Data: []byte("shared")}}
	if _, err := s.store.PutFolder(s.ctx, folder); err != nil {
		t.Fatal(err)
	}
	s.wait(artifact.Grace + time.Second)
	if err := s.store.Keep(s.ctx, shared.Digest); err != nil {
		t.Fatal(err)
	}
	if swept := s.sweep(); swept.Artifacts != 2 {
		t.Fatalf("swept was %+v", swept)
	}
	if s.read(shared.Digest) != "shared" || len(s.bucket.Keys()) != 1 {
		t.Fatalf("there is %v", s.bucket.Keys())
	}
}

func leftovers(t *testing.T, s *suite) {
	if err := s.index.Begin(s.ctx, artifact.Note{Place: "varve_artifact/dead", At: s.now}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bucket.Write(s.ctx, "varve_artifact/dead", strings.NewReader("half")); err != nil {
		t.Fatal(err)
	}
	s.wait(time.Hour)
	s.sweep()
	if len(s.bucket.Keys()) != 1 {
		t.Fatal("a writer that may be alive was robbed")
	}
	s.wait(48 * time.Hour)
	s.sweep()
	s.nothing()
}

func doomed(t *testing.T, s *suite) {
	if err := s.index.Begin(s.ctx, artifact.Note{Place: "slow", At: s.now}); err != nil {
		t.Fatal(err)
	}
	s.wait(48 * time.Hour)
	if notes, err := s.index.Doom(s.ctx, s.now, 10); err != nil || len(notes) != 1 || notes[0].Place != "slow" {
		t.Fatalf("doomed are %v, %v", notes, err)
	}
	d, n, err := artifact.Sum(s.ctx, strings.NewReader("late"))
	if err != nil {
		t.Fatal(err)
	}
	e := artifact.Entry{Digest: d, Size: n, Place: "slow", Touched: s.now}
	s.kind(errs.Conflict, s.index.Keep(s.ctx, e))
	e.Place = "never noted"
	s.kind(errs.Conflict, s.index.Keep(s.ctx, e))
}

func rescued(t *testing.T, s *suite) {
	info := s.put("wanted")
	s.wait(artifact.Grace + time.Second)
	unused, err := s.index.Unused(s.ctx, s.now.Add(-artifact.Grace), "", 10)
	if err != nil || len(unused) != 1 {
		t.Fatalf("unused are %v, %v", unused, err)
	}
	s.put("wanted") // between the two steps of a sweep
	s.kind(errs.Conflict, s.index.Forget(s.ctx, unused[0], s.now))
	if s.read(info.Digest) != "wanted" {
		t.Fatal("it was swept")
	}
}

func atOnce(t *testing.T, s *suite) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Put(s.ctx, bytes.NewReader([]byte("the same")), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(s.bucket.Keys()) != 1 {
		t.Fatalf("it lies at %v", s.bucket.Keys())
	}
}

func list(t *testing.T, s *suite) {
	for i := range 5 {
		s.put(strings.Repeat("x", i))
	}
	var after artifact.Digest
	n := 0
	for {
		some, err := s.List(s.ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		for _, info := range some {
			if info.Digest <= after {
				t.Fatal("the list is out of order")
			}
			after = info.Digest
			n++
		}
	}
	if n != 5 {
		t.Fatalf("%d were listed", n)
	}
}
