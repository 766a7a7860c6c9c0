package chat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/varvedb/varve/errs"
)

// Rows is a service's conversations as they are stored, for who moves whole
// threads in and out while others use the service: nothing is redacted and
// nobody is asked whose it is. It is what a server gives administrators.
type Rows struct{ s *Service }

// Rows are the service's rows.
func (s *Service) Rows() *Rows { return &Rows{s} }

// Features is that of [Store].
func (r *Rows) Features() Features { return r.s.Features() }

// HasFiles tells whether there is a place for bytes.
func (r *Rows) HasFiles() bool { return r.s.opt.Files != nil }

// User implements [Users].
func (r *Rows) User(ctx context.Context, identifier string) (User, error) {
	return r.s.port().User(ctx, identifier)
}

// Users implements [Users].
func (r *Rows) Users(ctx context.Context, after string, limit int) ([]User, error) {
	return r.s.port().Users(ctx, after, limit)
}

// PutUser implements [Users], for what [Service.PutUser] takes.
func (r *Rows) PutUser(ctx context.Context, u User, _ Write) (User, error) {
	return r.s.PutUser(ctx, u)
}

// Threads lists threads as [Threads] of a [Store] does.
func (r *Rows) Threads(ctx context.Context, q ThreadQuery) ([]Thread, error) {
	return r.s.port().Threads(ctx, q)
}

// ThreadIDs implements [Mover].
func (r *Rows) ThreadIDs(ctx context.Context, after string, limit int) ([]string, string, error) {
	m, err := MoverOf(r.s.port())
	if err != nil {
		return nil, "", err
	}
	return m.ThreadIDs(ctx, after, limit)
}

// Whole implements [Mover].
func (r *Rows) Whole(ctx context.Context, ids []string) ([]Thread, error) {
	m, err := MoverOf(r.s.port())
	if err != nil {
		return nil, err
	}
	return m.Whole(ctx, ids)
}

// Load implements [Mover]. Threads are held to the rules of all input, see
// [Thread.Check], and elements with stored bytes get the address that they have
// here.
func (r *Rows) Load(ctx context.Context, threads []Thread, _ Write) error {
	m, err := MoverOf(r.s.port())
	if err != nil {
		return err
	}
	own := make([]Thread, len(threads))
	for i, t := range threads {
		own[i] = t.own()
		if _, err := own[i].Check(); err != nil {
			return err
		}
		r.address(&own[i])
	}
	defer r.s.swept()
	return m.Load(ctx, own, r.s.write(ctx))
}

func (r *Rows) address(t *Thread) {
	for i := range t.Elements {
		if e := &t.Elements[i]; r.s.opt.ElementURL != nil && e.ObjectKey != "" {
			e.URL = r.s.opt.ElementURL(t.ID, e.ID)
		}
	}
}

var errNoFiles = errs.New(errs.Unsupported, "no place for bytes is configured here; name it with --elements")

// OpenBytes reads the bytes under a key.
func (r *Rows) OpenBytes(ctx context.Context, key string) (Content, error) {
	if r.s.opt.Files == nil {
		return Content{}, errNoFiles
	}
	return r.s.opt.Files.Open(ctx, key)
}

// WriteBytes stores bytes under a key, whole or not at all, and tells what they
// were. A thread that names them is to be loaded after them: until then they
// are expected, see [Orphans], and the sweep takes away what nobody came to
// name. errs.Conflict while another writes or deletes these bytes.
func (r *Rows) WriteBytes(ctx context.Context, key string, content io.Reader, mime string) (Sum, error) {
	s := r.s
	if s.sweep == nil || s.opt.Files == nil {
		return Sum{}, errNoFiles
	}
	if err := s.sweep.await(ctx, key); err != nil {
		return Sum{}, err
	}
	defer s.sweep.release(key)
	// What a deleted thread left under the key is no orphan any more.
	if err := s.port().Forget(ctx, []string{key}); err != nil {
		return Sum{}, err
	}
	if err := s.port().Expect(ctx, key, s.write(ctx)); err != nil {
		return Sum{}, err
	}
	h := sha256.New()
	n, err := s.opt.Files.Write(ctx, key, io.TeeReader(content, h), mime)
	if err != nil {
		return Sum{}, err
	}
	return Sum{SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}, nil
}

// Sums implements [Summer]. Bytes that are about to be deleted are there no
// more.
func (r *Rows) Sums(ctx context.Context, keys []string) (map[string]Sum, error) {
	if r.s.opt.Files == nil {
		return nil, errNoFiles
	}
	sums, err := SumsOf(ctx, r.s.opt.Files, keys)
	if err != nil || len(sums) == 0 {
		return sums, err
	}
	if r.s.sweep == nil {
		return sums, nil
	}
	gone, err := r.s.sweep.all(ctx, r.s.opt.Now())
	for _, key := range gone {
		delete(sums, key)
	}
	return sums, err
}

// Sum is what bytes are: their SHA-256 in hexadecimal, and how many.
type Sum struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// A Summer tells what bytes are without handing them out. Files may be one.
type Summer interface {
	// Sums tells it of those keys under which there are bytes. A key that can be
	// none here is left out too.
	Sums(ctx context.Context, keys []string) (map[string]Sum, error)
}

// SumsOf is the answer of Files to [Summer]: their own, or by reading them.
func SumsOf(ctx context.Context, files Files, keys []string) (map[string]Sum, error) {
	if s, ok := files.(Summer); ok {
		return s.Sums(ctx, keys)
	}
	sums := make(map[string]Sum, len(keys))
	buffer := make([]byte, 64<<10)
	for _, key := range keys {
		if _, known := sums[key]; known {
			continue
		}
		sum, err := sumOf(ctx, files, key, buffer)
		switch errs.KindOf(err) {
		case "":
			sums[key] = sum
		case errs.NotFound, errs.Invalid:
		default:
			return nil, err
		}
	}
	return sums, nil
}

func sumOf(ctx context.Context, files Files, key string, buffer []byte) (Sum, error) {
	content, err := files.Open(ctx, key)
	if err != nil {
		return Sum{}, err
	}
	defer content.Body.Close()
	h := sha256.New()
	// A body that writes itself would make a large buffer for each small file.
	n, err := io.CopyBuffer(h, struct{ io.Reader }{content.Body}, buffer)
	if err != nil {
		return Sum{}, errs.Wrap(errs.Unavailable, err, "the bytes could not be read to their end")
	}
	return Sum{SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}, nil
}
