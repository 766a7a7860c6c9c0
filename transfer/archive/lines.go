package archive

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// The kinds of lines: the first and the last one frame the others, so that an
// archive that was cut off is known for one.
const (
	kindStart  = "export"
	kindUser   = "user"
	kindThread = "thread"
	kindEnd    = "end"
)

// line is one line of an archive.
type line struct {
	Kind    string          `json:"kind"`
	Version int             `json:"version,omitempty"`
	User    *chat.User      `json:"user,omitempty"`
	Thread  *chat.Thread    `json:"thread,omitempty"`
	Files   map[string]File `json:"files,omitempty"` // by the ids of the thread's elements
	Users   *int64          `json:"users,omitempty"`
	Threads *int64          `json:"threads,omitempty"`
}

// lines is the Sink of JSON lines.
type lines struct {
	out            *bufio.Writer
	enc            *json.Encoder
	users, threads int64
}

func newLines(w io.Writer) (*lines, error) {
	l := &lines{out: bufio.NewWriterSize(w, 256<<10)}
	l.enc = json.NewEncoder(l.out)
	l.enc.SetEscapeHTML(false)
	return l, l.write(line{Kind: kindStart, Version: Version})
}

func (l *lines) write(v line) error { return unwritten(l.enc.Encode(v)) }

// User implements Sink.
func (l *lines) User(u chat.User) error {
	l.users++
	return l.write(line{Kind: kindUser, User: &u})
}

// Thread implements Sink.
func (l *lines) Thread(t *chat.Thread, files map[string]File) error {
	l.threads++
	return l.write(line{Kind: kindThread, Thread: t, Files: files})
}

// Close implements Sink.
func (l *lines) Close() error {
	if err := l.write(line{Kind: kindEnd, Users: &l.users, Threads: &l.threads}); err != nil {
		return err
	}
	return unwritten(l.out.Flush())
}

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(errs.Unavailable, err, "the export cannot be written; look at the disk space and permissions there")
}
