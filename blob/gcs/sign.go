package gcs

import (
	"context"
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
	account  serviceAccount
	host     string // "": Google's
	insecure bool
	now      func() time.Time
}

func (s signer) sign(_ context.Context, key string, l blob.Link) (string, error) {
	mime, disposition := l.Shown()
	expires := s.now().Add(l.TTL + time.Second/2) // the library takes whole seconds of what is left
	o := &storage.SignedURLOptions{Scheme: storage.SigningSchemeV4, Method: http.MethodGet, Expires: expires,
		QueryParameters: url.Values{"response-content-type": {mime}, "response-content-disposition": {disposition}},
		Hostname:        s.host, Insecure: s.insecure, Style: storage.PathStyle()}
	if s.account.Key != "" {
		o.GoogleAccessID, o.PrivateKey = s.account.Email, []byte(s.account.Key)
	}
	signed, err := s.bucket.SignedURL(objectName(key), o)
	if err != nil {
		// Not the cause: it may repeat a part of the key.
		return "", errs.New(errs.Unauthenticated, "URLs to the bucket cannot be signed: give a service account with its key, or the role Service Account Token Creator on itself; links=server does without")
	}
	return signed, nil
}

// objectName is the name of a key's object.
func objectName(key string) string {
	return blob.Escape(key, func(c rune) bool { return c == '\n' || c == '\r' })
}
