package archive

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// staging is the Sink that writes lines to be read again by this process, and
// remembers where they are.
type staging struct {
	out *bufio.Writer
	x   *index
	at  int64
}

var _ Sink = (*staging)(nil)

func newStaging(w io.Writer, x *index) *staging {
	return &staging{out: bufio.NewWriterSize(w, 256<<10), x: x}
}

// User implements Sink.
func (s *staging) User(u chat.User) error {
	if u.Identifier == "" {
		return errs.Field(errs.Invalid, "identifier", "must not be empty")
	}
	return s.write(&s.x.users, u.Identifier, line{Kind: kindUser, User: &u})
}

// Thread implements Sink.
func (s *staging) Thread(t *chat.Thread, files map[string]File) error {
	if t.ID == "" {
		return errs.Field(errs.Invalid, "id", "must not be empty")
	}
	if err := checkFiles(t, files); err != nil {
		return err
	}
	s.x.files = s.x.files || len(files) > 0
	return s.write(&s.x.threads, t.ID, line{Kind: kindThread, Thread: t, Files: files})
}

func (s *staging) write(list *[]entry, id string, l line) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "%q cannot be written as JSON", id)
	}
	*list = append(*list, entry{id: id, at: s.at, size: len(raw)})
	s.at += int64(len(raw))
	_, err = s.out.Write(raw)
	return staged(err)
}

// Close implements Sink.
func (s *staging) Close() error { return staged(s.out.Flush()) }

func staged(err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(errs.Unavailable, err, "what is imported cannot be written into the folder for temporary files; TMPDIR names another")
}
