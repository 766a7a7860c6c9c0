package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/varvedb/varve/errs"
)

// Options tune a [File]. The zero value works.
type Options struct {
	Now func() time.Time
}

// File is the keys in one JSON file. Other processes may write it at the same
// time: writers lock each other out, replace it whole, and every reader sees
// the new keys with its next question. It is safe for concurrent use.
type File struct {
	path string
	now  func() time.Time

	mu   sync.RWMutex
	seen stamp
	keys map[string]Key
	ids  []string // in the order of the file
}

// stamp tells two states of a file apart without reading it.
type stamp struct {
	size    int64
	modTime time.Time
	info    os.FileInfo // for its identity: a replaced file is another one
}

func (s stamp) same(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil
	}
	return s.size == t.size && s.modTime.Equal(t.modTime) && os.SameFile(s.info, t.info)
}

type document struct {
	Version int   `json:"version"`
	Keys    []Key `json:"keys"`
}

// Open reads the keys in a file. A file that is missing holds none and is
// created with the first key; one that cannot be read or understood is an
// error, so that nobody takes it for "no keys: open".
func Open(path string, o Options) (*File, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &File{path: path, now: o.Now}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// Any tells whether there is a key, living or not: keys that were revoked do
// not open the door to everybody.
func (f *File) Any() (bool, error) {
	if err := f.refresh(); err != nil {
		return false, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.keys) > 0, nil
}

// List returns all keys in the order they were made.
func (f *File) List() ([]Key, error) {
	if err := f.refresh(); err != nil {
		return nil, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]Key, 0, len(f.ids))
	for _, id := range f.ids {
		list = append(list, f.keys[id])
	}
	return list, nil
}

// Check returns the living key that a token belongs to, else
// errs.Unauthenticated, which does not say what was wrong.
func (f *File) Check(token string) (Key, error) {
	if err := f.refresh(); err != nil {
		return Key{}, err
	}
	id, secret, ok := parse(token)
	if !ok {
		return Key{}, refused()
	}
	f.mu.RLock()
	key, known := f.keys[id]
	f.mu.RUnlock()
	// An unknown id is compared too, with nothing, so that it takes as long.
	if !key.matches(secret) || !known || !key.Living(f.now()) {
		return Key{}, refused()
	}
	return key, nil
}

func refused() error {
	return errs.New(errs.Unauthenticated, "the API key is unknown, revoked or expired")
}

// Create makes a key and returns its token, which is not kept.
func (f *File) Create(s Spec) (Key, string, error) {
	key, token, err := s.make(f.now())
	if err != nil {
		return Key{}, "", err
	}
	err = f.change(func(d *document) error {
		d.Keys = append(d.Keys, key)
		return nil
	})
	if err != nil {
		return Key{}, "", err
	}
	return key, token, nil
}

// Revoke ends a key. It can be repeated; an unknown id is errs.NotFound.
func (f *File) Revoke(id string) error {
	return f.change(func(d *document) error {
		for i := range d.Keys {
			if d.Keys[i].ID == id {
				if d.Keys[i].RevokedAt == nil {
					now := f.now().UTC().Truncate(time.Second)
					d.Keys[i].RevokedAt = &now
				}
				return nil
			}
		}
		return errs.Field(errs.NotFound, "id", "there is no key %q", id)
	})
}

// change reads, changes and replaces the file while no other process does.
func (f *File) change(fn func(*document) error) error {
	unlock, err := lock(f.path + ".lock")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the keys file cannot be locked")
	}
	defer unlock()
	doc, _, err := f.read()
	if err != nil {
		return err
	}
	if err := fn(&doc); err != nil {
		return err
	}
	if err := f.replace(doc); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the keys file cannot be written")
	}
	return f.refresh()
}

// replace writes a new file beside the old one and renames it over.
func (f *File) replace(doc document) error {
	doc.Version = 1
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.path), ".keys-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails when renamed, as it should
	_, err = tmp.Write(append(raw, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), f.path)
}

// refresh reads the file again if it is another than the one read last. That
// costs one stat a request, and a revoked key ends at once.
func (f *File) refresh() error {
	now, err := f.stamp()
	if err != nil {
		return err
	}
	f.mu.RLock()
	same := f.keys != nil && f.seen.same(now)
	f.mu.RUnlock()
	if same {
		return nil
	}
	doc, seen, err := f.read()
	if err != nil {
		return err
	}
	keys, ids := make(map[string]Key, len(doc.Keys)), make([]string, 0, len(doc.Keys))
	for _, k := range doc.Keys {
		keys[k.ID] = k
		ids = append(ids, k.ID)
	}
	f.mu.Lock()
	f.keys, f.ids, f.seen = keys, ids, seen
	f.mu.Unlock()
	return nil
}

func (f *File) stamp() (stamp, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, errs.Wrap(errs.Unavailable, err, "the keys file cannot be read")
	}
	return stamp{size: info.Size(), modTime: info.ModTime(), info: info}, nil
}

// read returns the file and the stamp it had before it was read: if it changes
// meanwhile, the next refresh reads it again.
func (f *File) read() (document, stamp, error) {
	seen, err := f.stamp()
	if err != nil || seen.info == nil {
		return document{}, seen, err
	}
	raw, err := os.ReadFile(f.path)
	if err != nil {
		return document{}, stamp{}, errs.Wrap(errs.Unavailable, err, "the keys file cannot be read")
	}
	var doc document
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return document{}, stamp{}, errs.Wrap(errs.Unavailable, err, "the keys file cannot be understood; mend it or take it away")
	}
	if doc.Version != 1 {
		return document{}, stamp{}, errs.New(errs.Unavailable, "the keys file is of version %d, which this program does not know", doc.Version)
	}
	return doc, seen, nil
}
