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
	whole hash.Hash // nil: the caller verifies
	left  int64     // bytes that have not been read
	err   error     // what every further read returns
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

// WriteTo implements io.WriterTo. Some bytes are hashed while they are written
// and the next are read.
func (r *Reader) WriteTo(w io.Writer) (n int64, err error) {
	if r.left > chunk && r.err == nil {
		if n, err = r.stream(w); err != nil {
			return n, err
		}
	}
	for p := make([]byte, chunk); ; {
		some, rerr := r.Read(p)
		if some > 0 {
			wrote, err := w.Write(p[:some])
			if n += int64(wrote); err != nil {
				return n, err
			}
		}
		if rerr != nil {
			if errors.Is(rerr, io.EOF) {
				rerr = nil
			}
			return n, rerr
		}
	}
}

// stream writes all but the last chunk. An error of the bytes is what every
// further read returns, too; one of w is not.
func (r *Reader) stream(w io.Writer) (n int64, err error) {
	sum := beside(r.whole)
	defer sum.end()
	for buffers := [2][]byte{make([]byte, chunk), make([]byte, chunk)}; r.left > chunk; {
		buffers[0], buffers[1] = buffers[1], buffers[0] // the other is being hashed
		p := buffers[0][:min(chunk, r.left-chunk)]
		some, err := io.ReadFull(r.body, p)
		r.left -= int64(some)
		sum.write(p[:some])
		wrote, failed := w.Write(p[:some])
		n += int64(wrote)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it ends too early
			err = r.damaged()
		}
		if r.err = err; err != nil {
			return n, err
		}
		if failed != nil {
			return n, failed
		}
	}
	return n, nil
}

// pass hands bytes on that are not the last.
func (r *Reader) pass(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.body.Read(p)
	r.sum(p[:n])
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
	r.sum(r.tail)
	if n, err := r.body.Read(make([]byte, 1)); n > 0 || !r.right() {
		return r.damaged()
	} else if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (r *Reader) sum(p []byte) {
	if r.whole != nil {
		r.whole.Write(p)
	}
}

// right tells whether the digest of what was read is as it must be.
func (r *Reader) right() bool {
	return r.whole == nil || Digest(hex.EncodeToString(r.whole.Sum(nil))) == r.Digest
}

func (r *Reader) damaged() error {
	return errs.New(errs.Internal, "the bytes of the artifact %s are damaged: their hash is another; restore them from a backup", r.Digest)
}
