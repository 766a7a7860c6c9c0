package blob

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Opener opens a bucket of one kind that a URL names.
type Opener func(ctx context.Context, u *url.URL, opt Options) (*Bucket, error)

// Open opens what a URL names: a folder by its path, "file:" or "filesystem:"
// URL, and what the openers, by scheme, can open. Errors do not repeat the
// URL's parameters.
func Open(ctx context.Context, address string, openers map[string]Opener, opt Options) (*Bucket, error) {
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok || len(scheme) < 2 || strings.ContainsAny(scheme, "/\\.") {
		return OpenFolder(address, opt)
	}
	if scheme == "file" || scheme == "filesystem" {
		return OpenFolder(strings.TrimPrefix(rest, "//"), opt)
	}
	open := openers[scheme]
	if open == nil {
		return nil, errs.Field(errs.Unsupported, "elements", "this program cannot open a bucket of the kind %q", scheme)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errs.Field(errs.Invalid, "elements", "cannot be read; write %s://BUCKET", scheme)
	}
	return open(ctx, u, opt)
}

// Parameters refuses parameters of a bucket's URL that its kind does not know.
func Parameters(u *url.URL, known ...string) (url.Values, error) {
	q := u.Query()
	for name := range q {
		if !slices.Contains(known, name) {
			return nil, errs.Field(errs.Invalid, "elements", "there is no parameter %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	return q, nil
}

// ChainlitURL names the bucket that Chainlit's own environment names, "" when
// it names none or more than one, as Chainlit does.
func ChainlitURL(env func(string) string) string {
	set := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return env(name) == "" })
	}
	var found []string
	if set("APP_AWS_ACCESS_KEY", "APP_AWS_SECRET_KEY", "APP_AWS_REGION") {
		found = append(found, "s3")
	}
	if set("APP_GCS_PROJECT_ID") {
		found = append(found, "gs")
	}
	if set("APP_AZURE_STORAGE_ACCOUNT", "APP_AZURE_STORAGE_ACCESS_KEY") {
		found = append(found, "azblob")
	}
	if len(found) != 1 || !set("BUCKET_NAME") {
		return ""
	}
	return found[0] + "://" + env("BUCKET_NAME")
}
