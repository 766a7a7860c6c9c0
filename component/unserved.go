package component

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
)

// Unserved is the port of a database that keeps no components: every method is
// errs.Unsupported.
type Unserved struct {
	Why string // names the database and the remedy
}

var _ Store = Unserved{}

func (u Unserved) err() error { return errs.New(errs.Unsupported, "%s", u.Why) }

// Heads implements Store.
func (u Unserved) Heads(context.Context, []Name) ([]Head, error) { return nil, u.err() }

// Find implements Store.
func (u Unserved) Find(context.Context, Filter) ([]Record, error) { return nil, u.err() }

// Edges implements Store.
func (u Unserved) Edges(context.Context, []string, []string) ([]Edge, error) { return nil, u.err() }

// Commit implements Store.
func (u Unserved) Commit(context.Context, Batch) error { return u.err() }

// Owners implements Store.
func (u Unserved) Owners(context.Context, string) ([]Owner, error) { return nil, u.err() }

// Begin implements Journal.
func (u Unserved) Begin(context.Context, Entry) error { return u.err() }

// Begun implements Journal.
func (u Unserved) Begun(context.Context, time.Time) ([]Entry, error) { return nil, u.err() }
