package blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/varvedb/varve/errs"
)

// A signed URL to a folder's file is
//
//	BASE/v1/objects/KEY?expires=UNIX&name=NAME&type=MIME&signature=MAC
//
// with KEY as one escaped path segment. The MAC is HMAC-SHA-256 in unpadded URL
// base64; it covers every part that decides what the reader gets, each with its
// length before it, so that nothing moves from one part into another.

// SignedURL implements chat.Files. errs.NotFound when there are no such bytes
// here: the address that a row has may then be the better one.
func (b *Bucket) SignedURL(ctx context.Context, key, name, mime string) (string, error) {
	ok, err := b.Exists(ctx, key)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errs.New(errs.NotFound, "there are no bytes under this key")
	}
	return b.Sign(ctx, key, name, mime, 0)
}

// Sign makes a signed URL that works for ttl, 0 being the default, without
// looking whether the bytes are there.
func (b *Bucket) Sign(_ context.Context, key, name, mime string, ttl time.Duration) (string, error) {
	if ttl == 0 {
		ttl = b.opt.TTL
	}
	expires := strconv.FormatInt(b.opt.Now().Add(ttl).Unix(), 10)
	q := url.Values{"expires": {expires}, "name": {name}, "type": {mime}}
	if b.opt.Database != "" {
		q.Set("database", b.opt.Database)
	}
	q.Set("signature", base64.RawURLEncoding.EncodeToString(b.mac(key, q)))
	return b.opt.Base + "/v1/objects/" + url.PathEscape(key) + "?" + q.Encode(), nil
}

// Verify judges the query of a signed URL to a key: errs.Forbidden when it was
// not made here for this key, name and type, or is over.
func (b *Bucket) Verify(key string, q url.Values) error {
	got, err := base64.RawURLEncoding.DecodeString(q.Get("signature"))
	if err != nil || !hmac.Equal(got, b.mac(key, q)) {
		return errs.Field(errs.Forbidden, "signature", "the signature is not of this URL")
	}
	// The signature holds, so the time is one of ours.
	expires, _ := strconv.ParseInt(q.Get("expires"), 10, 64)
	if b.opt.Now().Unix() >= expires {
		return errs.Field(errs.Forbidden, "expires", "the URL is over; ask for a new one")
	}
	return nil
}

func (b *Bucket) mac(key string, q url.Values) []byte {
	mac := hmac.New(sha256.New, b.opt.Secret)
	for _, part := range []string{"objects", key, q.Get("name"), q.Get("type"), q.Get("database"), q.Get("expires")} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return mac.Sum(nil)
}
