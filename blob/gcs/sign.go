package gcs

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
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

// like is what the bucket's library takes for a character it wrote itself.
var like = regexp.MustCompile(`^__0x\+?[0-9A-Fa-f]+__`)

// objectName is the name of a key's object, as the bucket's library writes it:
// the name that is signed must be the one that is stored. It is the key itself
// but for what Google does not take, and what looks like it was written so.
func objectName(key string) string {
	var b strings.Builder
	for i, c := range key {
		switch {
		case c == '\n':
			b.WriteString("__0xa__")
		case c == '\r':
			b.WriteString("__0xd__")
		case c == '/' && strings.HasSuffix(key[:i], ".."):
			b.WriteString("__0x2f__")
		case c == '_' && like.MatchString(key[i:]):
			b.WriteString("__0x5f__")
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
