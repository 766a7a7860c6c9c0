package bundle

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// Extension is what the path of an archive ends with.
const Extension = ".zip"

// target is where an export is written. What is written is at another name
// until it is published.
type target interface {
	// add begins a file, which ends with done or the next.
	add(path string) (io.Writer, error)
	done() error
	// publish gives what was written its name. errs.Exists: it is taken.
	publish() error
	// abandon takes away what was written and is not published.
	abandon()
}

func create(path string) (target, error) {
	if strings.HasSuffix(strings.ToLower(path), Extension) {
		return createArchive(path)
	}
	return createFolder(filepath.Clean(path))
}

func write(to target, path string, r io.Reader) error {
	w, err := to.add(path)
	if err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 256<<10))
	}
	if done := to.done(); err == nil {
		err = done
	}
	return unwritten(err)
}

func taken(path string) error {
	return errs.Field(errs.Exists, "output", "there is something at %q already; name a path that is free, or an empty folder", path)
}

// unwritten says where an error of the system comes from, and leaves others.
func unwritten(err error) error {
	var system *fs.PathError
	var link *os.LinkError
	if errors.As(err, &system) || errors.As(err, &link) {
		return errs.Wrap(errs.Unavailable, err, "the export cannot be written")
	}
	return err
}

// beside makes the names of unfinished work.
func beside(path string) (dir, pattern string) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	return dir, "." + strings.ReplaceAll(name, "*", "_") + "-*"
}

// folder is an export in a folder.
type folder struct {
	path, work string
	file       *os.File
}

func createFolder(path string) (target, error) {
	switch list, err := os.ReadDir(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || len(list) > 0:
		return nil, taken(path)
	}
	dir, pattern := beside(path)
	work, err := os.MkdirTemp(dir, pattern)
	return &folder{path: path, work: work}, unwritten(err)
}

func (f *folder) add(path string) (io.Writer, error) {
	name := filepath.Join(f.work, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	var err error
	f.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return f.file, err
}

func (f *folder) done() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.file.Sync(), f.file.Close())
	f.file = nil
	return err
}

// publish takes the place of an empty folder, and of nothing else.
func (f *folder) publish() error {
	err := os.Rename(f.work, f.path)
	if at, known := os.Lstat(f.path); err != nil && known == nil && at.IsDir() {
		// Where a folder does not take the place of an empty one by itself.
		if err = os.Remove(f.path); err == nil {
			err = os.Rename(f.work, f.path)
		}
	}
	if err != nil {
		return taken(f.path)
	}
	return nil
}

func (f *folder) abandon() {
	if f.work != "" {
		os.RemoveAll(f.work)
	}
}

// archive is an export in one file.
type archive struct {
	path string
	file *os.File
	zip  *zip.Writer
}

func createArchive(path string) (target, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, taken(path)
	}
	dir, pattern := beside(path)
	file, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, unwritten(err)
	}
	return &archive{path, file, zip.NewWriter(file)}, nil
}

// epoch is the first moment that a ZIP file can name.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (a *archive) add(path string) (io.Writer, error) {
	return a.zip.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Store, Modified: epoch})
}

func (a *archive) done() error { return nil }

func (a *archive) publish() error {
	if err := errors.Join(a.zip.Close(), a.file.Sync(), a.file.Close()); err != nil {
		return unwritten(err)
	}
	err := os.Link(a.file.Name(), a.path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return taken(a.path)
	case err != nil: // a file system without links
		return unwritten(os.Rename(a.file.Name(), a.path))
	}
	return unwritten(os.Remove(a.file.Name()))
}

func (a *archive) abandon() {
	a.file.Close()
	os.Remove(a.file.Name())
}
