// Package azure opens containers of Azure Blob Storage, and of Data Lake Gen2
// accounts, which serve the same protocol beside their own.
//
//	azblob://CONTAINER?account=NAME
//	azblob://CONTAINER?account=NAME&endpoint=http://127.0.0.1:10000/NAME
//	abfss://CONTAINER@NAME.dfs.core.windows.net
//
// Who may enter is looked for in this order: the account's key in
// AZURE_STORAGE_KEY, or with its name in the variables that Chainlit reads
// (APP_AZURE_STORAGE_ACCOUNT and APP_AZURE_STORAGE_ACCESS_KEY), or either in
// AZURE_STORAGE_CONNECTION_STRING; a shared access signature in
// AZURE_STORAGE_SAS_TOKEN; the vendor's chain (environment, workload identity,
// managed identity, command line), for which the service delegates a key that
// signs URLs. A shared access signature cannot sign others, so that signed URLs
// lead to Varve's own server then.
package azure

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// Open is a blob.Opener.
func Open(_ context.Context, u *url.URL, opt blob.Options) (*blob.Bucket, error) {
	a, err := parse(u, os.Getenv)
	if err != nil {
		return nil, err
	}
	d, err := a.drive(nil, nil)
	if err != nil {
		return nil, err
	}
	return blob.New(d, opt), nil
}

// account is where a container is and who may enter.
type account struct {
	name, key, token    string
	endpoint, container string
}

func parse(u *url.URL, env func(string) string) (account, error) {
	q, err := blob.Parameters(u, "account", "endpoint")
	if err != nil {
		return account{}, err
	}
	a := account{container: u.Host, name: q.Get("account")}
	if a.endpoint, err = blob.Endpoint("endpoint", q.Get("endpoint")); err != nil {
		return a, err
	}
	if err := a.lake(u); err != nil {
		return a, err
	}
	if err := a.secrets(env); err != nil {
		return a, err
	}
	if !containerName.MatchString(a.container) {
		return a, errs.Field(errs.Invalid, "elements", "%q cannot be a container's name: those have 3 to 63 lower-case letters, digits and hyphens", a.container)
	}
	return a, nil
}

// containerName is Azure's rule, but for its finer points; $root and $web are
// containers that it makes itself.
var containerName = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\$root|\$web)$`)

// lake reads the URLs of Data Lake accounts. Their names are those of Blob
// Storage with another word in them.
func (a *account) lake(u *url.URL) error {
	if u.Scheme != "abfss" {
		if u.User != nil {
			return errs.Field(errs.Invalid, "elements", "cannot be read; write azblob://CONTAINER?account=NAME")
		}
		return nil
	}
	name, suffix, ok := strings.Cut(u.Hostname(), ".dfs.")
	if !ok || u.User == nil || u.User.Username() == "" {
		return errs.Field(errs.Invalid, "elements", "cannot be read; write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net")
	}
	a.container, a.name = u.User.Username(), name
	if a.endpoint == "" {
		a.endpoint = "https://" + name + ".blob." + suffix
	}
	return nil
}

// secrets completes an account from the environment.
func (a *account) secrets(env func(string) string) error {
	connection, err := connectionString(env("AZURE_STORAGE_CONNECTION_STRING"))
	if err != nil {
		return err
	}
	a.name = first(a.name, env("AZURE_STORAGE_ACCOUNT"), env("APP_AZURE_STORAGE_ACCOUNT"), connection["AccountName"])
	if a.name == "" {
		return errs.Field(errs.Invalid, "elements", "needs an account: azblob://CONTAINER?account=NAME, or AZURE_STORAGE_ACCOUNT")
	}
	a.key = env("AZURE_STORAGE_KEY")
	if a.key == "" && a.name == env("APP_AZURE_STORAGE_ACCOUNT") {
		a.key = env("APP_AZURE_STORAGE_ACCESS_KEY")
	}
	a.token = strings.TrimPrefix(env("AZURE_STORAGE_SAS_TOKEN"), "?")
	if a.name == first(connection["AccountName"], a.name) {
		a.endpoint = first(a.endpoint, strings.TrimSuffix(connection["BlobEndpoint"], "/"))
		a.key = first(a.key, connection["AccountKey"])
		a.token = first(a.token, connection["SharedAccessSignature"])
	}
	if a.endpoint == "" {
		a.endpoint = "https://" + a.name + ".blob." + first(connection["EndpointSuffix"], "core.windows.net")
	}
	return nil
}

// connectionString takes apart what Azure's portal shows: NAME=VALUE;….
func connectionString(s string) (map[string]string, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.Trim(s, "; \n"), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok && part != "" {
			return nil, errs.New(errs.Invalid, "AZURE_STORAGE_CONNECTION_STRING is NAME=VALUE;NAME=VALUE;…")
		}
		parts[name] = value
	}
	return parts, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
