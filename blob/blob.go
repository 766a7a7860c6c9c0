// Package blob keeps bytes under keys, on gocloud.dev/blob: a local folder by
// default, any bucket that library drives otherwise. What is written is
// streamed, and is there whole or not at all.
//
//	files, err := blob.OpenFolder("varve-data/elements", blob.Options{Secret: secret})
//	_, err = files.Write(ctx, "user/element/name.png", r, "image/png")
//	url, err := files.SignedURL(ctx, "user/element/name.png", "name.png", "image/png")
package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// DefaultTTL is how long a signed URL works, as long as Chainlit's do.
const DefaultTTL = time.Hour

// Options tune a [Bucket].
type Options struct {
	// Secret signs URLs to a folder; nodes that serve one folder share it. nil:
	// a random one, so that URLs end with the process.
	Secret []byte
	// Base goes before "/v1/objects/…" in signed URLs, as in
	// "https://chat.example.org"; "" makes them relative to the server.
	Base string
	// Database is named in signed URLs, for a server of several; "" is none.
	Database string
	TTL      time.Duration // 0: DefaultTTL
	Now      func() time.Time
}

// Bucket is an open place for bytes. It is safe for concurrent use.
type Bucket struct {
	bucket *blob.Bucket
	dir    string
	opt    Options
}

var _ chat.Files = (*Bucket)(nil)

// OpenFolder opens a local folder, which is made when missing, for its owner
// only. A file in it is named by the SHA-256 of its key, so that no key can
// leave the folder, be too long for the file system, or differ from another by
// case only; what a file is called and is stands in the database.
func OpenFolder(dir string, opt Options) (*Bucket, error) {
	if opt.Secret == nil {
		opt.Secret = make([]byte, 32)
		rand.Read(opt.Secret)
	}
	if opt.TTL == 0 {
		opt.TTL = DefaultTTL
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, Metadata: fileblob.MetadataDontWrite,
		NoTempDir: true, // a rename across file systems would fail
	})
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the folder for bytes cannot be opened")
	}
	return &Bucket{bucket: b, dir: dir, opt: opt}, nil
}

// Close releases what the bucket holds.
func (b *Bucket) Close() error { return b.bucket.Close() }

// name is where a key lies: two levels, since a folder with a million files is
// slow to list and to back up.
func name(key string) string {
	sum := sha256.Sum256([]byte(key))
	hexed := hex.EncodeToString(sum[:])
	return hexed[:2] + "/" + hexed[2:]
}

// Write implements chat.Files. The bytes are on disk when it returns.
func (b *Bucket) Write(ctx context.Context, key string, r io.Reader, mime string) (int64, error) {
	// A bucket's writer commits when it is closed, unless its context ended.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.bucket.NewWriter(ctx, name(key), &blob.WriterOptions{ContentType: mime, DisableContentTypeDetection: true})
	if err != nil {
		return 0, classify(err, "write")
	}
	n, err := io.Copy(w, r)
	if err != nil {
		cancel()
		w.Close()
		return 0, broken(err)
	}
	if err := w.Close(); err != nil {
		return 0, classify(err, "write")
	}
	return n, b.sync(name(key))
}

// broken keeps the kind of an error that the source of bytes gave, such as a
// limit that was passed, and calls the others what they are.
func broken(err error) error {
	var e *errs.Error
	if errors.As(err, &e) {
		return err
	}
	return errs.Wrap(errs.Unavailable, err, "the bytes could not be read or written to their end")
}

// sync puts a file and its folder on disk: the database will say that it is
// there, and keeps its own word over a power cut.
func (b *Bucket) sync(name string) error {
	path := filepath.Join(b.dir, filepath.FromSlash(name))
	for _, p := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(p)
		if err != nil {
			return classify(err, "write")
		}
		err = f.Sync()
		if err := errors.Join(err, f.Close()); err != nil {
			return classify(err, "write")
		}
	}
	return nil
}

// Open implements chat.Files. The body is an io.Seeker.
func (b *Bucket) Open(ctx context.Context, key string) (chat.Content, error) {
	r, err := b.bucket.NewReader(ctx, name(key), nil)
	if err != nil {
		return chat.Content{}, classify(err, "read")
	}
	return chat.Content{Body: r, Size: r.Size(), ModTime: r.ModTime()}, nil
}

// Delete implements chat.Files.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.bucket.Delete(ctx, name(key))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return classify(err, "delete")
}

// Exists tells whether there are bytes under a key.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	ok, err := b.bucket.Exists(ctx, name(key))
	return ok, classify(err, "read")
}

// classify gives an error of the library a kind, by its code.
func classify(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound, errors.Is(err, fs.ErrNotExist):
		return errs.Wrap(errs.NotFound, err, "there are no bytes under this key")
	}
	return errs.Wrap(errs.Unavailable, err, "the place for bytes failed to %s; look at its disk space and permissions", doing)
}
