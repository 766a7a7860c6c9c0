package artifact

import (
	"context"
	"io"
	"time"
)

// Entry is what the index knows of bytes.
type Entry struct {
	Digest    Digest
	Size      int64
	MediaType string
	// Place is where they lie in the bucket. It is made from chance, so that a
	// sweep which removes bytes never meets those of a write that brings the
	// same ones back.
	Place string
	// Parts are further bytes that these need: the files of a folder.
	Parts []Digest
	// Touched is when somebody last wanted them kept.
	Touched time.Time
}

// Note says that there may be bytes at a place that no entry names: they are
// being written, or being removed.
type Note struct {
	Place string
	At    time.Time
}

// Index is what a metadata store implements. Every method is one transaction.
type Index interface {
	// Entry is what is known of bytes. errs.NotFound: they are not kept.
	Entry(ctx context.Context, d Digest) (Entry, error)
	// Entries lists what is kept in the order of digests, from just after one.
	Entries(ctx context.Context, after Digest, limit int) ([]Entry, error)
	// Begin notes that a place is about to be written.
	Begin(ctx context.Context, n Note) error
	// Keep adds an entry and ends the note of its place. errs.Exists: there is
	// one for the digest, which is touched now, and the note stays.
	// errs.NotFound: one of its parts is not kept. errs.Conflict: the place is
	// doomed or has no note.
	Keep(ctx context.Context, e Entry) error
	// Touch says that somebody wants bytes kept. errs.NotFound.
	Touch(ctx context.Context, d Digest, now time.Time) error
	// End forgets a note.
	End(ctx context.Context, place string) error
	// Doom returns notes made before a time, at most limit, and sees to it that
	// nobody keeps anything at their places any more.
	Doom(ctx context.Context, before time.Time, limit int) ([]Note, error)
	// Unused lists entries last touched before a time that no record names and
	// that are no part of others, in the order of digests, from just after one.
	Unused(ctx context.Context, before time.Time, after Digest, limit int) ([]Entry, error)
	// Forget removes an entry and notes its place as doomed. errs.Conflict: it
	// was touched since, or somebody names it. errs.NotFound.
	Forget(ctx context.Context, e Entry, now time.Time) error
}

// Bucket keeps bytes under keys; package blob serves it.
type Bucket interface {
	// Write stores what r gives under key, whole or not at all, and returns
	// the number of bytes. They are durable then.
	Write(ctx context.Context, key string, r io.Reader) (int64, error)
	// Open opens what is under a key; errs.NotFound when there is nothing.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes what is under a key; nothing is no error.
	Delete(ctx context.Context, key string) error
}
