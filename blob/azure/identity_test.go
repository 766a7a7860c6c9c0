package azure

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/buckettest"
)

func nothing(string) string { return "" }

func parsed(t *testing.T, address string, env func(string) string) account {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	a, err := parse(u, env)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// counter counts requests by what they ask for.
type counter struct {
	*http.Client
	mu    sync.Mutex
	calls int
	keys  int
}

func (c *counter) Do(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.calls++
	if req.URL.Query().Get("comp") == "userdelegationkey" {
		c.keys++
	}
	c.mu.Unlock()
	return c.Client.Do(req)
}

func TestIdentity(t *testing.T) {
	var client *http.Client
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		address, id, trusting := buckettest.AzureIdentity(t)
		client = trusting
		d, err := parsed(t, address, nothing).drive(id, trusting)
		if err != nil {
			t.Fatal(err)
		}
		b := blob.New(d, blob.Options{TTL: ttl})
		t.Cleanup(func() { b.Close() })
		return b
	}, func(address string, h http.Header) (*http.Response, error) {
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		req.Header = h
		return client.Do(req)
	}, 32<<20)
}

func TestADelegatedKeySignsAHundredURLs(t *testing.T) {
	address, id, trusting := buckettest.AzureIdentity(t)
	c := &counter{Client: trusting}
	d, err := parsed(t, address, nothing).drive(id, c)
	if err != nil {
		t.Fatal(err)
	}
	b := blob.New(d, blob.Options{})
	defer b.Close()
	for range 100 {
		if _, err := b.SignedURL(t.Context(), "k", "n", "image/png"); err != nil {
			t.Fatal(err)
		}
	}
	if c.calls != 1 || c.keys != 1 {
		t.Errorf("%d calls, %d for keys", c.calls, c.keys)
	}
}

// unknown is a login that fails.
type unknown struct{ err error }

func (u unknown) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, u.err
}

func TestALoginThatFailsIsToldInOneSentence(t *testing.T) {
	address, _, trusting := buckettest.AzureIdentity(t)
	said := func(body string) error {
		return &azidentity.AuthenticationFailedError{RawResponse: &http.Response{StatusCode: 401, Status: "401 Unauthorized",
			Body: io.NopCloser(strings.NewReader(body))}}
	}
	for name, u := range map[string]struct {
		err  error
		want string
	}{
		"nothing there":  {errors.New("failed to acquire a token.\nAttempted credentials:\n\tone"), nobodyRemedy},
		"a role refused": {said("<html>no</html>"), nobodyRemedy},
		"a wrong secret": {said(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"}`),
			credentialsRemedy + ": AADSTS7000215: Invalid client secret provided."},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parsed(t, address, nothing).drive(unknown{u.err}, trusting)
			if err != nil {
				t.Fatal(err)
			}
			b := blob.New(d, blob.Options{})
			defer b.Close()
			_, writeErr := b.Write(t.Context(), "k", strings.NewReader("x"), "")
			_, openErr := b.Open(t.Context(), "k")
			_, signErr := b.SignedURL(t.Context(), "k", "n", "image/png")
			for what, err := range map[string]error{"write": writeErr, "open": openErr, "sign": signErr, "check": b.Check(t.Context())} {
				if errs.KindOf(err) != errs.Unauthenticated || err.Error() != u.want || !errors.Is(err, u.err) {
					t.Errorf("%s: %s %v", what, errs.KindOf(err), err)
				}
			}
		})
	}
}
