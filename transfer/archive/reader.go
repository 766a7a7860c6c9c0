package archive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer"
)

// Reader is an open archive. It is for one walk at a time.
type Reader struct {
	index
	name      string
	path      string
	file      *os.File
	temporary bool
	root      *os.Root // of the bytes; nil: there are none

	mu     sync.Mutex
	handed []map[string]File // by keys, of the calls of Whole, the latest first
}

var (
	_ chat.Mover     = (*Reader)(nil)
	_ transfer.Store = (*Reader)(nil)
	_ chat.Files     = readFiles{}
	_ chat.Summer    = readFiles{}
)

// ready sorts the index and opens the folder of bytes, out of which nothing
// leads.
func (r *Reader) ready(bytes string) error {
	if err := r.sort(); err != nil {
		return err
	}
	root, err := os.OpenRoot(bytes)
	if err == nil {
		r.root = root
		return nil
	}
	if _, there := os.Stat(bytes); there == nil {
		return unreadable(err)
	}
	return nil // what is missing is named where it is wanted
}

// Close gives the archive back.
func (r *Reader) Close() error {
	var failed []error
	if r.root != nil {
		failed = append(failed, r.root.Close())
	}
	if r.file != nil {
		failed = append(failed, r.file.Close())
	}
	if r.temporary {
		failed = append(failed, os.Remove(r.file.Name()))
	}
	return errors.Join(failed...)
}

// Side is the archive as the source of a copy. It has Files where it says
// something of bytes.
func (r *Reader) Side() transfer.Side {
	s := transfer.Side{Name: r.name, Store: r}
	if r.files {
		s.Files = readFiles{r}
	}
	return s
}

// Features implements transfer.Store.
func (r *Reader) Features() chat.Features {
	return chat.Features{AnyID: true, Transactions: true, UnknownKeys: true}
}

// at reads the line of an entry again.
func (r *Reader) at(e entry) (l line, err error) {
	raw := make([]byte, e.size)
	if _, err := r.file.ReadAt(raw, e.at); err != nil && !errors.Is(err, io.EOF) {
		return l, unreadable(err)
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, errs.Wrap(errs.Unavailable, err, "the archive was changed while it was read")
	}
	return l, nil
}

func behind(list []entry, after string) []entry {
	from, ok := slices.BinarySearchFunc(list, after, func(e entry, id string) int { return cmp.Compare(e.id, id) })
	if ok {
		from++
	}
	return list[from:]
}

// User implements chat.Users.
func (r *Reader) User(_ context.Context, identifier string) (chat.User, error) {
	i, ok := slices.BinarySearchFunc(r.users, identifier, func(e entry, id string) int { return cmp.Compare(e.id, id) })
	if !ok {
		return chat.User{}, chat.Missing("identifier", identifier)
	}
	l, err := r.at(r.users[i])
	if err != nil || l.User == nil {
		return chat.User{}, err
	}
	return *l.User, nil
}

// Users implements chat.Users.
func (r *Reader) Users(_ context.Context, after string, limit int) ([]chat.User, error) {
	var found []chat.User
	for _, e := range behind(r.users, after) {
		if len(found) == limit {
			break
		}
		l, err := r.at(e)
		if err != nil {
			return nil, err
		}
		found = append(found, *l.User)
	}
	return found, nil
}

// PutUser implements chat.Users.
func (r *Reader) PutUser(context.Context, chat.User, chat.Write) (chat.User, error) {
	return chat.User{}, errOneWay
}

// ThreadIDs implements chat.Mover, in the order of the bytes of ids.
func (r *Reader) ThreadIDs(_ context.Context, after string, limit int) (ids []string, next string, err error) {
	rest := behind(r.threads, after)
	for _, e := range rest[:min(limit, len(rest))] {
		ids = append(ids, e.id)
	}
	if len(rest) > limit {
		next = ids[limit-1]
	}
	return ids, next, nil
}

