package bundle

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/varvedb/varve/errs"
)

func (b *Bundle) open(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errs.Field(errs.NotFound, "path", "there is nothing")
	}
	if err != nil {
		return unread(err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(path) // which no link leads out of
		if err != nil {
			return unread(err)
		}
		b.closes, b.files = append(b.closes, root), root.FS()
		return nil
	}
	if !info.Mode().IsRegular() {
		return errs.New(errs.Invalid, "an export is a folder or a file, and this is neither")
	}
	file, err := os.Open(path)
	if err != nil {
		return unread(err)
	}
	b.closes = append(b.closes, file)
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "is no ZIP file, or a damaged one")
	}
	b.files = archive
	return stored(archive, info.Size())
}

// stored refuses archives in which there is more than they are large, and
// entries that are no plain files, or are there twice.
func stored(archive *zip.Reader, size int64) error {
	var all uint64
	names := map[string]bool{}
	for _, f := range archive.File {
		if folder := strings.HasSuffix(f.Name, "/"); !f.Mode().IsRegular() && !folder || folder && f.UncompressedSize64 > 0 {
			return errs.New(errs.Invalid, "%q is no plain file", f.Name)
		}
		if names[f.Name] {
			return errs.New(errs.Invalid, "%q is there twice", f.Name)
		}
		names[f.Name] = true
		if f.Method != zip.Store || f.Flags&1 != 0 || f.CompressedSize64 != f.UncompressedSize64 {
			return errs.New(errs.Invalid, "%q is compressed or encrypted; pack it anew without, as in zip -0 -r", f.Name)
		}
		if all += f.UncompressedSize64; f.UncompressedSize64 > uint64(size) || all > uint64(size) {
			return errs.New(errs.Invalid, "there is more in it than it is large")
		}
	}
	return nil
}

// walk lists all files with their sizes.
func (b *Bundle) walk() (map[string]int64, error) {
	sizes := map[string]int64{}
	if archive, ok := b.files.(*zip.Reader); ok {
		for _, f := range archive.File {
			if !strings.HasSuffix(f.Name, "/") {
				sizes[f.Name] = int64(f.UncompressedSize64)
			}
		}
		return sizes, nil
	}
	err := fs.WalkDir(b.files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return unread(err)
		}
		if !e.Type().IsRegular() {
			return errs.New(errs.Invalid, "%q is no plain file", path)
		}
		if len(sizes) > maxFiles {
			return errs.New(errs.TooLarge, "there are more than %d files", maxFiles)
		}
		info, err := e.Info()
		if err == nil {
			sizes[path] = info.Size()
		}
		return unread(err)
	})
	return sizes, err
}
