package chat

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/varvedb/varve/errs"
)

// Options tune a [Service]. The zero value works.
type Options struct {
	// Files keeps the bytes of elements; nil: elements have none.
	Files Files
	// ElementURL gives the stable, unsigned address under which an element's
	// bytes are served; it is stored, so that other readers of the database
	// find them. nil: none is stored.
	ElementURL func(threadID, elementID string) string
	// Retain says when threads are deleted for their age; nil: never. See
	// [Service.Retain].
	Retain []Retention
	// Secret signs cursors; processes that share a database share it. nil: a
	// random one.
	Secret []byte
	// Now is the clock, NewID makes ids (UUIDs by default).
	Now   func() time.Time
	NewID func() string
	Log   *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Secret == nil {
		o.Secret = make([]byte, 32)
		rand.Read(o.Secret)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Service is the one implementation of [API]: it does once, above every store,
// what must not differ between stores. It is safe for concurrent use.
type Service struct {
	store Store
	opt   Options
	sweep *sweeper // nil where there is nothing to delete, and inside a transaction
}

var _ API = (*Service)(nil)

// NewService makes a service over a store. Close stops what it runs. With a
// rule of retention it runs at once, and makes the tables where there are none.
func NewService(store Store, opt Options) *Service {
	s := &Service{store: store, opt: opt.withDefaults()}
	if s.opt.Files != nil || len(s.opt.Retain) > 0 {
		s.sweep = newSweeper(s)
	}
	if len(s.opt.Retain) > 0 {
		s.sweep.begin()
	}
	return s
}

// In returns the same service on the store of a transaction. It stores no
// bytes: that is I/O elsewhere.
func (s *Service) In(tx Store) *Service {
	return &Service{store: tx, opt: s.opt}
}

// port is the store below. Its first use begins the sweep: until then nobody
// asks the database about conversations, which would make their tables where
// there are none.
func (s *Service) port() Store {
	if s.sweep != nil {
		s.sweep.begin()
	}
	return s.store
}

// Features says what the store below can do.
func (s *Service) Features() Features { return s.port().Features() }

// Close stops the deletion of orphaned bytes and of threads whose time is over;
// what is left is done after the next start.
func (s *Service) Close() error {
	if s.sweep != nil {
		s.sweep.stop()
	}
	return nil
}

func (s *Service) write(ctx context.Context) Write {
	return Write{Actor: Actor(ctx), Now: s.opt.Now().UTC()}
}

// visible refuses to show an actor what belongs to another, in the same words
// as what does not exist.
func visible(ctx context.Context, owner, field, id string) error {
	if actor := Actor(ctx); actor != "" && owner != "" && owner != actor {
		return missing(field, id)
	}
	return nil
}

// visibleThread is visible for a thread of which only the id is known.
func (s *Service) visibleThread(ctx context.Context, threadID, field, id string) error {
	if Actor(ctx) == "" || threadID == "" {
		return nil
	}
	h, err := s.port().Head(ctx, threadID)
	if errs.KindOf(err) == errs.NotFound {
		return nil // a thread without a row is nobody's
	}
	if err != nil {
		return err
	}
	return visible(ctx, h.UserIdentifier, field, id)
}

// missing is the error for a thing that is not there, in every store's words.
func missing(field, id string) error {
	return errs.Field(errs.NotFound, field, "there is no %q", id)
}

// Missing is the error of a store for a thing that is not there. field is the
// key of the id: "id", "threadId", "forId", "identifier".
func Missing(field, id string) error { return missing(field, id) }

// Deleted is the error of a store for a write to a thread that was deleted
// less than [TombstoneAge] ago.
func Deleted(threadID string) error {
	return errs.Field(errs.Gone, "threadId", "thread %q was deleted", threadID)
}
