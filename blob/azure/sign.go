package azure

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

type signer = func(ctx context.Context, key string, l blob.Link) (string, error)

// grant is a shared access signature that reads one object.
func (a account) grant(name string, l blob.Link) sas.BlobSignatureValues {
	mime, disposition := l.Shown()
	protocol := sas.ProtocolHTTPS
	if strings.HasPrefix(a.endpoint, "http:") {
		protocol = sas.ProtocolHTTPSandHTTP
	}
	// Without a start, so that a clock that is a little fast does not matter.
	return sas.BlobSignatureValues{Protocol: protocol, ExpiryTime: time.Now().UTC().Add(l.TTL),
		Permissions:   (&sas.BlobPermissions{Read: true}).String(),
		ContainerName: a.container, BlobName: name, ContentType: mime, ContentDisposition: disposition}
}

func (a account) address(name string, q sas.QueryParameters) string {
	return a.endpoint + "/" + a.container + "/" + escapedPath(name) + "?" + q.Encode()
}

// signWithKey costs no call.
func (a account) signWithKey(cred *azblob.SharedKeyCredential) signer {
	return func(_ context.Context, key string, l blob.Link) (string, error) {
		q, err := a.grant(key, l).SignWithSharedKey(cred)
		if err != nil {
			return "", errs.Wrap(errs.Internal, err, "the URL cannot be signed")
		}
		return a.address(key, q), nil
	}
}

// signWithDelegation costs a call now and then: the key that signs for an
// identity is given out by the service, and kept.
func (a account) signWithDelegation(d *delegation) signer {
	return func(ctx context.Context, key string, l blob.Link) (string, error) {
		cred, err := d.credential(ctx, l.TTL)
		if err != nil {
			return "", err
		}
		q, err := a.grant(key, l).SignWithUserDelegation(cred)
		if err != nil {
			return "", errs.Wrap(errs.Internal, err, "the URL cannot be signed")
		}
		return a.address(key, q), nil
	}
}

// delegation keeps the key that signs for an identity.
type delegation struct {
	ask     func(context.Context, service.KeyInfo, *service.GetUserDelegationCredentialOptions) (*service.UserDelegationCredential, error)
	explain func(error) error
	mu      sync.Mutex
	cred    *service.UserDelegationCredential
	until   time.Time
}

// keyLife is how long a delegated key is asked for, beside the life of a URL;
// the service gives at most a week.
const (
	keyLife = 24 * time.Hour
	longest = 7 * 24 * time.Hour
)

// credential returns a key that outlives a URL of a time to live.
func (d *delegation) credential(ctx context.Context, ttl time.Duration) (*service.UserDelegationCredential, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now().UTC()
	if d.cred != nil && !now.Add(ttl).After(d.until) {
		return d.cred, nil
	}
	start, until := now.Add(-5*time.Minute), now.Add(min(keyLife+ttl, longest-time.Hour))
	from, to := start.Format(sas.TimeFormat), until.Format(sas.TimeFormat)
	cred, err := d.ask(ctx, service.KeyInfo{Start: &from, Expiry: &to}, nil)
	if err != nil {
		err = d.explain(err)
		if errs.KindOf(err) == errs.Forbidden {
			err = errs.Wrap(errs.Forbidden, err, "Azure gives this identity no key to sign URLs with: it needs the role Storage Blob Delegator on the account; links=server does without")
		}
		return nil, err
	}
	d.cred, d.until = cred, until
	return cred, nil
}
