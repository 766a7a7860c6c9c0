package gcs

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"time"

	"cloud.google.com/go/storage"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// signer makes V4 signed URLs: with a key at hand for nothing, else by a call
// of the service that signs for an identity.
type signer struct {
	bucket   *storage.BucketHandle
	email    string
	key      *rsa.PrivateKey // nil: the service is asked
	host     string          // "": Google's
	insecure bool
	now      func() time.Time
}

func (s signer) sign(_ context.Context, key string, l blob.Link) (string, error) {
	mime, disposition := l.Shown()
	expires := s.now().Add(l.TTL + time.Second/2) // the library takes whole seconds of what is left
	o := &storage.SignedURLOptions{Scheme: storage.SigningSchemeV4, Method: http.MethodGet, Expires: expires,
		QueryParameters: url.Values{"response-content-type": {mime}, "response-content-disposition": {disposition}},
		Hostname:        s.host, Insecure: s.insecure, Style: storage.PathStyle()}
	if s.key != nil {
		o.GoogleAccessID, o.SignBytes = s.email, s.signBytes
	}
	signed, err := s.bucket.SignedURL(objectName(key), o)
	if err != nil {
		return "", errs.Wrap(errs.Unauthenticated, err, "URLs to the bucket cannot be signed: give a service account with its key, or the role Service Account Token Creator on itself; links=server does without")
	}
	return signed, nil
}

func (s signer) signBytes(b []byte) ([]byte, error) {
	sum := sha256.Sum256(b)
	return rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
}

// privateKey reads the key of a service account; nil when it has none.
func privateKey(text string) (*rsa.PrivateKey, error) {
	if text == "" {
		return nil, nil
	}
	unreadable := errs.New(errs.Invalid, "the private key of the service account cannot be read: it begins with -----BEGIN PRIVATE KEY-----")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, unreadable // without the cause, which may repeat a part of it
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, unreadable
	}
	return key, nil
}

// objectName is the name of a key's object.
func objectName(key string) string {
	return blob.Escape(key, func(c rune) bool { return c == '\n' || c == '\r' })
}