// Whole implements chat.Mover.
func (r *Reader) Whole(_ context.Context, ids []string) (found []chat.Thread, err error) {
	files := map[string]File{}
	defer r.hand(files)
	for _, id := range ids {
		i, ok := slices.BinarySearchFunc(r.threads, id, func(e entry, id string) int { return cmp.Compare(e.id, id) })
		if !ok {
			continue
		}
		l, err := r.at(r.threads[i])
		if err != nil {
			return nil, err
		}
		t := *l.Thread
		for _, e := range t.Elements {
			if f, ok := l.Files[e.ID]; ok && e.ObjectKey != "" {
				files[e.ObjectKey] = f
			}
		}
		found = append(found, t)
	}
	return found, nil
}

// ahead is how many calls of Whole a walk may be before the bytes of the first
// of them are read. A copy and a comparison are two ahead.
const ahead = 8

func (r *Reader) hand(files map[string]File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = append([]map[string]File{files}, r.handed[:min(len(r.handed), ahead-1)]...)
}

// named finds what the archive says of a key.
func (r *Reader) named(key string) (File, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, files := range r.handed {
		if f, ok := files[key]; ok {
			return f, true
		}
	}
	return File{}, false
}

// Load implements chat.Mover.
func (r *Reader) Load(context.Context, []chat.Thread, chat.Write) error { return errOneWay }

// readFiles are the bytes of the threads that were last handed out.
type readFiles struct{ *Reader }

// Open implements chat.Files. What the archive says nothing of is
// errs.NotFound; what it names and has not, or has otherwise, is errs.Invalid
// and named, the latter at the end of the bytes.
func (f readFiles) Open(_ context.Context, key string) (c chat.Content, err error) {
	named, ok := f.named(key)
	if !ok {
		return c, errs.Field(errs.NotFound, "key", "the archive has no bytes for %q", key)
	}
	name := named.SHA256[:2] + "/" + named.SHA256
	if f.root == nil {
		return c, missing(name)
	}
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, missing(name)
	}
	if err != nil {
		return c, errs.Wrap(errs.Invalid, err, "%s/%s cannot be read; export again", bytesName, name)
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() != named.Size {
		file.Close()
		return c, changed(name)
	}
	return chat.Content{Body: &summed{File: file, sum: named.SHA256, name: name, hash: sha256.New()}, Size: named.Size, ModTime: info.ModTime()}, nil
}

// Sums implements chat.Summer: what the archive says. Bytes that are not what it
// says are known when they are read.
func (f readFiles) Sums(_ context.Context, keys []string) (map[string]chat.Sum, error) {
	sums := map[string]chat.Sum{}
	for _, key := range keys {
		if named, ok := f.named(key); ok {
			sums[key] = chat.Sum(named)
		}
	}
	return sums, nil
}

func missing(name string) error {
	return errs.New(errs.Invalid, "%s/%s is missing from the archive; export again", bytesName, name)
}

func changed(name string) error {
	return errs.New(errs.Invalid, "%s/%s does not have the bytes that its name says: it was changed or cut off; export again", bytesName, name)
}

// summed reads bytes, and fails at their end where they are not what their name
// says.
type summed struct {
	*os.File
	sum, name string
	hash      hash.Hash
}

// Read implements io.Reader.
func (s *summed) Read(b []byte) (int, error) {
	n, err := s.File.Read(b)
	s.hash.Write(b[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(s.hash.Sum(nil)) != s.sum {
		return n, changed(s.name)
	}
	return n, err
}

// WriteTo would go past Read.
func (s *summed) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{s})
}

// Write implements chat.Files.
func (f readFiles) Write(context.Context, string, io.Reader, string) (int64, error) {
	return 0, errOneWay
}

// Delete implements chat.Files.
func (f readFiles) Delete(context.Context, string) error { return errOneWay }

// SignedURL implements chat.Files.
func (f readFiles) SignedURL(context.Context, string, string, string) (string, error) {
	return "", errOneWay
}
