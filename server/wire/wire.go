// Package wire is what both ends of the HTTP API must agree on: the one table
// of error kinds and statuses, the form of a problem, and the names of
// headers. The server and the Go client import it, so that errors.Is holds
// across the wire:
//
//	status := wire.Status(errs.NotFound) // 404
//	err := problem.Err()                 // errors.Is(err, errs.NotFound)
package wire

import (
	"net/http"

	"github.com/varvedb/varve/errs"
)

// Names of headers.
const (
	HeaderUser     = "Varve-User"     // the acting user, percent-encoded
	HeaderDatabase = "Varve-Database" // which database, where the key does not say
	HeaderClient   = "Varve-Client"   // any value: not a web page
	HeaderWarning  = "Varve-Warning"  // what was changed to store it, where the body has no place
	HeaderEngine   = "Varve-Engine"   // who answered a question in SQL
	// HeaderUnverified, with any value, says that the caller of a large artifact
	// holds it to its digest, so that the server need not.
	HeaderUnverified = "Varve-Unverified"
	HeaderRequestID  = "X-Request-Id"
)

// Media types.
const (
	TypeJSON    = "application/json"
	TypeProblem = "application/problem+json"
	TypeLines   = "application/x-ndjson" // a JSON value a line
)

// Names of the parts of an element's multipart form.
const (
	PartElement = "element"
	PartContent = "content"
)

// AnyThread stands in a path for the thread of an element that is not known.
const AnyThread = "-"

type row struct {
	kind   errs.Kind
	status int
}

// table maps kinds to statuses, one to one.
var table = []row{
	{errs.Invalid, http.StatusBadRequest},
	{errs.Unauthenticated, http.StatusUnauthorized},
	{errs.Forbidden, http.StatusForbidden},
	{errs.NotFound, http.StatusNotFound},
	{errs.Exists, http.StatusConflict},
	{errs.Gone, http.StatusGone},
	{errs.Conflict, http.StatusPreconditionFailed},
	{errs.TooLarge, http.StatusRequestEntityTooLarge},
	{errs.Internal, http.StatusInternalServerError},
	{errs.Unsupported, http.StatusNotImplemented},
	{errs.Unavailable, http.StatusServiceUnavailable},
}

// Status is the HTTP status of a kind; 500 for one that is not in the table.
func Status(kind errs.Kind) int {
	for _, r := range table {
		if r.kind == kind {
			return r.status
		}
	}
	return http.StatusInternalServerError
}

// Kind is the kind of a status, for answers that carry no problem of ours,
// such as those of a proxy in between or of the router.
func Kind(status int) errs.Kind {
	for _, r := range table {
		if r.status == status {
			return r.kind
		}
	}
	switch {
	case status == http.StatusMethodNotAllowed:
		return errs.Unsupported
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout, status == http.StatusTooManyRequests:
		return errs.Unavailable
	case status >= 400 && status < 500:
		return errs.Invalid
	}
	return errs.Internal
}

// Problem is an error on the wire: RFC 9457, with the kind and the field.
type Problem struct {
	Type     string    `json:"type" doc:"always about:blank"`
	Title    string    `json:"title" doc:"the words of the status"`
	Status   int       `json:"status" doc:"the HTTP status"`
	Kind     errs.Kind `json:"kind" enum:"invalid,not_found,exists,conflict,gone,forbidden,unauthenticated,too_large,unsupported,unavailable,internal" doc:"what went wrong; stable"`
	Field    string    `json:"field,omitempty" doc:"the input it is about, where it is about one"`
	Detail   string    `json:"detail,omitempty" doc:"a sentence for people"`
	Instance string    `json:"instance,omitempty" doc:"the path that was called"`
}

// Err is the error that a problem tells.
func (p Problem) Err() error {
	kind := p.Kind
	if kind == "" {
		kind = Kind(p.Status)
	}
	detail := p.Detail
	if detail == "" {
		detail = p.Title
	}
	return &errs.Error{Kind: kind, Field: p.Field, Detail: detail}
}
