package chat

import (
	"context"
	"io"
	"time"

	"github.com/varvedb/varve/page"
)

// API is what callers do with conversations. [Service] satisfies it over a
// store in this process, client.Chat over HTTP, and the suite in chattest
// holds both to the same sentences.
//
// The acting user is in the context: see [As]. To an acting user another's
// thread, and what is in it, is errs.NotFound on reads and deletes and
// errs.Forbidden on other writes. Reads of missing things, and deletes of
// them, are errs.NotFound; a write to a thread deleted less than
// [TombstoneAge] ago is errs.Gone.
type API interface {
	// User returns the user with an identifier.
	User(ctx context.Context, identifier string) (User, error)
	// Users lists users by identifier, in the order of bytes. An acting user
	// sees themselves only.
	Users(ctx context.Context, p page.Request) (page.Page[User], error)
	// PutUser inserts the user with u.Identifier, or replaces their metadata.
	PutUser(ctx context.Context, u User) (User, error)

	// Threads lists threads, latest activity first, without steps and
	// elements. A cursor belongs to the filter it was made with.
	Threads(ctx context.Context, f ThreadFilter, p page.Request) (page.Page[Thread], error)
	// Thread returns a thread with its steps, oldest first, and its elements
	// with URLs that can be fetched.
	Thread(ctx context.Context, id string) (Thread, error)
	// Author returns the identifier of a thread's owner; errs.NotFound when
	// the thread is missing or nobody's.
	Author(ctx context.Context, threadID string) (string, error)
	// UpdateThread lays a patch over a thread, which it creates when missing.
	UpdateThread(ctx context.Context, p ThreadPatch) (Written, error)
	// DeleteThread removes a thread and all that is in it.
	DeleteThread(ctx context.Context, id string) error

	// PutStep lays a patch over a step; step and thread are created when
	// missing.
	PutStep(ctx context.Context, s Step) (Written, error)
	// Step returns a step with its feedback.
	Step(ctx context.Context, r Ref) (Step, error)
	// DeleteStep removes a step, the steps under it, and what they carry.
	DeleteStep(ctx context.Context, r Ref) error
	// Favorites returns the steps with metadata favorite=true in a user's
	// threads, newest first.
	Favorites(ctx context.Context, userID string) ([]Step, error)

	// PutElement stores an element and, unless content is nil, its bytes,
	// which are read to their end. It returns what is stored, with a URL that
	// can be fetched. When it fails, the element is as it was.
	PutElement(ctx context.Context, e Element, content io.Reader) (Element, error)
	// Element returns an element; r.ThreadID may be empty.
	Element(ctx context.Context, r Ref) (Element, error)
	// Content opens an element's bytes; errs.NotFound when it has none stored
	// here. The caller closes Body.
	Content(ctx context.Context, r Ref) (Content, error)
	// DeleteElement removes an element and its bytes.
	DeleteElement(ctx context.Context, r Ref) error

	// PutFeedback sets the feedback of a step, of which there is one. An empty
	// f.ThreadID is taken from the step.
	PutFeedback(ctx context.Context, f Feedback) (Written, error)
	// DeleteFeedback removes a feedback.
	DeleteFeedback(ctx context.Context, r Ref) error
}

// Content is stored bytes. Body is an io.Seeker too when it comes from a store
// in this process.
type Content struct {
	Body    io.ReadCloser
	Name    string
	MIME    string
	Size    int64
	ModTime time.Time
}

// Files is where the bytes of elements lie; package blob serves it. Keys are
// object keys as Chainlit's layers write them, with any characters.
type Files interface {
	// Write stores what r gives under key, whole or not at all, and returns
	// the number of bytes.
	Write(ctx context.Context, key string, r io.Reader, mime string) (int64, error)
	// Open opens a file. errs.NotFound when there is none.
	Open(ctx context.Context, key string) (Content, error)
	// Delete removes a file, and what a write of it that broke off left; one that
	// is missing is no error.
	Delete(ctx context.Context, key string) error
	// SignedURL makes a URL that reads a file for a while without other
	// credentials, and tells the reader its name and type.
	SignedURL(ctx context.Context, key, name, mime string) (string, error)
}

type ctxKey int

const (
	actorKey ctxKey = iota
	rawKey
)

// As returns a context whose calls act for the user with an identifier.
func As(ctx context.Context, identifier string) context.Context {
	return context.WithValue(ctx, actorKey, identifier)
}

// Actor returns the identifier that [As] put into a context, or "".
func Actor(ctx context.Context) string {
	s, _ := ctx.Value(actorKey).(string)
	return s
}

// Raw returns a context whose reads are not redacted: hidden inputs come as
// they are. It is for copies and exports; the server grants it to admins only.
func Raw(ctx context.Context) context.Context {
	return context.WithValue(ctx, rawKey, true)
}

// IsRaw tells whether [Raw] made a context.
func IsRaw(ctx context.Context) bool { return ctx.Value(rawKey) != nil }
