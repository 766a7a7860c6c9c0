package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

// call is what the server knows of one request while it lasts.
type call struct {
	id       string
	r        *http.Request
	w        http.ResponseWriter
	status   int
	written  int64
	mended   bool // a plain-text error of net/http became a problem
	db       *Database
	key      *keys.Key // nil: an open door
	actor    string
	warnings []string
	failure  error // what went wrong, for the log
}

type callKey struct{}

// callOf returns the request that a context belongs to.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// RequestID is the id of the request that a context belongs to, for the logs
// of what is below; "" outside a request.
func RequestID(ctx context.Context) string {
	if c := callOf(ctx); c != nil {
		return c.id
	}
	return ""
}

// may tells whether the caller has a scope.
func (c *call) may(s keys.Scope) bool { return c.key == nil || c.key.May(s) }

func (c *call) warn(text string) {
	if !slices.Contains(c.warnings, text) {
		c.warnings = append(c.warnings, text)
	}
}

// Headers of every answer; content sets its own. Answers are conversations,
// which no proxy is to keep. The slices are shared: do not change them.
var noStore, noSniff = []string{"no-store"}, []string{"nosniff"}

// serve is the way of every request: an id, who calls, the route, and a line
// in the log. A panic in a handler ends that request only.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	start := s.opt.Now()
	c := &call{w: w, id: requestID(r)}
	c.r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	h := w.Header()
	h.Set(wire.HeaderRequestID, c.id)
	h["Cache-Control"], h["X-Content-Type-Options"] = noStore, noSniff
	s.metrics.inFlight.Inc()
	defer func() {
		v, begun := recover(), c.status != 0
		if v != nil && v != http.ErrAbortHandler {
			c.failure = errs.New(errs.Internal, "panic: %v\n%s", v, debug.Stack())
			s.fail(c, c.failure)
		}
		s.metrics.inFlight.Dec()
		s.finish(c, s.opt.Now().Sub(start))
		if v != nil && (v == http.ErrAbortHandler || begun) {
			panic(http.ErrAbortHandler) // the answer is cut off: let the caller see that
		}
	}()
	if s.cors(c) {
		return
	}
	if err := s.admit(c); err != nil {
		s.fail(c, err)
		return
	}
	s.mux.ServeHTTP(c, c.r)
}

// requestID takes the caller's id if it is harmless, else makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get(wire.HeaderRequestID)
	if id == "" || len(id) > 128 {
		return rand.Text()
	}
	for _, b := range []byte(id) {
		if b <= ' ' || b > '~' {
			return rand.Text()
		}
	}
	return id
}

// finish counts and logs a request: never its body, query or credentials.
func (s *Server) finish(c *call, took time.Duration) {
	route := c.r.Pattern
	if route == "" {
		route = "none"
	}
	if c.status == 0 {
		c.status = http.StatusOK
	}
	s.metrics.observe(route, c.status, took)
	level := slog.LevelInfo
	// What is not built yet is no fault, though HTTP counts it among them.
	fault := c.status >= 500 && c.status != http.StatusNotImplemented || c.faulty()
	if fault {
		level = slog.LevelError
	}
	ctx := c.r.Context()
	if !s.opt.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("id", c.id), slog.String("route", route), slog.Int("status", c.status),
		slog.Int64("bytes", c.written), slog.Duration("took", took))
	if c.db != nil {
		attrs = append(attrs, slog.String("database", c.db.Name))
	}
	if c.key != nil {
		attrs = append(attrs, slog.String("key", c.key.ID))
	}
	if c.failure != nil {
		attrs = append(attrs, slog.String("kind", string(errs.KindOf(c.failure))))
		if fault {
			attrs = append(attrs, slog.String("err", c.failure.Error()))
		}
	}
	s.opt.Log.LogAttrs(ctx, level, "request", attrs...)
}

// faulty tells whether an answer that began well broke off for a fault of ours,
// such as bytes that turned out to be damaged.
func (c *call) faulty() bool {
	var e *errs.Error
	return errors.As(c.failure, &e) && e.Kind == errs.Internal
}

// call is the ResponseWriter that handlers see.
var _ io.ReaderFrom = (*call)(nil)

func (c *call) Header() http.Header { return c.w.Header() }

// Unwrap is for http.ResponseController.
func (c *call) Unwrap() http.ResponseWriter { return c.w }

// WriteHeader remembers the status. Errors that net/http writes by itself, as
// text (no route, wrong method, a range that cannot be), become problems.
func (c *call) WriteHeader(status int) {
	if c.status != 0 {
		return
	}
	if status >= 400 && c.Header().Get("Content-Type") != wire.TypeProblem {
		c.mended = true
		writeProblem(c, problemOf(c, status))
		return
	}
	if status >= 200 {
		c.status = status
	}
	c.w.WriteHeader(status)
}

func (c *call) Write(b []byte) (int, error) {
	if c.mended {
		return len(b), nil
	}
	return c.write(b)
}

func (c *call) write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.w.Write(b)
	c.written += int64(n)
	return n, err
}

// ReadFrom lets files go out without a copy through this process.
func (c *call) ReadFrom(r io.Reader) (int64, error) {
	if c.mended {
		return io.Copy(io.Discard, r)
	}
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := io.Copy(c.w, r)
	c.written += n
	return n, err
}

// problemOf is the problem for a status that net/http chose.
func problemOf(c *call, status int) wire.Problem {
	detail := ""
	switch status {
	case http.StatusNotFound:
		detail = "there is no such route"
		if slashAlone(c.r.URL.EscapedPath()) {
			status, detail = http.StatusBadRequest, `an id cannot be "/" alone`
		}
	case http.StatusMethodNotAllowed:
		detail = fmt.Sprintf("the route does not know the method %s", strconv.Quote(c.r.Method))
	case http.StatusRequestedRangeNotSatisfiable:
		detail = "the range lies outside"
	}
	return wire.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status,
		Kind: wire.Kind(status), Detail: detail, Instance: c.r.URL.EscapedPath()}
}

// slashAlone tells whether a segment of a path is an escaped slash and nothing
// else, which the router of net/http takes for the end of the path.
func slashAlone(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if strings.EqualFold(segment, "%2F") {
			return true
		}
	}
	return false
}
