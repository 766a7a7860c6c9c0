// Package errs is the vocabulary of failure. Every error that leaves a room
// has one of a few kinds; a kind is stable, survives the wire and is what
// callers test:
//
//	if errors.Is(err, errs.NotFound) { … }
//
// Drivers classify by code (SQLSTATE, SQLite result code), never by text. The
// package imports nothing, so that every room can import it.
package errs

import (
	"errors"
	"fmt"
)

// Kind is a kind of failure. It is itself an error, so that errors.Is works
// with it on both sides of the wire.
type Kind string

// The kinds. Their texts are the wire form.
const (
	Invalid         Kind = "invalid"         // the input is wrong; the field says where
	NotFound        Kind = "not_found"       // nothing there, or nothing the caller may see
	Exists          Kind = "exists"          // something is there already
	Conflict        Kind = "conflict"        // the thing changed meanwhile
	Gone            Kind = "gone"            // deleted a short time ago
	Forbidden       Kind = "forbidden"       // known caller, not allowed
	Unauthenticated Kind = "unauthenticated" // unknown caller
	TooLarge        Kind = "too_large"       // over a stated limit
	Unsupported     Kind = "unsupported"     // this backend or build cannot
	Unavailable     Kind = "unavailable"     // try again later
	Internal        Kind = "internal"        // a fault of ours
)

func (k Kind) Error() string { return string(k) }

// Error is a failure with its kind, the input field it is about (or ""), and a
// sentence for people that names the remedy where there is one. Err is the
// cause and stays on this side of the wire.
type Error struct {
	Kind   Kind
	Field  string
	Detail string
	Err    error
}

func (e *Error) Error() string {
	s := e.Detail
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err == nil {
		return s
	}
	if cause := e.Err.Error(); cause != "" {
		s += ": " + cause
	}
	return s
}

// Unwrap gives both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// New makes an error of a kind from a sentence.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Field makes an error of a kind about one input field.
func Field(kind Kind, field, format string, args ...any) error {
	return &Error{Kind: kind, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a kind and a sentence. The cause's text is for logs on
// this side; the server sends only kind, field and detail.
func Wrap(kind Kind, err error, format string, args ...any) error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...), Err: err}
}

// Short is a cause in fewer words: what it wraps can still be tested for. With
// none the sentence around it says all.
func Short(err error, text string) error { return &short{err, text} }

type short struct {
	error
	text string
}

func (s *short) Error() string { return s.text }

func (s *short) Unwrap() error { return s.error }

var kinds = []Kind{Invalid, NotFound, Exists, Conflict, Gone, Forbidden,
	Unauthenticated, TooLarge, Unsupported, Unavailable, Internal}

// Kinds lists every kind, for tables and tests.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }

// KindOf is the kind of an error: the outermost one in its chain, Internal for
// an error without any, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}
