package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/varvedb/varve/errs"
)

// DefaultMaxLine bounds a line, which is held in memory: a thread and all its
// steps.
const DefaultMaxLine = 512 << 20

// headBytes is how much of a file a [Form] is known by.
const headBytes = 4096

// Form is a form that can be read besides JSON lines.
type Form struct {
	Name string
	// Is tells whether a path is of this form. head is the beginning of a file,
	// nil for a folder.
	Is func(path string, head []byte) bool
	// Read hands all that is in path to a Sink, which it does not close. Errors
	// name the file and the place in it.
	Read func(ctx context.Context, path string, into Sink) error
}

// Source says what is to be read, and how.
type Source struct {
	Path  string
	Forms []Form
	// MaxLine bounds a line; 0: [DefaultMaxLine].
	MaxLine int
}

// Open reads an archive from its beginning to its end, so that what is wrong
// with it is known before anything is done with it: what it says of itself,
// every line, names that come twice. Bytes are looked at when they are read.
// The error for a line names it, and is errs.Invalid; a newer version is
// errs.Unsupported.
//
// It remembers where threads stand: some 80 bytes each. Another form than JSON
// lines is first written as such into the folder for temporary files.
func Open(ctx context.Context, s Source) (*Reader, error) {
	if s.MaxLine == 0 {
		s.MaxLine = DefaultMaxLine
	}
	path, form, err := s.find()
	if err != nil {
		return nil, err
	}
	r := &Reader{name: identity(s.Path, path), path: path}
	if form == nil {
		err = r.read(ctx, s.MaxLine)
	} else {
		err = r.stage(ctx, s, form)
	}
	if err == nil {
		err = r.ready(filepath.Join(s.Path, bytesName))
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// find finds the file that is meant, and its form; nil is JSON lines.
func (s Source) find() (path string, form *Form, err error) {
	info, err := os.Stat(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, errs.Field(errs.NotFound, "path", "there is no file or folder %s", s.Path)
	}
	if err != nil {
		return "", nil, unreadable(err)
	}
	path = s.Path
	var head []byte
	if info.IsDir() {
		lines := filepath.Join(s.Path, LinesName)
		if _, err := os.Stat(lines); err == nil {
			return lines, nil, nil
		}
	} else if head, err = readHead(path); err != nil {
		return "", nil, err
	}
	if isLines(head) {
		return path, nil, nil
	}
	for i := range s.Forms {
		if s.Forms[i].Is(path, head) {
			return path, &s.Forms[i], nil
		}
	}
	return "", nil, errs.Field(errs.Invalid, "path", "%s is nothing that can be imported: name a file or folder that `varve chat export` wrote, or threads of literalai in JSON", s.Path)
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, unreadable(err)
	}
	return head[:n], nil
}

// isLines knows our own form by the key that its lines begin with.
func isLines(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if !bytes.HasPrefix(head, []byte("{")) {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(head[1:], " \t\r\n"), []byte(`"kind"`))
}

// identity names an archive so that another one under the same name is known
// for another.
func identity(path, file string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	info, err := os.Stat(file)
	if err != nil {
		return path
	}
	return fmt.Sprintf("%s of %s, %d bytes", path, info.ModTime().UTC().Format(time.RFC3339Nano), info.Size())
}

// stage brings another form into lines.
func (r *Reader) stage(ctx context.Context, s Source, form *Form) error {
	f, err := os.CreateTemp("", "varve-import-*")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "there is no place for what is imported; TMPDIR names one")
	}
	r.file, r.temporary = f, true
	sink := newStaging(f, &r.index)
	if err := form.Read(ctx, s.Path, sink); err != nil {
		return err
	}
	return sink.Close()
}

func unreadable(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the archive cannot be read")
}
