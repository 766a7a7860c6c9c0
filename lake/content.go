package lake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"

	"github.com/varvedb/varve/errs"
)

const (
	// Inline is the size up to which bytes lie in the database: below it a row
	// is as fast as a file, and there is one thing less to back up.
	Inline = 512 << 10
	// Piece is how much is hashed by itself, so that a range can be verified
	// without reading the rest.
	Piece = 1 << 20
)

// Bucket keeps bytes that are too large for a row; package blob serves it.
type Bucket interface {
	// Write stores what r gives under key, whole or not at all, and returns
	// the number of bytes. They are durable then.
	Write(ctx context.Context, key string, r io.Reader) (int64, error)
	// Open opens what is under a key; errs.NotFound when there is nothing.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// Delete removes what is under a key; nothing is no error.
	Delete(ctx context.Context, key string) error
}

// digest is what tells bytes from all others: the hash of the whole, and one
// of each piece.
type digest struct {
	size   int64
	hash   string // SHA-256 in hexadecimal
	pieces []byte // the SHA-256 of each piece, one behind the other; one piece has the hash of the whole
}

// digestOf reads r to its end.
func digestOf(r io.Reader) (d digest, err error) {
	whole, piece := sha256.New(), sha256.New()
	buf := make([]byte, 64<<10)
	for {
		piece.Reset()
		n, err := io.CopyBuffer(io.MultiWriter(whole, piece), io.LimitReader(r, Piece), buf)
		if err != nil {
			return digest{}, err
		}
		if n > 0 {
			d.size += n
			d.pieces = piece.Sum(d.pieces)
		}
		if n < Piece {
			d.hash = hex.EncodeToString(whole.Sum(nil))
			return d, nil
		}
	}
}

// piece is the hash that piece i must have.
func (d *digest) piece(i int64) []byte {
	if end := (i + 1) * sha256.Size; end <= int64(len(d.pieces)) {
		return d.pieces[i*sha256.Size : end]
	}
	return nil
}

// errDamaged is about bytes that are not what was stored. They are never
// handed out.
var errDamaged = errs.New(errs.Internal, "the stored bytes are damaged: their hash is not the one they were stored under; restore them from a backup")

// Reader reads the bytes of one file. Each piece of them is held against its
// hash before any of it leaves, wherever reading starts. It is an
// io.ReadSeeker, for one goroutine at a time.
type Reader struct {
	digest
	body io.ReadSeekCloser
	at   int64 // where reading goes on
	next int64 // where body goes on
	have int64 // the number of the piece in buf, -1 without one
	buf  []byte
}

func newReader(d digest, body io.ReadSeekCloser) *Reader {
	return &Reader{digest: d, body: body, have: -1}
}

// Size is the number of all bytes.
func (r *Reader) Size() int64 { return r.size }

// Close gives back what reading needs.
func (r *Reader) Close() error { return r.body.Close() }

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errs.Field(errs.Invalid, "offset", "is before the first byte")
	}
	r.at = offset
	return offset, nil
}

// Read implements io.Reader. errs.Internal: the bytes that come next are
// damaged.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if err := r.load(r.at / Piece); err != nil {
		return 0, err
	}
	n := copy(p, r.buf[r.at%Piece:])
	r.at += int64(n)
	return n, nil
}

// load brings a piece into buf and verifies it.
func (r *Reader) load(i int64) error {
	if i == r.have {
		return nil
	}
	r.have = -1
	if start := i * Piece; start != r.next {
		if _, err := r.body.Seek(start, io.SeekStart); err != nil {
			return err
		}
		r.next = start
	}
	size := int(min(Piece, r.size-i*Piece))
	r.buf = slices.Grow(r.buf[:0], size)[:size]
	n, err := io.ReadFull(r.body, r.buf)
	r.next += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errDamaged // it ends too early
	}
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(r.buf); !bytes.Equal(sum[:], r.piece(i)) {
		return errDamaged
	}
	r.have = i
	return nil
}
