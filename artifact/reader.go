package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/varvedb/varve/errs"
)

// Reader reads and verifies bytes, for one goroutine.
type Reader struct {
	Info
	body  io.ReadCloser
	whole hash.Hash
	left  int64 // bytes that have not been read
	err   error // what every further read returns
	// tail is what is held back until the digest is known: the end of the
	// bytes, so that nobody has all of them without having them right.
	tail []byte
}

// NewReader reads bytes that come from elsewhere, and are to be those of i.
func NewReader(i Info, body io.ReadCloser) *Reader {
	return &Reader{Info: i, body: body, whole: sha256.New(), left: i.Size}
}

// Close gives back what reading needs.
func (r *Reader) Close() error { return r.body.Close() }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.left > chunk {
		return r.pass(p[:min(int64(len(p)), r.left-chunk)])
	}
	if r.tail == nil && r.err == nil {
		r.err = r.finish()
	}
	if r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.tail)
	if r.tail = r.tail[n:]; len(r.tail) == 0 {
		r.err = io.EOF
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// pass hands bytes on that are not the last.
func (r *Reader) pass(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.body.Read(p)
	r.whole.Write(p[:n])
	r.left -= int64(n)
	if errors.Is(err, io.EOF) { // it ends too early
		err = r.damaged()
	}
	r.err = err
	return n, err
}

// finish reads the rest and decides.
func (r *Reader) finish() error {
	r.tail = make([]byte, r.left)
	if _, err := io.ReadFull(r.body, r.tail); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damaged()
	} else if err != nil {
		return err
	}
	r.whole.Write(r.tail)
	if n, err := r.body.Read(make([]byte, 1)); n > 0 || Digest(hex.EncodeToString(r.whole.Sum(nil))) != r.Digest {
		return r.damaged()
	} else if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (r *Reader) damaged() error {
	return errs.New(errs.Internal, "the bytes of the artifact %s are damaged: their hash is another; restore them from a backup", r.Digest)
}
