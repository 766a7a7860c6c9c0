package archive

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer"
)

// Options say what an archive is to hold, and how.
type Options struct {
	// Bytes keeps the bytes of elements too; the archive is a folder then.
	Bytes bool
	// Tables makes the Sink of another form in a folder. nil: JSON lines.
	Tables func(folder string) (Sink, error)
}

// Writer writes an archive. It appears under its name whole, when Finish is
// called without an error, or not at all.
type Writer struct {
	source transfer.Store
	path   string // "": what is written goes to somebody's Writer
	work   string // the file or folder as long as it is not whole
	sink   Sink
	file   *os.File // nil in a folder of tables
	stored *stored  // nil without bytes

	mu     sync.Mutex
	walked bool                 // the users are written
	late   map[string]chat.User // whom threads named after that
}

// Create begins an archive of what source has. What is there already under the
// path is errs.Exists.
func Create(path string, source transfer.Store, o Options) (*Writer, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, errs.Field(errs.Exists, "output", "%s is there already", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Wrap(errs.Unavailable, err, "the output cannot be written; look at the permissions there")
	}
	w := &Writer{source: source, path: path, late: map[string]chat.User{}}
	if err := w.begin(o); err != nil {
		return nil, errors.Join(err, w.abandon())
	}
	return w, nil
}

// To begins an archive of what source has, in JSON lines and without bytes, as
// a stream.
func To(out io.Writer, source transfer.Store) (*Writer, error) {
	sink, err := newLines(out)
	return &Writer{source: source, sink: sink, late: map[string]chat.User{}}, err
}

// begin makes what is worked on beside where it is to be: a copy of
// conversations is for its owner only.
func (w *Writer) begin(o Options) (err error) {
	dir, name := filepath.Split(filepath.Clean(w.path))
	if dir == "" {
		dir = "."
	}
	pattern := "." + strings.ReplaceAll(name, "*", "_") + "-*"
	if !o.Bytes && o.Tables == nil {
		w.file, err = os.CreateTemp(dir, pattern)
		if err == nil {
			w.work = w.file.Name()
			w.sink, err = newLines(w.file)
		}
		return unwritten(err)
	}
	if w.work, err = os.MkdirTemp(dir, pattern); err != nil {
		return unwritten(err)
	}
	if o.Bytes {
		w.stored = &stored{dir: filepath.Join(w.work, bytesName), kept: map[string]*keptFile{}}
		if err := os.Mkdir(w.stored.dir, 0o700); err != nil {
			return unwritten(err)
		}
	}
	if o.Tables != nil {
		w.sink, err = o.Tables(w.work)
		return err
	}
	w.file, err = os.OpenFile(filepath.Join(w.work, LinesName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		w.sink, err = newLines(w.file)
	}
	return unwritten(err)
}

// Side is the archive as the destination of a copy.
func (w *Writer) Side() transfer.Side {
	s := transfer.Side{Name: cmp.Or(w.path, "the output"), Store: w}
	if w.stored != nil {
		s.Files = w.stored
	}
	return s
}

// Finish puts the archive in its place, or takes away what was written of it
// where copying failed with an error.
func (w *Writer) Finish(failed error) error {
	if failed != nil {
		return errors.Join(failed, w.abandon())
	}
	err := w.finish()
	if err != nil {
		return errors.Join(err, w.abandon())
	}
	return nil
}

func (w *Writer) finish() error {
	for _, name := range slices.Sorted(maps.Keys(w.late)) {
		if err := w.sink.User(w.late[name]); err != nil {
			return err
		}
	}
	if err := w.sink.Close(); err != nil || w.path == "" {
		return err
	}
	if w.file != nil {
		if err := errors.Join(w.file.Sync(), w.file.Close()); err != nil {
			return unwritten(err)
		}
	}
	return w.publish()
}

// publish gives the archive its name, which nobody else may have taken since.
func (w *Writer) publish() error {
	if w.file != nil && w.file.Name() == w.work {
		err := os.Link(w.work, w.path)
		if errors.Is(err, fs.ErrExist) {
			return errs.Field(errs.Exists, "output", "%s is there already", w.path)
		}
		if err != nil { // a file system without links
			return unwritten(os.Rename(w.work, w.path))
		}
		return unwritten(os.Remove(w.work))
	}
	return unwritten(os.Rename(w.work, w.path))
}

func (w *Writer) abandon() error {
	if w.file != nil {
		w.file.Close()
	}
	if w.work == "" {
		return nil
	}
	return os.RemoveAll(w.work)
}

var (
	_ chat.Mover     = (*Writer)(nil)
	_ chat.Preparer  = (*Writer)(nil)
	_ transfer.Store = (*Writer)(nil)
)

// Features implements transfer.Store: an archive holds everything.
func (w *Writer) Features() chat.Features {
	return chat.Features{AnyID: true, Transactions: true, UnknownKeys: true}
}

// User implements chat.Users. Ids of users stay what they are at the source.
func (w *Writer) User(ctx context.Context, identifier string) (chat.User, error) {
	w.mu.Lock()
	u, ok := w.late[identifier]
	w.mu.Unlock()
	if ok {
		return u, nil
	}
	return w.source.User(ctx, identifier)
}

// Users implements chat.Users.
func (w *Writer) Users(context.Context, string, int) ([]chat.User, error) { return nil, errOneWay }

// PutUser implements chat.Users. Who has no row of their own at the source and
// owns a thread comes at the end.
func (w *Writer) PutUser(_ context.Context, u chat.User, _ chat.Write) (chat.User, error) {
	spellUser(&u)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.walked {
		w.late[u.Identifier] = u
		return u, nil
	}
	return u, w.sink.User(u)
}

// Prepare implements chat.Preparer: the users were before.
func (w *Writer) Prepare(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.walked = true
	return nil
}

// Settle implements chat.Preparer.
func (w *Writer) Settle(context.Context) error { return nil }

// ThreadIDs implements chat.Mover.
func (w *Writer) ThreadIDs(context.Context, string, int) ([]string, string, error) {
	return nil, "", errOneWay
}

// Whole implements chat.Mover.
func (w *Writer) Whole(context.Context, []string) ([]chat.Thread, error) { return nil, errOneWay }

// Load implements chat.Mover.
func (w *Writer) Load(_ context.Context, threads []chat.Thread, _ chat.Write) error {
	for i := range threads {
		t := &threads[i]
		var files map[string]File
		if w.stored != nil {
			files = w.stored.take(t)
		}
		spell(t)
		if err := w.sink.Thread(t, files); err != nil {
			return err
		}
	}
	return nil
}
