package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/errs"
)

// Server serves databases over HTTP. It is safe for concurrent use.
type Server struct {
	opt     Options
	dbs     map[string]*Database
	mux     *http.ServeMux
	api     huma.API // serves what it registers
	paper   huma.API // only describes
	spec    func() ([]byte, error)
	metrics *metrics
	buffers buffers

	health health

	mu        sync.Mutex
	http      *http.Server
	listeners []net.Listener
	sockets   []string // paths to remove
	failed    chan error
	serving   sync.WaitGroup
}

// readTimeout is how long a request may take to arrive; content has as long
// from one piece to the next.
const readTimeout = 2 * time.Minute

// New makes a server. It opens nothing yet.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Server{opt: o, dbs: map[string]*Database{}, mux: http.NewServeMux()}
	for i := range o.Databases {
		s.dbs[o.Databases[i].Name] = &o.Databases[i]
	}
	m, err := newMetrics(o.Collectors)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "metrics")
	}
	s.metrics = m
	s.routes()
	return s, nil
}

// Handler is the API as a handler of its own, for tests and for servers of
// other makers. Whom it trusts depends on the connection's local address, as
// net/http tells it; without one it trusts nobody without a key.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// OpenAPI is the document that GET /openapi.json answers.
func (s *Server) OpenAPI() ([]byte, error) { return s.spec() }

// Serve listens until ctx ends or a listener fails, and then stops: no new
// connections, requests in flight get Options.Grace.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	return errors.Join(s.Wait(ctx), s.Stop())
}

// Wait returns nil when ctx ends, and an error when a listener of a server that
// was started fails before that. It does not stop the server.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return errs.Wrap(errs.Unavailable, err, "a listener failed")
	}
}

// Start opens the listeners and serves in the background until Stop. Nothing
// is open when it fails. The values of ctx, but not its end, reach requests.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return errs.New(errs.Invalid, "the server was started already")
	}
	if err := s.listen(ctx); err != nil {
		s.closeListeners()
		return err
	}
	base := context.WithoutCancel(ctx)
	h := &http.Server{
		Handler:           s.Handler(),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       readTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          serverLog(s.opt.Log),
	}
	s.http, s.failed = h, make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		s.serving.Go(func() { s.failed <- h.Serve(l) }) // ends with Stop
	}
	return nil
}

// Stop ends the server: listeners close at once, requests in flight get
// Options.Grace, and what is left then is cut off.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opt.Grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.http.Close()
		err = errs.Wrap(errs.Unavailable, err, "requests were cut off after %s", s.opt.Grace)
	}
	s.serving.Wait()
	s.closeListeners()
	s.http = nil
	return err
}
