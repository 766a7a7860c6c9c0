package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// stamp is what tells a file from what it was. Two programs' writes within one
// tick of the file system's clock may have one stamp; see settled.
type stamp struct {
	size    int64
	written time.Time
	number  uint64
	changed int64
}

func stampOf(info fs.FileInfo) stamp {
	number, changed := identity(info)
	return stamp{info.Size(), info.ModTime(), number, changed}
}

// settled tells that a file which had this stamp at a time has another one as
// soon as anybody writes to it: its time of writing is longer ago than the tick
// of the clock that it is from. Coarse clocks count whole seconds.
func (s stamp) settled(at time.Time) bool {
	tick := 50 * time.Millisecond
	if s.written.Nanosecond() == 0 {
		tick = 3 * time.Second
	}
	return s.written.Add(tick).Before(at)
}

// content is what is in a file, and when.
type content struct {
	text  string
	sum   string
	stamp stamp
	at    time.Time // before it was read
}

// statFile looks at a file. It must be one, in the folder.
func (s *Store) statFile(file string) (fs.FileInfo, error) {
	info, err := s.root.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if link, err := s.root.Lstat(file); err == nil && link.Mode()&fs.ModeSymlink != 0 {
			return nil, errs.Field(errs.Forbidden, "table", "%s is a link to what is not there", file)
		}
		return nil, errs.Field(errs.NotFound, "table", "there is no file %s any more", file)
	case err != nil:
		if link, failed := s.root.Lstat(file); failed == nil && link.Mode()&fs.ModeSymlink != 0 {
			return nil, errs.Field(errs.Forbidden, "table", "%s is a link out of the folder; copy the file into it", file)
		}
		return nil, unread(err, file+" cannot be read")
	case !info.Mode().IsRegular():
		return nil, errs.Field(errs.Invalid, "table", "%s is no file", file)
	case info.Size() > s.opt.Memory:
		return nil, errs.Field(errs.TooLarge, "table", "%s has %d bytes; "+tooMuch, file, info.Size(), s.opt.Memory)
	}
	return info, nil
}

const tooMuch = "files of a folder are answered from memory, and of all that are asked for at once at most %d bytes: give more with ?memory=, or open a DuckDB or SQLite file and insert the rows there"

// readFile reads a file whole, as it was at one moment.
func (s *Store) readFile(file string) (*content, error) {
	for range 5 {
		c := &content{at: time.Now()}
		before, err := s.statFile(file)
		if err != nil {
			return nil, err
		}
		f, err := s.root.Open(file)
		if err != nil {
			return nil, unread(err, file+" cannot be read")
		}
		var b strings.Builder
		b.Grow(int(before.Size()))
		sum := sha256.New()
		_, err = io.Copy(io.MultiWriter(&b, sum), io.LimitReader(f, s.opt.Memory+1))
		after, failed := f.Stat()
		if err = errors.Join(err, failed, f.Close()); err != nil {
			return nil, unread(err, file+" cannot be read")
		}
		if c.stamp = stampOf(before); c.stamp == stampOf(after) && int64(b.Len()) == after.Size() {
			c.text, c.sum = b.String(), hex.EncodeToString(sum.Sum(nil))
			return c, nil
		}
	}
	return nil, errs.Field(errs.Conflict, "table", "%s is being written; ask again", filepath.Base(file))
}
