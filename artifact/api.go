package artifact

import (
	"context"
	"io"
	"io/fs"
)

// API is what callers hold: [Store], or the client of a server. The methods'
// contracts are those of Store.
type API interface {
	// Put keeps what r gives and returns its address; see [Store.Put].
	Put(ctx context.Context, r io.Reader, mediaType string) (Info, error)
	// PutAs is Put for bytes whose digest is known. errs.Invalid: it is another.
	PutAs(ctx context.Context, d Digest, r io.Reader, mediaType string) (Info, error)
	// Keep makes sure that bytes stay for Grace. errs.NotFound.
	Keep(ctx context.Context, d Digest) error
	// Stat tells about bytes. errs.NotFound.
	Stat(ctx context.Context, d Digest) (Info, error)
	// Open opens bytes, which are verified as they are read. errs.NotFound.
	Open(ctx context.Context, d Digest) (*Reader, error)
	// List lists what is kept in the order of digests, from just after one.
	List(ctx context.Context, after Digest, limit int) ([]Info, error)

	// PutFolder keeps a folder; see [Store.PutFolder].
	PutFolder(ctx context.Context, folder fs.FS) (Info, error)
	// Folder returns the files of a folder. errs.Invalid: it is none.
	Folder(ctx context.Context, d Digest) ([]File, error)
	// Unpack writes bytes, or a folder, to a free path; see [Store.Unpack].
	Unpack(ctx context.Context, d Digest, to string) error
}

var _ API = (*Store)(nil)
