package blob

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// Opener opens a bucket of one kind that a URL names. It does not look whether
// the bucket is there; [Bucket.Check] does.
type Opener func(ctx context.Context, u *url.URL, opt Options) (*Bucket, error)

// Open opens what an address names: a folder by its path, "file:" or
// "filesystem:" URL, and what the openers, by scheme, can open. The parameter
// links=server means [Options.Through]. Errors do not repeat the address.
func Open(ctx context.Context, address string, openers map[string]Opener, opt Options) (*Bucket, error) {
	scheme, rest := Scheme(address)
	switch scheme {
	case "":
		return OpenFolder(filepath.Join(address, filepath.FromSlash(opt.Within)), opt)
	case "file", "filesystem":
		return OpenFolder(filepath.Join(strings.TrimPrefix(rest, "//"), filepath.FromSlash(opt.Within)), opt)
	}
	open := openers[scheme]
	if open == nil {
		return nil, errs.Field(errs.Unsupported, "elements", "this program cannot open a bucket of the kind %q; known are folders, file:// and %s", scheme, strings.Join(slices.Sorted(maps.Keys(openers)), ", "))
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errs.Field(errs.Invalid, "elements", "cannot be read; write %s://BUCKET", scheme)
	}
	if _, secret := u.User.Password(); secret {
		return nil, errs.Field(errs.Invalid, "elements", "credentials do not belong in the URL; give them by the vendor's variables or files")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errs.Field(errs.Invalid, "elements", "has parameters that cannot be read")
	}
	switch q.Get("links") {
	case "", "bucket":
	case "server":
		opt.Through = true
	default:
		return nil, errs.Field(errs.Invalid, "elements", "links is bucket or server")
	}
	q.Del("links")
	u.RawQuery = q.Encode()
	return open(ctx, u, opt)
}

// Scheme takes an address apart; "" is a folder's.
func Scheme(address string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok || len(scheme) < 2 || strings.ContainsAny(scheme, "/\\.") {
		return "", address
	}
	return strings.ToLower(scheme), rest
}

// Redacted is an address for people: what may be a secret is masked.
func Redacted(address string) string {
	scheme, _ := Scheme(address)
	if scheme == "" || scheme == "file" || scheme == "filesystem" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return scheme + ":xxxxx"
	}
	q, err := url.ParseQuery(u.RawQuery)
	masked := err != nil
	for name, values := range q {
		known := slices.Contains([]string{"account", "endpoint", "links", "path_style", "public_endpoint", "region"}, name)
		if !known || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "@") }) {
			q.Set(name, "xxxxx")
			masked = true
		}
	}
	if masked {
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// Parameters refuses parameters of a bucket's URL that its kind does not know.
func Parameters(u *url.URL, known ...string) (url.Values, error) {
	q := u.Query()
	for name := range q {
		if !slices.Contains(known, name) {
			return nil, errs.Field(errs.Invalid, "elements", "there is no parameter %q; known are %s, links", name, strings.Join(known, ", "))
		}
	}
	if u.Path != "" && u.Path != "/" {
		return nil, errs.Field(errs.Invalid, "elements", "names a bucket, without a path in it")
	}
	return q, nil
}

// Endpoint refuses what is no address of a server.
func Endpoint(name, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", errs.Field(errs.Invalid, "elements", "%s is http://HOST or https://HOST", name)
	}
	return strings.TrimSuffix(value, "/"), nil
}

// skew is how far apart clocks may be before signatures fail anywhere.
const skew = 5 * time.Minute

// ClockOff tells from the headers of an answer that this machine's clock is far
// from the server's, which is why a server refuses good credentials.
func ClockOff(h http.Header, now time.Time) bool {
	at, err := http.ParseTime(h.Get("Date"))
	return err == nil && now.Sub(at).Abs() > skew
}

// ClockRemedy is what to do about it.
const ClockRemedy = "the clock of this machine differs from the bucket's by more than five minutes: set it"
