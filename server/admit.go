package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

// door is how a connection came in, told by the address it came in at.
type door int

const (
	remote   door = iota // anything that is not known to be one of the others
	loopback             // this machine
	socket               // a Unix socket, guarded by its file mode
)

func doorOf(r *http.Request) door {
	switch addr := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.UnixAddr:
		return socket
	case *net.TCPAddr:
		if addr.IP.IsLoopback() {
			return loopback
		}
	}
	return remote
}

// keyed tells whether there are API keys, which closes TCP to everybody else.
func (s *Server) keyed() (bool, error) {
	if s.opt.Keys == nil {
		return false, nil
	}
	return s.opt.Keys.Any()
}

// admit finds out who calls and for which database, or refuses.
func (s *Server) admit(c *call) error {
	switch path := c.r.URL.Path; {
	case path == "/healthz", path == "/readyz", path == "/openapi.json":
		return nil
	case signed(c.r):
		return s.choose(c, c.r.URL.Query().Get("database"))
	}
	if err := s.authenticate(c); err != nil {
		return err
	}
	need := keys.Write
	if reads(c.r) {
		need = keys.Read
	}
	if !c.may(need) {
		return errs.New(errs.Forbidden, "the API key lacks the scope %q", need)
	}
	return s.act(c)
}

// reads tells whether a request only reads: by its method, or because it asks
// what no query string can hold.
func reads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead ||
		r.Method == http.MethodPost && (r.URL.Path == executeRoute || r.URL.Path == planRoute || r.URL.Path == fillRoute) || // the first looks at the question itself
		r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v1/state/") && strings.HasSuffix(r.URL.Path, "/scan")
}

// signed tells whether a request brings a signed URL, which needs no other
// credentials; the handler judges it.
func signed(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		(strings.HasPrefix(r.URL.Path, "/v1/objects/") && r.URL.Query().Has("signature") || strings.HasPrefix(r.URL.Path, linkRoot))
}

func (s *Server) authenticate(c *call) error {
	if header := c.r.Header.Get("Authorization"); header != "" {
		return s.bearer(c, header)
	}
	way := doorOf(c.r)
	keyed, err := s.keyed()
	switch {
	case err != nil:
		return err
	case way == socket:
		return s.choose(c, c.r.Header.Get(wire.HeaderDatabase))
	case way == remote || keyed:
		return errs.New(errs.Unauthenticated, "an API key is needed: Authorization: Bearer KEY; `varve keys create` makes one")
	}
	if err := s.guard(c.r); err != nil {
		return err
	}
	return s.choose(c, c.r.Header.Get(wire.HeaderDatabase))
}

func (s *Server) bearer(c *call, header string) error {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || s.opt.Keys == nil {
		return errs.New(errs.Unauthenticated, "the API key is unknown, revoked or expired")
	}
	key, err := s.opt.Keys.Check(strings.TrimSpace(token))
	if err != nil {
		return err
	}
	c.key = &key
	if name := c.r.Header.Get(wire.HeaderDatabase); name != "" && name != key.Database {
		return errs.New(errs.Forbidden, "the API key belongs to another database")
	}
	return s.choose(c, key.Database)
}

// choose sets the database of a call.
func (s *Server) choose(c *call, name string) error {
	if name == "" {
		name = DefaultDatabase
	}
	db, ok := s.dbs[name]
	if !ok {
		return errs.Field(errs.NotFound, "database", "there is no database %q here", name)
	}
	c.db = db
	return nil
}

// act sets the acting user of a call.
func (s *Server) act(c *call) error {
	header := c.r.Header.Get(wire.HeaderUser)
	if header == "" {
		return nil
	}
	user, err := url.PathUnescape(header)
	if err != nil || !plain(user) {
		return errs.Field(errs.Invalid, wire.HeaderUser, "must be percent-encoded UTF-8 without NUL")
	}
	c.actor = user
	return nil
}

// guard protects a server that is open to this machine from web pages, which
// run on this machine too. A page whose name was rebound to 127.0.0.1 shows by
// its Host, a page of another origin by its Origin, and what a page can send
// without a preflight is no JSON and has no header of ours. What a proxy on
// this machine passes on comes from elsewhere, too.
func (s *Server) guard(r *http.Request) error {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return errs.New(errs.Forbidden, "a proxy passes on what others send, and there are no API keys: make one with `varve keys create`")
		}
	}
	if !loopbackHost(r.Host) {
		return errs.New(errs.Forbidden, "without API keys the server answers to localhost and loopback addresses only")
	}
	if origin := r.Header.Get("Origin"); origin != "" && !s.ownOrigin(r, origin) {
		return errs.New(errs.Forbidden, "without API keys pages of other origins may not call; allow one with --cors-origin")
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		if r.Header.Get("Origin") == "" {
			return errs.New(errs.Forbidden, "without API keys pages of other origins may not call")
		}
	}
	if kind := r.Header.Get("Content-Type"); r.Header.Get(wire.HeaderClient) == "" && !isJSON(kind) && !isYAML(kind) {
		return errs.New(errs.Forbidden, "without API keys a write needs Content-Type: application/json or the header %s", wire.HeaderClient)
	}
	return nil
}

// ownOrigin tells whether a page is of this server or of an allowed origin. A
// "*" allows nothing here: it is for callers that bring a key.
func (s *Server) ownOrigin(r *http.Request, origin string) bool {
	if origin == "http://"+r.Host || origin == "https://"+r.Host {
		return true
	}
	for _, allowed := range s.opt.CORSOrigins {
		if allowed != "*" && strings.EqualFold(allowed, origin) {
			return true
		}
	}
	return false
}

func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(host, "]"), "["), ".")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// cors answers preflights and marks answers for allowed origins. It tells
// whether the request is done.
func (s *Server) cors(c *call) bool {
	origin := c.r.Header.Get("Origin")
	if origin == "" || len(s.opt.CORSOrigins) == 0 {
		return false
	}
	h := c.Header()
	h.Add("Vary", "Origin")
	if !s.corsAllows(origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Content-Disposition, Content-Range, "+wire.HeaderRequestID+", "+wire.HeaderWarning)
	if c.r.Method != http.MethodOptions || c.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", strings.Join([]string{"Authorization", "Content-Type", "Range",
		wire.HeaderUser, wire.HeaderDatabase, wire.HeaderClient, wire.HeaderRequestID}, ", "))
	h.Set("Access-Control-Max-Age", "600")
	c.WriteHeader(http.StatusNoContent)
	return true
}

func (s *Server) corsAllows(origin string) bool {
	for _, allowed := range s.opt.CORSOrigins {
		if allowed == "*" || strings.EqualFold(allowed, origin) {
			return true
		}
	}
	return false
}
