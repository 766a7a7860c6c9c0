package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Options tune a [Client]. The zero value works.
type Options struct {
	// APIKey is needed wherever the server is not open.
	APIKey string
	// Database names one of the server's databases, where the key does not.
	Database string
	// User acts for a user in every call; chat.As overrides it.
	User string
	// TLS is for https servers with certificates of their own.
	TLS *tls.Config
	// Connections is how many idle connections are kept; 0: 64.
	Connections int
	// Attempts is how often a call is tried while connections are refused, as
	// they are when a server restarts; 0: 4, over half a second. 1: once.
	Attempts int
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	opt  Options
	base *url.URL
	// relative URLs of elements are completed, which a socket cannot.
	complete bool
	http     *http.Client
	agent    string
}

// New makes a client of a server: http://HOST, https://HOST, or unix:PATH. It
// does not connect yet.
func New(address string, opt Options) (*Client, error) {
	if opt.Connections == 0 {
		opt.Connections = 64
	}
	if opt.Attempts == 0 {
		opt.Attempts = 4
	}
	transport := &http.Transport{
		MaxIdleConns:        opt.Connections,
		MaxIdleConnsPerHost: opt.Connections,
		IdleConnTimeout:     90 * time.Second,
		TLSClientConfig:     opt.TLS,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		DisableCompression:  true, // bytes come as they are stored, with their length
		Proxy:               http.ProxyFromEnvironment,
	}
	c := &Client{opt: opt, http: &http.Client{Transport: transport}, agent: "varve-go/" + version()}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return c.overSocket(transport, strings.TrimPrefix(path, "//"))
	}
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		// Not quoted: there may be a password in it.
		return nil, errs.Field(errs.Invalid, "url", "the address of a server is http://HOST, https://HOST or unix:PATH")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	c.base, c.complete = base, true
	return c, nil
}

func (c *Client) overSocket(transport *http.Transport, path string) (*Client, error) {
	if path == "" {
		return nil, errs.Field(errs.Invalid, "url", "the path of the socket is missing")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the path of the socket")
	}
	transport.Proxy = nil
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	c.base = &url.URL{Scheme: "http", Host: "varve.localhost"}
	return c, nil
}

// Chat is the server's conversations.
func (c *Client) Chat() *Chat { return &Chat{c} }

// Close closes idle connections. Calls that last are not ended.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Ping tells whether the server and its stores answer.
func (c *Client) Ping(ctx context.Context) error {
	return c.do(ctx, request{method: http.MethodGet, path: "/readyz"}, nil)
}

// version is this module's, for the header that says who calls.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/varvedb/varve" && m.Version != "" {
				return strings.Trim(m.Version, "()")
			}
		}
	}
	return "dev"
}

var _ chat.API = (*Chat)(nil)
