package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// stored is the folder with the bytes of an archive that is being written. A
// file is named by its SHA-256, so that bytes that two elements have lie there
// once and no name of anybody's choice becomes a path.
type stored struct {
	dir string

	mu   sync.Mutex
	kept map[string]*keptFile // by the key of a database
}

// keptFile is remembered until the threads that name it are written.
type keptFile struct {
	File
	uses int
}

var _ chat.Files = (*stored)(nil)

// Write implements chat.Files.
func (s *stored) Write(_ context.Context, key string, r io.Reader, _ string) (n int64, err error) {
	tmp, err := os.CreateTemp(s.dir, ".writing-*")
	if err != nil {
		return 0, unwritten(err)
	}
	defer os.Remove(tmp.Name())
	h := sha256.New()
	n, err = io.Copy(io.MultiWriter(tmp, h), r)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return n, errs.Wrap(errs.Unavailable, err, "the bytes of an element cannot be copied; look at the disk space there")
	}
	f := File{SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}
	path := pathOf(s.dir, f.SHA256)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return n, unwritten(err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return n, unwritten(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[key] == nil {
		s.kept[key] = &keptFile{File: f}
	}
	s.kept[key].uses++
	return n, nil
}

// take returns the bytes of a thread's elements, which were written before it.
func (s *stored) take(t *chat.Thread) map[string]File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var files map[string]File
	for i := range t.Elements {
		key := t.Elements[i].ObjectKey
		k := s.kept[key]
		if k == nil {
			continue
		}
		if files == nil {
			files = map[string]File{}
		}
		files[t.Elements[i].ID] = k.File
		if k.uses--; k.uses == 0 {
			delete(s.kept, key)
		}
	}
	return files
}

// pathOf is where bytes lie in a folder. The sum has been looked at.
func pathOf(dir, sum string) string { return filepath.Join(dir, sum[:2], sum) }

var errOneWay = errs.New(errs.Unsupported, "an archive is not changed once it is written")

// Open implements chat.Files: nothing is read while it is written.
func (s *stored) Open(context.Context, string) (chat.Content, error) {
	return chat.Content{}, errOneWay
}

// Delete implements chat.Files.
func (s *stored) Delete(context.Context, string) error { return errOneWay }

// SignedURL implements chat.Files.
func (s *stored) SignedURL(context.Context, string, string, string) (string, error) {
	return "", errOneWay
}
