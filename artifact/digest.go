package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Digest is the address of bytes: their SHA-256, as 64 hexadecimal digits in
// lower case.
type Digest string

// mark goes before a digest where a record or a row names bytes.
const mark = "&:blob:"

// ParseDigest reads a digest, with or without the mark of a reference.
func ParseDigest(s string) (Digest, error) {
	d := strings.TrimPrefix(s, mark)
	if len(d) != 2*sha256.Size || strings.Trim(d, "0123456789abcdef") != "" {
		return "", errs.Field(errs.Invalid, "digest", "is no SHA-256: it has 64 digits, 0 to 9 and a to f")
	}
	return Digest(d), nil
}

// Ref is how records and rows name the bytes: "&:blob:" and the digest.
func (d Digest) Ref() string { return mark + string(d) }

// IsRef tells whether a text is a reference to bytes.
func IsRef(s string) bool {
	d, ok := strings.CutPrefix(s, mark)
	if !ok {
		return false
	}
	_, err := ParseDigest(d)
	return err == nil
}

// Sum tells what the address of bytes is, and how many they are, and stores
// nothing.
func Sum(ctx context.Context, r io.Reader) (Digest, int64, error) {
	whole := sha256.New()
	n, err := io.CopyBuffer(whole, newSource(ctx, r), make([]byte, chunk))
	if err != nil {
		return "", 0, unread(err)
	}
	return Digest(hex.EncodeToString(whole.Sum(nil))), n, nil
}

// source reads as long as a context lasts, and counts.
type source struct {
	read func(p []byte) (int, error)
	n    int64
}

func newSource(ctx context.Context, r io.Reader) *source {
	return &source{read: func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	}}
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.read(p)
	s.n += int64(n)
	return n, err
}
