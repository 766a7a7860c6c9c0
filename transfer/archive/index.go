package archive

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// entry is where a user or a thread stands in the file.
type entry struct {
	id   string
	at   int64
	size int
}

// index is where everything stands.
type index struct {
	users, threads []entry
	files          bool // some elements have bytes
}

// sort brings the index into the order in which it is asked, and refuses names
// that come twice.
func (x *index) sort() error {
	for what, list := range map[string][]entry{"user": x.users, "thread": x.threads} {
		slices.SortFunc(list, func(a, b entry) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.at, b.at)) })
		for i := 1; i < len(list); i++ {
			if list[i].id == list[i-1].id {
				return errs.New(errs.Invalid, "the %s %q is there twice; import what was exported at different times from its own file, one after the other", what, list[i].id)
			}
		}
	}
	return nil
}

// reading is one pass through a file of lines.
type reading struct {
	*index
	name           string // of the file
	line           int
	at             int64
	open           bool // a start was seen and no end
	framed         bool // a start was seen
	users, threads int64
}

// read reads the whole file once.
func (r *Reader) read(ctx context.Context, maxLine int) error {
	var err error
	if r.file, err = os.Open(r.path); err != nil {
		return unreadable(err)
	}
	p := reading{index: &r.index, name: filepath.Base(r.path)}
	in := bufio.NewReaderSize(r.file, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the import was given up")
		}
		raw, err := nextLine(in, maxLine)
		p.line++
		if errors.Is(err, errLong) {
			return p.wrong(errs.New(errs.TooLarge, "is longer than %d bytes; no thread is", maxLine))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return unreadable(err)
		}
		if err := p.take(raw, err == nil); err != nil {
			return err
		}
		p.at += int64(len(raw))
		if err != nil {
			break
		}
	}
	if p.open {
		return errs.New(errs.Invalid, "%s is cut off after line %d: its last line, of kind %q, is missing; export again", p.name, p.line-1, kindEnd)
	}
	return nil
}

var errLong = errors.New("the line is too long")

// nextLine returns a line with its end. The last one may have none, and comes
// with io.EOF.
func nextLine(in *bufio.Reader, most int) ([]byte, error) {
	var whole []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(whole)+len(part) > most {
			return nil, errLong
		}
		whole = append(whole, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return whole, err
		}
	}
}

// take reads a line into the index. ended tells whether it has its end.
func (p *reading) take(raw []byte, ended bool) error {
	if len(strings.TrimSpace(string(raw[:min(len(raw), 64)]))) == 0 && len(raw) < 64 {
		return nil
	}
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		if !ended { // the last line of a whole file has its end
			return p.wrong(errs.New(errs.Invalid, "is cut off; export again"))
		}
		return p.wrong(err)
	}
	if err := p.known(&l); err != nil {
		return p.wrong(err)
	}
	e := entry{at: p.at, size: len(raw)}
	switch l.Kind {
	case kindUser:
		e.id = l.User.Identifier
		p.index.users = append(p.index.users, e)
		p.users++
	case kindThread:
		e.id = l.Thread.ID
		p.index.threads = append(p.index.threads, e)
		p.threads++
		p.files = p.files || len(l.Files) > 0
	}
	return nil
}

// known holds a line to the form.
func (p *reading) known(l *line) error {
	if !p.open && p.framed && l.Kind != kindStart {
		return errs.New(errs.Invalid, "comes after the end")
	}
	switch l.Kind {
	case kindStart:
		if l.Version > Version || l.Version < 1 {
			return errs.New(errs.Unsupported, "says version %d, and this program knows versions up to %d: take a newer one", l.Version, Version)
		}
		p.open, p.framed, p.users, p.threads = true, true, 0, 0
	case kindEnd:
		if l.Users == nil || l.Threads == nil || *l.Users != p.users || *l.Threads != p.threads {
			return errs.New(errs.Invalid, "does not count the %d users and %d threads before it: some are missing or were added; export again", p.users, p.threads)
		}
		p.open = false
	case kindUser:
		if l.User == nil || l.User.Identifier == "" {
			return errs.Field(errs.Invalid, "user.identifier", "must not be empty")
		}
	case kindThread:
		if l.Thread == nil || l.Thread.ID == "" {
			return errs.Field(errs.Invalid, "thread.id", "must not be empty")
		}
		return checkFiles(l.Thread, l.Files)
	default:
		return errs.Field(errs.Invalid, "kind", "is %q, which this program does not know", l.Kind)
	}
	return nil
}

// checkFiles holds what is said of bytes to the form: what is no sum is no
// name of a file.
func checkFiles(t *chat.Thread, files map[string]File) error {
	for id, f := range files {
		if !isSum(f.SHA256) {
			return errs.Field(errs.Invalid, "files", "of element %q names no SHA-256 of 64 digits in lower case", id)
		}
		if f.Size < 0 {
			return errs.Field(errs.Invalid, "files", "of element %q has a negative size", id)
		}
		if !slices.ContainsFunc(t.Elements, func(e chat.Element) bool { return e.ID == id && e.ObjectKey != "" }) {
			return errs.Field(errs.Invalid, "files", "names %q, which is no element with an objectKey", id)
		}
	}
	return nil
}

func isSum(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// wrong names the line that is wrong.
func (p *reading) wrong(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			err = errs.New(errs.Invalid, "is not JSON, at byte %d", syntax.Offset)
		case errors.As(err, &kind):
			err = errs.Field(errs.Invalid, kind.Field, "is a %s, which does not belong there", kind.Value)
		}
	}
	return Wrong(fmt.Sprintf("%s:%d", p.name, p.line), err)
}

// Wrong says where in an archive something is wrong.
func Wrong(where string, err error) error {
	kind := errs.KindOf(err)
	if kind == errs.Internal {
		kind = errs.Invalid
	}
	return errs.Wrap(kind, err, "%s", where)
}
