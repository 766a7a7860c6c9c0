// Package azure opens containers of Azure Blob Storage, and of Data Lake Gen2
// accounts, which serve the same protocol beside their own.
//
//	azblob://CONTAINER?account=NAME
//	azblob://CONTAINER?account=NAME&endpoint=http://127.0.0.1:10000/NAME
//	abfss://CONTAINER@NAME.dfs.core.windows.net
//
// The account's key comes from AZURE_STORAGE_KEY, or with the account's name
// from the variables that Chainlit reads: APP_AZURE_STORAGE_ACCOUNT and
// APP_AZURE_STORAGE_ACCESS_KEY. Without a key the vendor's chain is used
// (environment, workload identity, managed identity, command line).
package azure

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"gocloud.dev/blob/azureblob"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// Open opens the container that a URL names. It does not look whether the
// container is there: that shows at its first use.
func Open(_ context.Context, u *url.URL, opt blob.Options) (*blob.Bucket, error) {
	a, err := parse(u)
	if err != nil {
		return nil, err
	}
	client, sign, err := a.dial()
	if err != nil {
		return nil, err
	}
	b, err := azureblob.OpenBucket(context.Background(), client, nil)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the container cannot be opened")
	}
	return blob.New(blob.Drive{Bucket: b, Name: objectName, Sign: sign}, opt), nil
}

// account is where a container is and who may enter.
type account struct {
	name, key, endpoint, container string
}

func parse(u *url.URL) (account, error) {
	q, err := blob.Parameters(u, "account", "endpoint")
	if err != nil {
		return account{}, err
	}
	a := account{container: u.Host, name: q.Get("account"), endpoint: q.Get("endpoint")}
	if host, ok := strings.CutSuffix(u.Host, ".dfs.core.windows.net"); ok && u.User != nil {
		a.container, a.name = u.User.Username(), host
	}
	if a.name == "" {
		a.name = first(os.Getenv("AZURE_STORAGE_ACCOUNT"), os.Getenv("APP_AZURE_STORAGE_ACCOUNT"))
	}
	if a.name == "" {
		return a, errs.Field(errs.Invalid, "elements", "needs an account: azblob://CONTAINER?account=NAME, or AZURE_STORAGE_ACCOUNT")
	}
	if a.endpoint == "" {
		a.endpoint = "https://" + a.name + ".blob.core.windows.net"
	}
	a.endpoint = strings.TrimSuffix(a.endpoint, "/")
	a.key = os.Getenv("AZURE_STORAGE_KEY")
	if a.key == "" && a.name == os.Getenv("APP_AZURE_STORAGE_ACCOUNT") {
		a.key = os.Getenv("APP_AZURE_STORAGE_ACCESS_KEY")
	}
	return a, nil
}

func (a account) dial() (*container.Client, signer, error) {
	at := a.endpoint + "/" + a.container
	if a.key != "" {
		cred, err := azblob.NewSharedKeyCredential(a.name, a.key)
		if err != nil {
			// The library's words may hold a part of the key.
			return nil, nil, errs.New(errs.Invalid, "the key of the Azure account cannot be read; it is base64")
		}
		client, err := container.NewClientWithSharedKeyCredential(at, cred, nil)
		if err != nil {
			return nil, nil, errs.Wrap(errs.Invalid, err, "the address of the Azure account cannot be used")
		}
		return client, a.signWithKey(cred), nil
	}
	cred, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, nil, errs.Wrap(errs.Unauthenticated, err, "there are no credentials for Azure; set AZURE_STORAGE_KEY or log in")
	}
	client, err := container.NewClient(at, cred, nil)
	if err != nil {
		return nil, nil, errs.Wrap(errs.Invalid, err, "the address of the Azure account cannot be used")
	}
	svc, err := service.NewClient(a.endpoint, cred, nil)
	if err != nil {
		return nil, nil, errs.Wrap(errs.Invalid, err, "the address of the Azure account cannot be used")
	}
	return client, a.signWithDelegation(&delegation{client: svc}), nil
}

// objectName is the name of a key's object. Azure takes some characters ill; the
// bucket's library writes them as __0xHEX__, and the name that is signed must be
// the one that is stored.
func objectName(key string) string {
	var b strings.Builder
	runes := []rune(key)
	for i, c := range runes {
		dots := i > 1 && c == '/' && runes[i-1] == '.' && runes[i-2] == '.'
		if c < 32 || strings.ContainsRune("\\\"#%?\x7f", c) || dots || (c == '/' && i == len(runes)-1) {
			fmt.Fprintf(&b, "__%#x__", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
