// Package blob keeps bytes under keys, on gocloud.dev/blob: a local folder by
// default, any bucket that library drives otherwise. What is written is
// streamed, and is there whole or not at all.
//
//	files, err := blob.OpenFolder("varve-data/elements", blob.Options{Secret: secret})
//	_, err = files.Write(ctx, "user/element/name.png", r, "image/png")
//	url, err := files.SignedURL(ctx, "user/element/name.png", "name.png", "image/png")
//
// The packages below it open buckets of one kind each; they are linked by who
// names them, since a cloud's library is large.
package blob

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"mime"
	"syscall"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/varvedb/varve/blob/media"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// How long a signed URL works: by default as long as Chainlit's do, and at most
// so long that every kind of bucket can sign it, also with a key that it gives
// out for a week.
const (
	DefaultTTL = time.Hour
	MaxTTL     = 6 * 24 * time.Hour
)

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
	// Within goes before every key in a bucket that several databases share.
	Within string
	// Past are folders in which the bytes lay before, each whatever Within is.
	// What is not in the bucket is read there, in this order, and what is deleted
	// goes there too; nothing is written to them. Those that are missing, or are
	// the bucket itself, do not count.
	Past []string
	// Through makes signed URLs lead to Varve's own server, which passes the
	// bytes on, for buckets that browsers cannot reach.
	Through bool
	TTL     time.Duration // 0: DefaultTTL
	Now     func() time.Time
}

// Bucket is an open place for bytes. It is safe for concurrent use.
type Bucket struct {
	drive Drive
	opt   Options
	past  []*Bucket
}

var _ chat.Files = (*Bucket)(nil)

// A Drive is what one kind of bucket has of its own.
type Drive struct {
	Bucket *blob.Bucket
	// Name gives the name of the object that a key lies under; nil: the key.
	Name func(key string) string
	// Uploads tells that an upload that fails leaves nothing by itself. It is for
	// a library whose writer panics when one fails.
	Uploads bool
	// Take puts the object of one name under another, unless there is one, which
	// is errs.Exists; it is for a library that only looks before it writes. nil:
	// the library's condition holds among all who write.
	Take func(from, to string) error
	// Written is called when an object was written; nil: there is nothing to do.
	Written func(name string) error
	// Sign makes a URL that reads a key for a time; nil: there are none, and
	// signed URLs lead to Varve's own server, which judges them.
	Sign func(ctx context.Context, key string, l Link) (string, error)
	// Delete deletes a key; nil: the library does.
	Delete func(ctx context.Context, key string) error
	// Check tells whether bytes can be written, for a place that answers in any
	// case; nil: it is asked for a key that is not there.
	Check func() error
	// Local tells that it costs nothing to ask whether a key is there.
	Local bool
	// Explain gives an error of the bucket's a kind and names the remedy; nil
	// when it does not know better than the library. errs.NotFound is for a
	// missing object only: a missing bucket is errs.Unavailable.
	Explain func(err error) error
}

// Link is what a signed URL tells its reader, and how long it works.
type Link struct {
	Name string // of the file
	MIME string
	TTL  time.Duration
}

// Shown is the type and the disposition with which the link's reader gets the
// bytes: a cloud's answers come from another origin than the application's, and
// are as careful all the same.
func (l Link) Shown() (mime, disposition string) {
	mime, shown := media.Safe(l.MIME)
	return mime, media.Disposition(shown, l.Name)
}

// New makes a bucket out of a drive.
func New(d Drive, opt Options) *Bucket {
	opt = opt.withDefaults()
	name := d.Name
	if name == nil {
		name = func(key string) string { return key }
	}
	d.Name = func(key string) string { return name(opt.Within + key) }
	if d.Delete == nil {
		d.Delete = func(ctx context.Context, key string) error { return d.Bucket.Delete(ctx, name(key)) }
	}
	if d.Explain == nil {
		d.Explain = func(error) error { return nil }
	}
	if opt.Through {
		d.Sign = nil
	}
	if d.Written == nil {
		d.Written = func(string) error { return nil }
	}
	return &Bucket{drive: d, opt: opt}
}

