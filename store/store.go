// Package store is what one database serves: the ports of all rooms, in one
// transaction. A step, the note of its change and the work it causes commit
// together or not at all.
package store

import (
	"context"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
)

// Tx gives the ports of the rooms inside one transaction.
type Tx interface {
	// Chat is the port of the room of conversations. It is never nil.
	Chat() chat.Store
	// State is the port of versioned tables. It is never nil; where the
	// database keeps none it is a state.Unserved.
	State() state.Store
	// Query is the port of the databackend: the tables of the user. It is never
	// nil; where the database is none it is a query.Unserved.
	Query() query.Store
	// Components is the port of components. It is never nil; where the database
	// keeps none it is a component.Unserved.
	Components() component.Store
	// Artifacts is the index of artifacts. It is never nil; where the database
	// keeps no metadata it is an artifact.Unserved.
	Artifacts() artifact.Index
}

// Store is an open database.
type Store interface {
	Tx
	change.Log
	// Update runs fn in one transaction: all that it writes through tx is
	// durable when Update returns nil, and nothing of it when fn fails. fn
	// must use the context it is given and do no I/O elsewhere; it may be run
	// again after a serialisation failure. A call through the outer handle
	// inside fn is errs.Invalid.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Secret returns a random secret of 32 bytes that belongs to the database,
	// made at first use. errs.Unsupported when there is no place to keep it.
	Secret(ctx context.Context, name string) ([]byte, error)
	// Ping tells whether the database answers.
	Ping(ctx context.Context) error
	// Close waits for what runs and gives the database back. No call may follow.
	Close() error
}

// A Doctor knows what is wrong with a database. Stores on databases that
// others create implement it.
type Doctor interface {
	// Examine returns what is missing, in the order it would be mended. It
	// changes nothing.
	Examine(ctx context.Context) (Diagnosis, error)
	// Mend does what Examine names; it only adds.
	Mend(ctx context.Context) error
	// Remove takes away all that Varve added to a database it did not create.
	Remove(ctx context.Context) error
}

// Diagnosis is the state of a database and the additive migration for it.
type Diagnosis struct {
	Schema   string    `json:"schema"`   // who made the tables: "varve", "chainlit", or "official" for those of its official layer
	Findings []Finding `json:"findings"` // none: nothing to do
	// Notes are what is wrong and not for Mend to do, since it is more than an
	// addition: SQL is the remedy, for a person to judge.
	Notes []Finding `json:"notes,omitempty"`
}

// Finding is one thing that is missing, what it costs, and the SQL for it.
type Finding struct {
	What string   `json:"what"`
	Cost string   `json:"cost"`
	SQL  []string `json:"sql"`
}

// A Scrubber knows what is left of rows that were deleted. Stores that are none
// leave it unsaid.
type Scrubber interface {
	// Scrub overwrites or removes what deleted rows left in files of the store's
	// own: free pages, logs, indexes. It tells in words for people what it did,
	// and what it cannot reach, the second with an error too. It may be repeated,
	// and must be when it fails.
	Scrub(ctx context.Context) (done, beyond []string, err error)
}

type inside struct{}

// Inside marks the context that is handed to the fn of an Update.
func Inside(ctx context.Context) context.Context {
	return context.WithValue(ctx, inside{}, true)
}

// Outer refuses a call through the outer handle inside an Update: it would
// wait for itself, or write outside the transaction.
func Outer(ctx context.Context) error {
	if ctx.Value(inside{}) != nil {
		return errs.New(errs.Invalid, "inside Update use the transaction it gives, not the outer handle")
	}
	return nil
}
