package artifact

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
)

// Unserved is the index of a database that keeps none: every method is
// errs.Unsupported.
type Unserved struct {
	Engine string // as its users call it: "DynamoDB"
}

var _ Index = Unserved{}

func (u Unserved) err() error {
	return errs.New(errs.Unsupported, "%s keeps no metadata; name a database of another kind with --metadata", u.Engine)
}

// Entry implements Index.
func (u Unserved) Entry(context.Context, Digest) (Entry, error) { return Entry{}, u.err() }

// Entries implements Index.
func (u Unserved) Entries(context.Context, Digest, int) ([]Entry, error) { return nil, u.err() }

// Begin implements Index.
func (u Unserved) Begin(context.Context, Note) error { return u.err() }

// Keep implements Index.
func (u Unserved) Keep(context.Context, Entry) error { return u.err() }

// Touch implements Index.
func (u Unserved) Touch(context.Context, Digest, time.Time) error { return u.err() }

// End implements Index.
func (u Unserved) End(context.Context, string) error { return u.err() }

// Doom implements Index.
func (u Unserved) Doom(context.Context, time.Time, int) ([]Note, error) { return nil, u.err() }

// Unused implements Index.
func (u Unserved) Unused(context.Context, time.Time, Digest, int) ([]Entry, error) {
	return nil, u.err()
}

// Forget implements Index.
func (u Unserved) Forget(context.Context, Entry, time.Time) error { return u.err() }
