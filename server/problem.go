package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

// problem is an error as huma writes it.
type problem struct{ wire.Problem }

func (p *problem) Error() string                { return p.Detail }
func (p *problem) GetStatus() int               { return p.Status }
func (p *problem) ContentType(string) string    { return wire.TypeProblem }
func (p *problem) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

// tell makes the problem for an error and keeps the error for the log. Only
// kind, field and sentence leave; of a fault of ours not even the sentence.
func (s *Server) tell(c *call, err error) *problem {
	c.failure = err
	var e *errs.Error
	if !errors.As(err, &e) {
		e = &errs.Error{Kind: errs.KindOf(err)}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			e = &errs.Error{Kind: errs.Unavailable, Detail: "the request ended before it was answered"}
		}
	}
	status := wire.Status(e.Kind)
	p := wire.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Kind: e.Kind,
		Field: e.Field, Detail: e.Detail, Instance: c.r.URL.EscapedPath()}
	switch e.Kind {
	case errs.Internal:
		p.Field, p.Detail = "", "a fault of the server; its log has more under request "+c.id
	case errs.Unauthenticated:
		c.Header().Set("WWW-Authenticate", "Bearer")
	case errs.Unavailable:
		c.Header().Set("Retry-After", "1")
	case errs.TooLarge:
		// The rest of the body is not worth reading.
		c.Header().Set("Connection", "close")
	}
	return &problem{p}
}

// fail answers with an error, unless the answer has begun.
func (s *Server) fail(c *call, err error) {
	p := s.tell(c, err)
	if c.status == 0 {
		writeProblem(c, p.Problem)
	}
}

func writeProblem(c *call, p wire.Problem) {
	raw, err := json.Marshal(p)
	if err != nil {
		raw = []byte(`{"kind":"internal"}`) // cannot be: a problem is plain text and numbers
	}
	h := c.Header()
	for _, name := range []string{"Content-Disposition", "Content-Range", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Content-Type", wire.TypeProblem)
	h["Cache-Control"] = noStore
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	c.status = p.Status
	c.w.WriteHeader(p.Status)
	if c.r.Method != http.MethodHead {
		c.write(raw)
	}
}
