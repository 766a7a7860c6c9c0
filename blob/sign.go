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

// A signed URL that leads to Varve's own server is
//
//	BASE/v1/objects/KEY?expires=UNIX&name=NAME&type=MIME&signature=MAC
//
// with KEY as one escaped path segment. The MAC is HMAC-SHA-256 in unpadded URL
// base64; it covers every part that decides what the reader gets, each with its
// length before it, so that nothing moves from one part into another.

// SignedURL implements chat.Files. In a folder it is errs.NotFound when there
// are no such bytes: the address that a row has may then be the better one. Of
// a cloud that is not asked, since it would cost a call for each element.
func (b *Bucket) SignedURL(ctx context.Context, key, name, mime string) (string, error) {
	if b.drive.Local {
		ok, err := b.Exists(ctx, key)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", errs.New(errs.NotFound, "there are no bytes under this key")
		}
	}
	return b.Sign(ctx, key, name, mime, 0)
}

// Sign makes a signed URL that works for ttl, 0 being the default, without
// looking whether the bytes are there.
func (b *Bucket) Sign(ctx context.Context, key, name, mime string, ttl time.Duration) (string, error) {
	if ttl == 0 {
		ttl = b.opt.TTL
	}
	l := Link{Name: name, MIME: mime, TTL: ttl}
	if b.drive.Sign == nil {
		return b.opt.signed(key, l), nil
	}
	return b.drive.Sign(ctx, b.opt.Within+key, l)
}

func (o Options) signed(key string, l Link) string {
	expires := strconv.FormatInt(o.Now().Add(l.TTL).Unix(), 10)
	q := url.Values{"expires": {expires}, "name": {l.Name}, "type": {l.MIME}}
	if o.Database != "" {
		q.Set("database", o.Database)
	}
	q.Set("signature", base64.RawURLEncoding.EncodeToString(o.mac(key, q)))
	return o.Base + "/v1/objects/" + url.PathEscape(key) + "?" + q.Encode()
}

// Verify judges the query of a signed URL to a key: errs.Forbidden when it was
// not made here for this key, name and type, or is over, and always where
// signed URLs lead to a cloud.
func (b *Bucket) Verify(key string, q url.Values) error {
	got, err := base64.RawURLEncoding.DecodeString(q.Get("signature"))
	if err != nil || b.drive.Sign != nil || !hmac.Equal(got, b.opt.mac(key, q)) {
		return errs.Field(errs.Forbidden, "signature", "the signature is not of this URL")
	}
	// The signature holds, so the time is one of ours.
	expires, _ := strconv.ParseInt(q.Get("expires"), 10, 64)
	if b.opt.Now().Unix() >= expires {
		return errs.Field(errs.Forbidden, "expires", "the URL is over; ask for a new one")
	}
	return nil
}

func (o Options) mac(key string, q url.Values) []byte {
	mac := hmac.New(sha256.New, o.Secret)
	for _, part := range []string{"objects", key, q.Get("name"), q.Get("type"), q.Get("database"), q.Get("expires")} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return mac.Sum(nil)
}
