package azure

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"gocloud.dev/blob/azureblob"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// drive opens the container. who calls when there is neither key
// nor token, nil being the vendor's chain; transport carries the calls, nil
// being the vendor's.
func (a account) drive(who azcore.TokenCredential, transport policy.Transporter) (blob.Drive, error) {
	client, sign, err := a.dial(who, transport)
	if err != nil {
		return blob.Drive{}, err
	}
	b, err := azureblob.OpenBucket(context.Background(), client, nil)
	if err != nil {
		return blob.Drive{}, errs.Wrap(errs.Invalid, err, "the container cannot be opened")
	}
	return blob.Drive{Bucket: b, Name: veil, Uploads: true, Sign: sign, Explain: a.explain}, nil
}

func (a account) dial(who azcore.TokenCredential, transport policy.Transporter) (*container.Client, signer, error) {
	at := a.endpoint + "/" + a.container
	core := policy.ClientOptions{Transport: transport, PerCallPolicies: []policy.Policy{unveil{at}},
		// Whoever names an endpoint without TLS has no token to lose there.
		InsecureAllowCredentialWithHTTP: strings.HasPrefix(at, "http://")}
	opt := &container.ClientOptions{ClientOptions: core}
	switch {
	case a.key != "":
		cred, err := azblob.NewSharedKeyCredential(a.name, a.key)
		if err != nil {
			// Not the cause: it may repeat a part of the key.
			return nil, nil, errs.New(errs.Invalid, "the key of the Azure account cannot be read: it is base64")
		}
		client, err := container.NewClientWithSharedKeyCredential(at, cred, opt)
		return client, a.signWithKey(cred), unusable(err)
	case a.token != "":
		client, err := container.NewClientWithNoCredential(at+"?"+a.token, opt)
		return client, nil, unusable(err)
	}
	if who == nil {
		chain, err := azidentity.NewDefaultAzureCredential(nil)
		if err != nil {
			return nil, nil, (&nobody{err}).explain()
		}
		who = chain
	}
	who = identity{who}
	client, err := container.NewClient(at, who, opt)
	if err != nil {
		return nil, nil, unusable(err)
	}
	core.PerCallPolicies = nil
	svc, err := service.NewClient(a.endpoint, who, &service.ClientOptions{ClientOptions: core})
	if err != nil || !a.namesItself() {
		return client, nil, unusable(err)
	}
	return client, a.signWithDelegation(&delegation{ask: svc.GetUserDelegationCredential, explain: a.explain}), nil
}

// namesItself tells whether the endpoint's host begins with the account's name.
// The library reads the name there when it signs with a delegated key; signed
// URLs lead to Varve's own server where it is not.
func (a account) namesItself() bool {
	_, host, _ := strings.Cut(a.endpoint, "://")
	return strings.HasPrefix(host, a.name+".")
}

func unusable(err error) error {
	if err == nil {
		return nil
	}
	return errs.New(errs.Invalid, "the address of the Azure account cannot be used") // the cause may hold a token
}

// The bucket's library writes names that it takes for awkward otherwise than
// they are, and Chainlit's layers do not: a file "50%.pdf" of theirs would not
// be found. So it is given names without anything awkward, and they are put
// right in the request.

func veil(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

// unveil is the policy that puts names right.
type unveil struct{ container string }

func (v unveil) Do(req *policy.Request) (*http.Response, error) {
	u := req.Raw().URL
	base, err := url.Parse(v.container)
	if err != nil {
		return nil, err
	}
	if veiled, ok := strings.CutPrefix(u.Path, base.Path+"/"); ok {
		name, err := base64.RawURLEncoding.DecodeString(veiled)
		if err != nil {
			return nil, err
		}
		u.Path = base.Path + "/" + string(name)
		u.RawPath = base.EscapedPath() + "/" + escapedPath(string(name))
	}
	return req.Next()
}

// escapedPath is a name in a URL; its slashes stay.
func escapedPath(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), "%2F", "/")
}
