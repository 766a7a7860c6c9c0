package server

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
)

// Database is one database that a server serves.
type Database struct {
	Name string // what keys and the header Varve-Database call it
	Chat chat.API
	// State are its versioned tables; nil: /v1/state is unsupported.
	State *state.Service
	// Lake are its files; nil: /v1/lake is unsupported.
	Lake *lake.Service
	// SQL answers questions about all of it; nil: /v1/sql is unsupported.
	SQL *analytics.Service
	// Query answers questions about tables and changes them; nil: /v1/execute
	// is unsupported.
	Query *query.Service
	// Parts tell what was opened; nil: nothing is told.
	Parts *wire.Parts
	// Components are those that are declared; nil: /v1/components is
	// unsupported.
	Components *component.Service
	// Artifacts are bytes under their digests; nil: /v1/artifacts is unsupported.
	Artifacts *artifact.Store
	// Files keeps bytes under object keys; nil: /v1/objects is unsupported.
	Files Files
	// Rows are whole threads as they are stored; nil: /v1/rows is unsupported.
	Rows Rows
	// Keeper erases people and deletes what is old; nil: /v1/erasures and
	// /v1/retention are unsupported.
	Keeper Keeper
	// Ping tells whether the store answers; nil: it always does.
	Ping func(context.Context) error
}

// Files is where bytes lie, and the judge of signed URLs to them.
type Files interface {
	chat.Files
	// Create is Write for a key that is free, errs.Exists when it is not. Of
	// those who create one key at once, one does.
	Create(ctx context.Context, key string, r io.Reader, mime string) (int64, error)
	// Sign makes a URL like SignedURL does, for a time of the caller's choice;
	// 0 is the default.
	Sign(ctx context.Context, key, name, mime string, ttl time.Duration) (string, error)
	// Verify judges the query of a signed URL to /v1/objects/{key}.
	// errs.Forbidden when it was not signed here for this key or is over.
	Verify(key string, query url.Values) error
}

// DefaultDatabase is the name of the database of those who name none.
const DefaultDatabase = keys.DefaultDatabase

// Defaults of [Options].
const (
	DefaultMaxBody    = 32 << 20
	DefaultMaxContent = 10 << 30
	DefaultGrace      = 10 * time.Second
)

// Options say what to serve, where, and to whom. Databases must not be empty;
// the zero value of everything else is a default.
type Options struct {
	Databases []Database
	// Listen lists addresses: "host:port" for TCP, "unix:PATH" for a socket.
	Listen []string
	// Keys are the API keys; nil: there are none.
	Keys *keys.File
	// PublicURL is how browsers reach the server, "https://chat.example.com".
	// With it, URLs in answers are absolute.
	PublicURL string
	// CORSOrigins are the origins whose pages may call, "https://example.com",
	// or "*" for all that bring a key.
	CORSOrigins []string
	MaxBody     int64         // bytes of a JSON body
	MaxContent  int64         // bytes of an element's or object's content
	Grace       time.Duration // what requests in flight get at the end
	Version     string        // of the program, for /openapi.json
	Log         *slog.Logger
	// Collectors are further metrics for /metrics.
	Collectors []prometheus.Collector
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxContent == 0 {
		o.MaxContent = DefaultMaxContent
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	return o
}

func (o Options) validate() error {
	if len(o.Databases) == 0 {
		return errs.Field(errs.Invalid, "databases", "a server needs a database")
	}
	names := map[string]bool{}
	for _, db := range o.Databases {
		if db.Name == "" || db.Chat == nil {
			return errs.Field(errs.Invalid, "databases", "a database needs a name and conversations")
		}
		if names[db.Name] {
			return errs.Field(errs.Invalid, "databases", "two databases are called %q", db.Name)
		}
		names[db.Name] = true
	}
	if o.MaxBody < 0 || o.MaxContent < 0 || o.Grace < 0 {
		return errs.New(errs.Invalid, "a limit must not be negative")
	}
	if o.PublicURL != "" && !isOrigin(o.PublicURL, true) {
		return errs.Field(errs.Invalid, "public-url", "%q is no http or https URL", o.PublicURL)
	}
	for _, origin := range o.CORSOrigins {
		if origin != "*" && !isOrigin(origin, false) {
			return errs.Field(errs.Invalid, "cors-origin", "%q is no origin such as https://example.com", origin)
		}
	}
	return nil
}

// isOrigin tells whether s is scheme://host[:port], and a path if allowed.
func isOrigin(s string, path bool) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && (path || u.Path == "")
}
