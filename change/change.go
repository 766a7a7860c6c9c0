// Package change is the vocabulary of "what was written where". A store notes
// every write in the writing transaction; consumers read the notes in order
// and remember a position.
package change

import (
	"context"
	"time"
)

// Op is what happened to a row.
type Op string

// The operations.
const (
	Insert Op = "insert"
	Update Op = "update"
	Delete Op = "delete"
)

// Event is one note. Position grows within a database and is never used twice;
// gaps are normal. A bulk insert is one event with Last set: all keys between
// Key and Last in the table's own key order.
type Event struct {
	Position int64
	Table    string
	Key      string
	Last     string
	Op       Op
	At       time.Time
}

// Log reads the notes of one database.
type Log interface {
	// Changes returns at most limit events with a position over after, in
	// order. It stops before the oldest transaction still running, so that no
	// event appears later below a position that was already handed out.
	// errs.Unsupported when the database keeps no log.
	Changes(ctx context.Context, after int64, limit int) ([]Event, error)
	// Head is the last position that Changes may hand out now, 0 when none.
	Head(ctx context.Context) (int64, error)
}

// Stamper tells in one look whether anything was written. A [Log] may be one.
type Stamper interface {
	// Stamp is a text that differs from every earlier one of the same handle
	// if there is anything new, whoever wrote it: a note, a version, a
	// declaration, a generation or a horizon. It may differ for less. A note
	// that [Log] holds back yet counts when it no longer is. errs.Unsupported
	// where the database cannot tell.
	Stamp(ctx context.Context) (string, error)
}

// Noter adds notes about what was written elsewhere. A transaction of a store
// may be one.
type Noter interface {
	// Note adds them at the end of the log, in their order, as part of the
	// transaction; their positions are given by the log. errs.Unsupported when
	// the database keeps no log.
	Note(ctx context.Context, events []Event) error
}
