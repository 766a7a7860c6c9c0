package archive_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/transfer"
	"github.com/varvedb/varve/transfer/archive"
)

const (
	start = `{"kind":"export","version":1}` + "\n"
	one   = `{"kind":"thread","thread":{"id":"one","steps":[{"id":"s"}]}}` + "\n"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, s archive.Source) (*archive.Reader, error) {
	t.Helper()
	r, err := archive.Open(t.Context(), s)
	if err == nil {
		t.Cleanup(func() { r.Close() })
	}
	return r, err
}

// A line that is wrong is named, and why.
func TestWrongLinesAreNamed(t *testing.T) {
	for _, c := range []struct {
		file string
		kind errs.Kind
		want string
	}{
		{start + one + `{"kind":"end","users":0,"threads":2}`, errs.Invalid, "a.jsonl:3: does not count the 0 users and 1 threads before it"},
		{start + one + `{"kind":"end","users":0,"threads":1}` + "\n" + one, errs.Invalid, "a.jsonl:4: comes after the end"},
		{start + one, errs.Invalid, "a.jsonl is cut off after line 2"},
		{start + one[:30], errs.Invalid, "a.jsonl:2: is cut off; export again"},
		{start + "\x00\xff\n", errs.Invalid, "a.jsonl:2: is not JSON, at byte 1"},
		{start + "5\n", errs.Invalid, "a.jsonl:2"},
		{start + `{"kind":"song"}` + "\n", errs.Invalid, `a.jsonl:2: kind: is "song", which this program does not know`},
		{start + `{"kind":"thread"}` + "\n", errs.Invalid, "a.jsonl:2: thread.id: must not be empty"},
		{start + `{"kind":"user","user":{"id":"u"}}` + "\n", errs.Invalid, "a.jsonl:2: user.identifier: must not be empty"},
		{start + `{"kind":"user","user":{"identifier":5}}` + "\n", errs.Invalid, "a.jsonl:2: user.identifier: is a number"},
		{start + `{"kind":"thread","thread":{"id":"t","steps":{}}}` + "\n", errs.Invalid, "a.jsonl:2: steps: is a object and should be a list"},
		{start + `{"kind":"thread","thread":{"id":"t"},"files":{"e":{"sha256":"` + strings.Repeat("a", 64) + `"}}}` + "\n", errs.Invalid, `files: names "e", which is no element with an objectKey`},
		{`{"kind":"export","version":2}` + "\n", errs.Unsupported, "a.jsonl:1: says version 2"},
		{start + one + one + `{"kind":"end","users":0,"threads":2}`, errs.Invalid, `the thread "one" is there twice`},
	} {
		_, err := open(t, archive.Source{Path: write(t, c.file)})
		if errs.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%q\ngives %v: %v\nnot %v: %s", c.file, errs.KindOf(err), err, c.kind, c.want)
		}
	}
}

// A line that would fill the memory is not read to its end.
func TestALineHasAnEnd(t *testing.T) {
	_, err := open(t, archive.Source{Path: write(t, start+one+`{"kind":"thread","thread":{"id":"`+strings.Repeat("x", 1<<20)), MaxLine: 1 << 16})
	if !errors.Is(err, errs.TooLarge) || !strings.Contains(err.Error(), "a.jsonl:3: is longer than 65536 bytes") {
		t.Error(err)
	}
}

// What is written by hand needs no frame, and spaces and empty lines say
// nothing.
func TestLinesWithoutAFrame(t *testing.T) {
	r, err := open(t, archive.Source{Path: write(t, "\n  \n"+one+"\n"+strings.TrimSpace(strings.ReplaceAll(one, "one", "two")))})
	if err != nil {
		t.Fatal(err)
	}
	ids, next, err := r.ThreadIDs(t.Context(), "", 10)
	if err != nil || next != "" || fmt.Sprint(ids) != "[one two]" {
		t.Error(ids, next, err)
	}
}

