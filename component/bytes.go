package component

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Bytes is content: held here, or lying in the artifact store and read when
// somebody asks for it.
type Bytes struct {
	Data   []byte
	Digest string // where Data is nil: the SHA-256 of what lies in the artifact store
	Media  string // its media type, as far as it is known

	from Opener // nil: nowhere
}

// Opener is where bytes lie: an artifact store, the client of one, an export.
type Opener interface {
	// Open reads bytes, and verifies them. errs.NotFound: they are not there.
	Open(ctx context.Context, d artifact.Digest) (*artifact.Reader, error)
}

// IsZero tells whether there is nothing.
func (b Bytes) IsZero() bool { return b.Data == nil && b.Digest == "" }

// Sum is the SHA-256 of the content, in hexadecimal.
func (b Bytes) Sum() string {
	if b.Data == nil {
		return b.Digest
	}
	sum := sha256.Sum256(b.Data)
	return hex.EncodeToString(sum[:])
}

// Open reads the content, wherever it lies.
func (b Bytes) Open(ctx context.Context) (io.ReadCloser, error) {
	if b.Data != nil || b.Digest == "" {
		return io.NopCloser(bytes.NewReader(b.Data)), nil
	}
	if b.from == nil {
		return nil, errs.New(errs.Unsupported, "the bytes lie in an artifact store, and this component was not loaded from one")
	}
	return b.from.Open(ctx, artifact.Digest(b.Digest))
}

// Read returns the whole content, wherever it lies.
func (b Bytes) Read(ctx context.Context) ([]byte, error) {
	r, err := b.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// MarshalJSON writes text as text, other bytes as {"base64": "…"}, and what
// lies elsewhere as "&:blob:<sha256>".
func (b Bytes) MarshalJSON() ([]byte, error) {
	switch {
	case b.Data == nil && b.Digest != "":
		return json.Marshal(blobMark + b.Digest)
	case utf8.Valid(b.Data) && !bytes.HasPrefix(b.Data, []byte("&:")):
		return marshal(string(b.Data))
	}
	return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString(b.Data)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (b *Bytes) UnmarshalJSON(raw []byte) error {
	bad := errs.New(errs.Invalid, `is text, {"base64": "…"}, or &:blob: and the SHA-256 of bytes in the artifact store`)
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		if len(text) < len(blobMark) || text[:len(blobMark)] != blobMark {
			*b = Bytes{Data: []byte(text)}
			return nil
		}
		if *b = (Bytes{Digest: text[len(blobMark):]}); !isDigest(b.Digest) {
			return bad
		}
		return nil
	}
	var object map[string]string
	if err := json.Unmarshal(raw, &object); err != nil || len(object) != 1 {
		return bad
	}
	data, err := base64.StdEncoding.DecodeString(object["base64"])
	if err != nil {
		return bad
	}
	*b = Bytes{Data: append([]byte{}, data...)}
	return nil
}
