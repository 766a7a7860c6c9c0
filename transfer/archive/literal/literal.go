// Package literal reads threads, steps and users as the Python client of
// Literal AI (literalai) writes them with to_dict: one of them, a list, the
// answer of a listing, or one on each line. What Varve has a place for goes
// there; all else is kept under the key "literalai" of the metadata, or of an
// element. docs/export.md has the table.
package literal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/archive"
)

// maxValue bounds a thread, which is held in memory.
const maxValue = archive.DefaultMaxLine

// Form reads files of JSON that are nothing else.
func Form() archive.Form {
	return archive.Form{Name: "literalai", Read: Read, Is: func(_ string, head []byte) bool {
		head = bytes.TrimLeft(head, " \t\r\n")
		return len(head) > 0 && (head[0] == '{' || head[0] == '[')
	}}
}

// span is where a value stands in the file.
type span struct {
	at   int64
	size int
}

// book is what a file has, before it is read in order: steps may stand apart
// from their threads, and users from both.
type book struct {
	name     string
	file     io.ReaderAt
	order    []string // ids of threads, as they come
	threads  map[string]span
	steps    map[string][]span
	known    map[string]bool
	names    map[string]string // identifiers by the ids of users
	users    map[string]chat.User
	explicit map[string]bool // users that stand for themselves
	listed   []string        // identifiers, as they come
}

// Read hands what a file has to a Sink.
func Read(ctx context.Context, path string, into archive.Sink) error {
	f, err := os.Open(path)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the file cannot be read")
	}
	defer f.Close()
	return read(ctx, filepath.Base(path), f, into)
}

func read(ctx context.Context, name string, file io.ReaderAt, into archive.Sink) error {
	b := &book{name: name, file: file, threads: map[string]span{}, steps: map[string][]span{}, known: map[string]bool{},
		names: map[string]string{}, users: map[string]chat.User{}, explicit: map[string]bool{}}
	if err := b.scan(ctx); err != nil {
		return err
	}
	for _, identifier := range b.listed {
		if err := into.User(b.users[identifier]); err != nil {
			return err
		}
	}
	for _, id := range b.order {
		if err := ctx.Err(); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the import was given up")
		}
		if err := b.pass(id, into); err != nil {
			return err
		}
	}
	return nil
}

// pass reads a thread and hands it on.
func (b *book) pass(id string, into archive.Sink) error {
	var whole json.RawMessage
	where := span{}
	if s, ok := b.threads[id]; ok {
		raw, err := b.read(s)
		if err != nil {
			return err
		}
		whole, where = raw, s
	}
	var more []json.RawMessage
	for i, s := range b.steps[id] {
		raw, err := b.read(s)
		if err != nil {
			return err
		}
		if more = append(more, raw); whole == nil && i == 0 {
			where = s
		}
	}
	t, err := thread(id, whole, more, b.names)
	if err == nil {
		err = into.Thread(&t, nil)
	}
	if err != nil {
		return b.wrong(where.at, err)
	}
	return nil
}

func (b *book) read(s span) (json.RawMessage, error) {
	raw := make([]byte, s.size)
	if _, err := b.file.ReadAt(raw, s.at); err != nil && !errors.Is(err, io.EOF) {
		return nil, errs.Wrap(errs.Unavailable, err, "the file cannot be read")
	}
	return raw, nil
}

// scan goes through all values of the file.
func (b *book) scan(ctx context.Context) error {
	in := &bounded{r: io.NewSectionReader(b.file, 0, math.MaxInt64)}
	d := json.NewDecoder(in)
	list := false
	for {
		if err := ctx.Err(); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the import was given up")
		}
		in.most = d.InputOffset() + maxValue
		if list && !d.More() {
			if _, err := d.Token(); err != nil {
				return b.broken(d, err)
			}
			list = false
			continue
		}
		var raw json.RawMessage
		if !list {
			begins, err := b.opens(d)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return b.broken(d, err)
			}
			if list = begins; list {
				continue
			}
		}
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return b.broken(d, err)
		}
		at := d.InputOffset() - int64(len(raw))
		if err := b.item(raw, at); err != nil {
			return b.wrong(at, err)
		}
	}
}

// opens tells whether a list begins here, and goes into it.
func (b *book) opens(d *json.Decoder) (bool, error) {
	_, first, err := b.behind(d.InputOffset(), " \t\r\n")
	if err != nil || first != '[' {
		return false, err
	}
	_, err = d.Token()
	return true, err
}

// behind finds the first byte that is none of some others; io.EOF: there is
// none.
func (b *book) behind(at int64, others string) (int64, byte, error) {
	var next [64]byte
	for {
		n, err := b.file.ReadAt(next[:], at)
		for i, c := range next[:n] {
			if strings.IndexByte(others, c) < 0 {
				return at + int64(i), c, nil
			}
		}
		if at += int64(n); err != nil {
			return at, 0, err
		}
	}
}

// broken says where the file stops to be JSON.
func (b *book) broken(d *json.Decoder, err error) error {
	var syntax *json.SyntaxError
	at := d.InputOffset()
	switch {
	case errors.Is(err, errTooLong):
		return b.wrong(at, errs.New(errs.TooLarge, "a value is longer than %d bytes; no thread is", int64(maxValue)))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		at, _, _ = b.behind(at, " \t\r\n,") // the end of the file will do, too
		return b.wrong(at, errs.New(errs.Invalid, "what begins here is cut off"))
	case errors.As(err, &syntax):
		return b.wrong(max(at, syntax.Offset-1), errs.New(errs.Invalid, "is not JSON"))
	}
	return errs.Wrap(errs.Unavailable, err, "the file cannot be read")
}

// wrong names the line at a place of the file.
func (b *book) wrong(at int64, err error) error {
	line := 1
	in := io.NewSectionReader(b.file, 0, at)
	block := make([]byte, 64<<10)
	for {
		n, failed := in.Read(block)
		line += bytes.Count(block[:n], []byte{'\n'})
		if failed != nil {
			break
		}
	}
	return archive.Wrong(fmt.Sprintf("%s:%d", b.name, line), err)
}

var errTooLong = errors.New("the value is too long")

// bounded keeps a value from filling the memory.
type bounded struct {
	r       io.Reader
	n, most int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.n > b.most {
		return 0, errTooLong
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, err
}
