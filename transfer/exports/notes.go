// Package exports keeps notes of the exports that were made of a database, in
// its data folder, and takes erased people out of them.
//
//	notes := exports.In("varve-data")
//	reached, err := notes.Without(ctx, "ana@example.org", false)
//
// A note is a file of its own, so that commands that run at once do not lose
// each other's. It says where an export was written and what it was: a file that
// was moved or changed since is not touched.
package exports

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
)

// folder is where the notes lie in a data folder.
const folder = "exports"

// Notes are the notes of one data folder.
type Notes struct {
	dir string
	mu  sync.Mutex // of two erasures one goes through the files at a time
}

var _ erasure.Exports = (*Notes)(nil)

// In are the notes in a data folder.
func In(data string) erasure.Exports { return &Notes{dir: filepath.Join(data, folder)} }

func (n *Notes) path(id string) (string, error) {
	if id == "" || len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return "", errs.Field(errs.Invalid, "id", "of an export is made of small letters and digits")
	}
	return filepath.Join(n.dir, id+".json"), nil
}

// Note implements erasure.Exports. It waits for an erasure that goes through
// the notes.
func (n *Notes) Note(ctx context.Context, e erasure.Export) error {
	path, err := n.path(e.ID)
	if err != nil {
		return err
	}
	if e.Path != "" && !filepath.IsAbs(e.Path) {
		return errs.Field(errs.Invalid, "path", "must be absolute")
	}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return unnoted(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	unlock, err := lock(ctx, filepath.Join(n.dir, lockName))
	if err != nil {
		return err
	}
	defer unlock()
	if e.Digest != "" {
		if old, err := read(path); err == nil && old.Void {
			return errs.New(errs.Conflict, "somebody was erased while the export was written, and may be in it; export again")
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unread(err)
		}
	}
	return n.write(e)
}

// lockName is the file that one process holds at a time.
const lockName = ".lock"

// write makes a note durable. It appears whole.
func (n *Notes) write(e erasure.Export) error {
	path, err := n.path(e.ID)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(n.dir, ".note-*")
	if err != nil {
		return unnoted(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return unnoted(err)
	}
	return unnoted(os.Rename(tmp.Name(), path))
}

func unnoted(err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(errs.Unavailable, err, "the note of the export cannot be written; look at the disk space and permissions of the data folder")
}

// Forget implements erasure.Exports.
func (n *Notes) Forget(_ context.Context, id string) error {
	path, err := n.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unnoted(err)
	}
	return nil
}

// list returns the notes, oldest first.
func (n *Notes) list() (all []erasure.Export, err error) {
	entries, err := os.ReadDir(n.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unread(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		e, err := read(filepath.Join(n.dir, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, unread(err)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b erasure.Export) int { return a.Made.Compare(b.Made) })
	return all, nil
}

func read(path string) (e erasure.Export, err error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	return e, err
}

func unread(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the notes of exports cannot be read")
}

// Digest names the bytes of an export: of its file, or of the files that stand
// in its folder. Bytes of elements are named in these by their own sums.
func Digest(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if info.Mode().IsRegular() {
		sum, err := sumOf(path)
		return hex.EncodeToString(sum), err
	}
	if !info.IsDir() {
		return "", errs.New(errs.Invalid, "the export is neither a file nor a folder")
	}
	entries, err := os.ReadDir(path) // by name
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		sum, err := sumOf(filepath.Join(path, entry.Name()))
		if err != nil {
			return "", err
		}
		io.Copy(h, bytes.NewReader(sum)) // a hash takes everything
		io.WriteString(h, entry.Name()+"\n")
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// Host is what notes call this machine.
func Host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// New begins the note of an export to a path, "" for standard output.
func New(id, path string) (erasure.Export, error) {
	e := erasure.Export{ID: id, Host: Host(), Made: time.Now().UTC().Truncate(time.Second)}
	if path == "" {
		return e, nil
	}
	abs, err := filepath.Abs(path)
	e.Path = abs
	return e, err
}
