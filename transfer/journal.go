package transfer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// journal remembers in a file how far a copy has come. What it says is durable
// at the destination already, so a copy that goes on from it repeats something
// at most.
type journal struct {
	path string // "": none is kept

	From, To string // what is copied where; another copy's journal is not taken
	Since    string
	After    string // the position behind which to go on
	Done     Count
	Kept     Count
	Replaced Count
}

// openJournal reads what an earlier run left, if it was of the same copy.
func openJournal(path, from, to, since string) (*journal, error) {
	fresh := &journal{path: path, From: from, To: to, Since: since}
	if path == "" {
		return fresh, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the journal of the copy cannot be read")
	}
	var old journal
	if json.Unmarshal(raw, &old) != nil || old.From != from || old.To != to || old.Since != since {
		return fresh, nil
	}
	old.path = path
	return &old, nil
}

// keep makes the journal durable. It appears whole.
func (j *journal) keep() error {
	if j.path == "" {
		return nil
	}
	raw, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return unkept(err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(j.path), ".journal-*")
	if err != nil {
		return unkept(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return unkept(err)
	}
	if err := os.Rename(tmp.Name(), j.path); err != nil {
		return unkept(err)
	}
	return nil
}

func unkept(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the journal of the copy cannot be written; look at the disk space and permissions of the data folder")
}

// end takes the journal away: the next copy begins at the beginning.
func (j *journal) end() error {
	if j.path == "" {
		return nil
	}
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.Wrap(errs.Unavailable, err, "the journal of the copy cannot be removed")
	}
	return nil
}

// place writes a place in a listing as a position.
func place(at, id string) string { return at + " " + id }

func parsePlace(s string) (p chat.Place, err error) {
	var ok bool
	if p.LastActivity, p.ID, ok = strings.Cut(s, " "); !ok {
		err = errs.New(errs.Invalid, "the position %q of the copy cannot be read", s)
	}
	return p, err
}
