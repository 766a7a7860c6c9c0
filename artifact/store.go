package artifact

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/errs"
)

// chunk is how much is in memory at a time.
const chunk = 256 << 10

// Grace is how long bytes that nobody names are kept: longer than it takes from
// storing them to storing the record or the row that names them.
const Grace = time.Hour

// Info tells about bytes.
type Info struct {
	Digest    Digest `json:"digest"`
	Size      int64  `json:"size"`
	MediaType string `json:"mediaType"`
}

// Options tune a [Store]. The zero value of each is a default.
type Options struct {
	// Used tells digests that are named elsewhere than in the metadata store,
	// such as in rows; a sweep leaves them.
	Used func(ctx context.Context, tell func(Digest)) error
	// Local: the bucket is a folder of this machine, which other nodes that share
	// the index do not reach; see [Store.AtHome].
	Local bool
	// Grace: see the constant, which is the default.
	Grace time.Duration
	Now   func() time.Time
}

// Store keeps bytes. It is safe for concurrent use, and several processes may
// use one bucket and one index.
type Store struct {
	bucket Bucket
	index  Index
	opt    Options
	athome atomic.Bool // it was found out that Store.AtHome
}

// New joins a bucket and an index.
func New(bucket Bucket, index Index, opt Options) *Store {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Grace == 0 {
		opt.Grace = Grace
	}
	return &Store{bucket: bucket, index: index, opt: opt}
}

// Put keeps what r gives and returns its address. It is durable then, and safe
// from a sweep for Grace even if nothing names it. What is kept already is not
// stored twice. When r fails, nothing is kept.
func (s *Store) Put(ctx context.Context, r io.Reader, mediaType string) (Info, error) {
	return s.put(ctx, "", r, mediaType, nil)
}

// PutAs keeps what r gives as Put does, if its digest is the one that the caller
// says. errs.Invalid: it is another, and nothing is kept.
func (s *Store) PutAs(ctx context.Context, d Digest, r io.Reader, mediaType string) (Info, error) {
	if _, err := ParseDigest(string(d)); err != nil {
		return Info{}, err
	}
	return s.put(ctx, d, r, mediaType, nil)
}

// put keeps bytes where they belong.
func (s *Store) put(ctx context.Context, want Digest, r io.Reader, mediaType string, parts []Digest) (Info, error) {
	if err := s.settle(ctx); err != nil {
		return Info{}, err
	}
	return s.keep(ctx, want, r, mediaType, parts)
}

// keep writes the bytes before it knows their digest, so that they are read
// once. The note it makes first is what a sweep finds if this process does not
// come to the end of it. want is the digest that the bytes must have, "" any.
func (s *Store) keep(ctx context.Context, want Digest, r io.Reader, mediaType string, parts []Digest) (Info, error) {
	note := Note{Place: "varve_artifact/" + rand.Text(), At: s.opt.Now()}
	if err := s.index.Begin(ctx, note); err != nil {
		return Info{}, err
	}
	e, err := s.write(ctx, note.Place, r)
	if err == nil && want != "" && e.Digest != want {
		err = errs.Field(errs.Invalid, "digest", "the bytes are not those of this digest, so they are not kept; read them again")
	}
	if err == nil {
		e.MediaType, e.Parts, e.Touched = mediaType, parts, s.opt.Now()
		if err = s.index.Keep(ctx, e); unknown(err) {
			return Info{}, err
		}
	}
	info := Info{e.Digest, e.Size, mediaType}
	if err == nil {
		return info, nil
	}
	gone := s.discard(context.WithoutCancel(ctx), note.Place)
	if errors.Is(err, errs.Exists) {
		kept, err := s.index.Entry(ctx, e.Digest)
		return Info{kept.Digest, kept.Size, kept.MediaType}, errors.Join(err, gone)
	}
	return Info{}, err
}

// unknown tells whether the index may have kept an entry although it answered
// with an error: the connection broke as it committed. The bytes stay then; if
// there is no entry, their note leads a sweep to them.
func unknown(err error) bool {
	switch errs.KindOf(err) {
	case "", errs.Exists, errs.NotFound, errs.Conflict, errs.Invalid:
		return false
	}
	return true
}

func (s *Store) write(ctx context.Context, place string, r io.Reader) (Entry, error) {
	whole := sha256.New()
	from := newSource(ctx, io.TeeReader(r, whole))
	n, err := s.bucket.Write(ctx, place, from)
	if err != nil {
		return Entry{}, err
	}
	if n != from.n {
		return Entry{}, errs.New(errs.Unavailable, "the place for artifacts took %d of %d bytes; try again", n, from.n)
	}
	return Entry{Digest: Digest(hex.EncodeToString(whole.Sum(nil))), Size: n, Place: place}, nil
}

// discard removes what lies at a place and, when it is gone, the note of it.
func (s *Store) discard(ctx context.Context, place string) error {
	if err := s.bucket.Delete(ctx, place); err != nil {
		return err
	}
	return s.index.End(ctx, place)
}

// Keep makes sure that bytes which are there stay for Grace, so that a record
// may be written that names them. errs.NotFound: they are not there.
func (s *Store) Keep(ctx context.Context, d Digest) error {
	return missing(d, s.index.Touch(ctx, d, s.opt.Now()))
}

// Stat tells about bytes. errs.NotFound: they are not kept.
func (s *Store) Stat(ctx context.Context, d Digest) (Info, error) {
	e, err := s.index.Entry(ctx, d)
	return Info{e.Digest, e.Size, e.MediaType}, missing(d, err)
}

// List returns at most limit of what is kept, in the order of digests, from
// just after one.
func (s *Store) List(ctx context.Context, after Digest, limit int) ([]Info, error) {
	entries, err := s.index.Entries(ctx, after, limit+1) // one of them may be the mark
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Digest == home })
	infos := make([]Info, min(limit, len(entries)))
	for i := range infos {
		e := entries[i]
		infos[i] = Info{e.Digest, e.Size, e.MediaType}
	}
	return infos, err
}

// Open opens bytes for reading. errs.NotFound: they are not kept. What is read
// is verified: when it is not what was stored, the error, errs.Internal, comes
// in place of the last of it.
func (s *Store) Open(ctx context.Context, d Digest) (*Reader, error) {
	return s.open(ctx, d, NewReader)
}

// OpenUnverified opens bytes as they lie, for who holds them to their digest
// where they arrive: nothing is checked but their number.
func (s *Store) OpenUnverified(ctx context.Context, d Digest) (*Reader, error) {
	return s.open(ctx, d, func(i Info, body io.ReadCloser) *Reader {
		return &Reader{Info: i, body: body, left: i.Size}
	})
}

func (s *Store) open(ctx context.Context, d Digest, reader func(Info, io.ReadCloser) *Reader) (*Reader, error) {
	e, err := s.index.Entry(ctx, d)
	if err != nil {
		return nil, missing(d, err)
	}
	body, err := s.bucket.Open(ctx, e.Place)
	if errors.Is(err, errs.NotFound) {
		if away := s.AtHome(ctx); away != nil {
			return nil, away
		}
		return nil, errs.Wrap(errs.Internal, err, "the bytes of the artifact %s are missing in their bucket; restore them from a backup", d)
	}
	if err != nil {
		return nil, err
	}
	return reader(Info{e.Digest, e.Size, e.MediaType}, body), nil
}

// missing says which bytes are not there.
func missing(d Digest, err error) error {
	if errors.Is(err, errs.NotFound) {
		return errs.Field(errs.NotFound, "digest", "there is no artifact %s", d)
	}
	return err
}

func unread(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the bytes could not be read to their end")
}