// folder is an archive with the bytes of one element.
func folder(t *testing.T, content string) (path, file string) {
	t.Helper()
	sum := sha256.Sum256([]byte(content))
	name := hex.EncodeToString(sum[:])
	path = t.TempDir()
	file = filepath.Join(path, "bytes", name[:2], name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf(`{"kind":"thread","thread":{"id":"t","elements":[{"id":"e","objectKey":"k"}]},"files":{"e":{"sha256":%q,"size":%d}}}`, name, len(content))
	if err := os.WriteFile(filepath.Join(path, archive.LinesName), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, file
}

// Bytes are what they were, or an error that names them.
func TestBytesAreWhatTheyWere(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(file string) error
		want  string // "": they are as they were
	}{
		"as they were": {func(string) error { return nil }, ""},
		"missing":      {os.Remove, "is missing from the archive"},
		"changed":      {func(file string) error { return os.WriteFile(file, []byte("hullo"), 0o600) }, "does not have the bytes that its name says"},
		"cut off":      {func(file string) error { return os.WriteFile(file, []byte("hell"), 0o600) }, "does not have the bytes that its name says"},
		"a folder": {func(file string) error {
			return errors.Join(os.Remove(file), os.Mkdir(file, 0o700))
		}, "does not have the bytes that its name says"},
		"a way out": {func(file string) error {
			secret := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(file))), "..", "secret")
			return errors.Join(os.WriteFile(secret, []byte("hello"), 0o600), os.Remove(file), os.Symlink(secret, file))
		}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			path, file := folder(t, "hello")
			if err := c.spoil(file); err != nil {
				t.Fatal(err)
			}
			r, err := open(t, archive.Source{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Whole(t.Context(), []string{"t"}); err != nil {
				t.Fatal(err)
			}
			got := ""
			content, err := r.Side().Files.Open(t.Context(), "k")
			if err == nil {
				var raw []byte
				raw, err = io.ReadAll(content.Body)
				got = string(raw)
				content.Body.Close()
			}
			switch {
			case c.want == "" && (err != nil || got != "hello"):
				t.Errorf("%q %v", got, err)
			case c.want != "" && (!errors.Is(err, errs.Invalid) || !strings.Contains(fmt.Sprint(err), c.want) || !strings.Contains(err.Error(), "bytes/2c/2cf24d")):
				t.Errorf("%v, not %s", err, c.want)
			}
		})
	}
}

// An export that fails leaves nothing behind.
func TestAnExportIsWholeOrNotThere(t *testing.T) {
	for name, o := range map[string]archive.Options{"a file": {}, "a folder": {Bytes: true}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source := transfer.Side{Name: "source", Store: memory.Open().Chat()}
			w, err := archive.Create(filepath.Join(dir, "out"), source.Store, o)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Finish(errs.New(errs.Unavailable, "the cable broke")); !errors.Is(err, errs.Unavailable) {
				t.Error(err)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}

// What somebody made under the name meanwhile is theirs.
func TestNothingIsWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	source := transfer.Side{Name: "source", Store: memory.Open().Chat()}
	w, err := archive.Create(path, source.Store, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	job := transfer.Copy{From: source, To: w.Side()}
	if err := w.Finish(job.Run(t.Context())); !errors.Is(err, errs.Exists) {
		t.Error(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || string(raw) != "theirs" {
		t.Errorf("%q %v", raw, err)
	}
}

// breaking is a store whose writing breaks off after some loads.
type breaking struct {
	transfer.Store
	chat.Mover
	loads int
}

func (b *breaking) Load(ctx context.Context, threads []chat.Thread, w chat.Write) error {
	if b.loads--; b.loads < 0 {
		return errs.New(errs.Unavailable, "the cable broke")
	}
	return b.Mover.Load(ctx, threads, w)
}

// An import that broke off goes on where it stopped.
func TestAnImportGoesOn(t *testing.T) {
	var text strings.Builder
	const threads = 9000 // more than a few transactions
	for i := range threads {
		fmt.Fprintf(&text, `{"kind":"thread","thread":{"id":"t%05d","name":"n"}}`+"\n", i)
	}
	r, err := open(t, archive.Source{Path: write(t, text.String())})
	if err != nil {
		t.Fatal(err)
	}
	rows := memory.Open().Chat()
	mover, err := chat.MoverOf(rows)
	if err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(t.TempDir(), "journal")
	first := transfer.Copy{From: r.Side(), To: transfer.Side{Name: "to", Store: &breaking{rows, mover, 2}}, Keep: true, Journal: journal}
	if err := first.Run(t.Context()); !errors.Is(err, errs.Unavailable) || first.Done.Threads == 0 || first.Done.Threads == threads {
		t.Fatalf("%v after %d threads", err, first.Done.Threads)
	}
	second := transfer.Copy{From: r.Side(), To: transfer.Side{Name: "to", Store: rows}, Keep: true, Journal: journal}
	if err := second.Run(t.Context()); err != nil || !second.Resumed || second.Done.Threads != threads || second.Here.Threads != threads-first.Done.Threads {
		t.Errorf("%v, resumed %v, %d threads, %d of them here", err, second.Resumed, second.Done.Threads, second.Here.Threads)
	}
	if second.Kept.Threads+second.Differ+second.Refusals > 0 {
		t.Errorf("%+v", second)
	}
}