func (o Options) withDefaults() Options {
	if o.Secret == nil {
		o.Secret = make([]byte, 32)
		rand.Read(o.Secret)
	}
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Close releases what the bucket holds.
func (b *Bucket) Close() error {
	err := b.drive.Bucket.Close()
	for _, p := range b.past {
		err = errors.Join(err, p.Close())
	}
	return err
}

// Write implements chat.Files. The bytes are durable when it returns.
func (b *Bucket) Write(ctx context.Context, key string, r io.Reader, mediaType string) (int64, error) {
	name := b.drive.Name(key)
	n, err := b.write(ctx, name, r, &blob.WriterOptions{ContentType: storable(mediaType)})
	if err != nil {
		return 0, err
	}
	return n, b.drive.Written(name)
}

// Create is Write for a key that is free: errs.Exists when there are bytes
// under it at last. Of those who create one key at once, one does.
func (b *Bucket) Create(ctx context.Context, key string, r io.Reader, mediaType string) (n int64, err error) {
	name, opt := b.drive.Name(key), &blob.WriterOptions{ContentType: storable(mediaType)}
	// Whoever refuses an upload on its way may cut the line instead of saying
	// why, so a key that is taken already is not uploaded to.
	if taken, err := b.Exists(ctx, key); err != nil || taken {
		return 0, cmp.Or(err, Taken(nil))
	}
	if b.drive.Take == nil {
		opt.IfNotExist = true
		n, err = b.write(ctx, name, r, opt)
	} else {
		beside := name + "." + rand.Text() + ".tmp"
		if n, err = b.write(ctx, beside, r, opt); err == nil {
			err = b.drive.Take(beside, name)
		}
	}
	if err != nil {
		return 0, err
	}
	return n, b.drive.Written(name)
}

// Taken is the error for a key that is not free.
func Taken(cause error) error {
	return &errs.Error{Kind: errs.Exists, Field: "key", Detail: "there are bytes under this key already", Err: cause}
}

func (b *Bucket) write(ctx context.Context, name string, r io.Reader, opt *blob.WriterOptions) (int64, error) {
	opt.DisableContentTypeDetection = true
	// A bucket's writer commits when it is closed, unless its context ended.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := &source{r: r, broke: cancel}
	var err error
	if b.drive.Uploads {
		err = b.drive.Bucket.Upload(ctx, name, from, opt)
	} else {
		err = b.copy(ctx, cancel, name, from, opt)
	}
	if from.err != nil {
		return 0, broken(from.err)
	}
	switch {
	case err == nil:
		return from.n, nil
	case opt.IfNotExist && gcerrors.Code(err) == gcerrors.FailedPrecondition:
		return 0, Taken(err)
	}
	err = b.classify(err, "write")
	if missing := (*errs.Error)(nil); errs.KindOf(err) == errs.NotFound && errors.As(err, &missing) {
		// Not every server tells a missing bucket from a missing object, but
		// writing needs no object. The chain must not say that one is missing.
		return 0, errs.Wrap(errs.Unavailable, missing.Err, "nothing can be written, since the bucket is not there: make it, or check its name and the endpoint")
	}
	return 0, err
}

func (b *Bucket) copy(ctx context.Context, cancel func(), name string, r io.Reader, opt *blob.WriterOptions) error {
	w, err := b.drive.Bucket.NewWriter(ctx, name, opt)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		cancel()
		w.Close()
		return err
	}
	return w.Close()
}

// source counts what is read, and remembers whose fault it is when that breaks
// off.
type source struct {
	r     io.Reader
	n     int64
	err   error
	broke func()
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
		s.broke()
	}
	return n, err
}

// storable is a media type that every bucket takes: what people call a type is
// not always one, and no upload is lost for it.
func storable(mediaType string) string {
	if _, _, err := mime.ParseMediaType(mediaType); err != nil {
		return "application/octet-stream"
	}
	return mediaType
}

// broken keeps the kind of an error that the source of bytes gave, such as a
// limit that was passed, and calls the others what they are.
func broken(err error) error {
	var e *errs.Error
	if errors.As(err, &e) {
		return err
	}
	return errs.Wrap(errs.Unavailable, err, "the bytes could not be read to their end")
}

// Open implements chat.Files. The body is an io.Seeker.
func (b *Bucket) Open(ctx context.Context, key string) (chat.Content, error) {
	r, err := b.drive.Bucket.NewReader(ctx, b.drive.Name(key), nil)
	if err == nil {
		return chat.Content{Body: r, Size: r.Size(), ModTime: r.ModTime()}, nil
	}
	err = b.classify(err, "read")
	for _, p := range b.past {
		if !errors.Is(err, errs.NotFound) {
			break
		}
		var c chat.Content
		if c, err = p.Open(ctx, key); err == nil {
			return c, nil
		}
	}
	return chat.Content{}, err
}

// Delete implements chat.Files.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.classify(b.drive.Delete(ctx, b.opt.Within+key), "delete")
	if errors.Is(err, errs.NotFound) {
		err = nil
	}
	for _, p := range b.past {
		err = errors.Join(err, p.Delete(ctx, key))
	}
	return err
}

// Exists tells whether there are bytes under a key.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	ok, err := b.drive.Bucket.Exists(ctx, b.drive.Name(key))
	err = b.classify(err, "read")
	for _, p := range b.past {
		if ok || err != nil {
			break
		}
		ok, err = p.Exists(ctx, key)
	}
	return ok, err
}

// Check tells whether the bucket is there and answers: it asks for a key that
// is not there. Of a folder it tells whether it can be written. errs.Forbidden may mean no more than that the credentials do
// not tell a missing object from a forbidden one.
func (b *Bucket) Check(ctx context.Context) error {
	if b.drive.Check != nil {
		return b.drive.Check()
	}
	r, err := b.drive.Bucket.NewReader(ctx, b.drive.Name("varve-check"), nil)
	if err == nil {
		return r.Close()
	}
	if err := b.classify(err, "answer"); !errors.Is(err, errs.NotFound) {
		return err
	}
	return nil
}

// classify gives an error of the library a kind: as the bucket explains it,
// else by the library's code.
func (b *Bucket) classify(err error, doing string) error {
	if err == nil {
		return nil
	}
	if explained := b.drive.Explain(err); explained != nil {
		return explained
	}
	return classify(err, doing)
}

func classify(err error, doing string) error {
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound, errors.Is(err, fs.ErrNotExist):
		return errs.Wrap(errs.NotFound, err, "there are no bytes under this key")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errs.Wrap(errs.Unavailable, err, "the call was given up")
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errs.Wrap(errs.Unavailable, err, "the disk of the place for bytes is full; free some space on it and try again")
	}
	return errs.Wrap(errs.Unavailable, err, "the place for bytes failed to %s; look at its disk space and permissions", doing)
}
