package state

import (
	"context"
	"time"

	"github.com/varvedb/varve/errs"
)

// Unserved is the store of a database that keeps no versioned tables: every
// method is errs.Unsupported.
type Unserved struct {
	Engine string // as its users call it: "DynamoDB"
}

var _ Store = Unserved{}

func (u Unserved) err() error {
	return errs.New(errs.Unsupported, "%s keeps no versioned tables; open SQLite or PostgreSQL for them", u.Engine)
}

// Tables implements Store.
func (u Unserved) Tables(context.Context) ([]Table, error) { return nil, u.err() }

// Declare implements Store.
func (u Unserved) Declare(context.Context, Schema) (Table, error) { return Table{}, u.err() }

// Clear implements Store.
func (u Unserved) Clear(context.Context, []string) error { return u.err() }

// Write implements Store.
func (u Unserved) Write(context.Context, string, []Write) ([]Version, error) { return nil, u.err() }

// Head implements Store.
func (u Unserved) Head(context.Context, *Table) (Head, error) { return Head{}, u.err() }

// Get implements Store.
func (u Unserved) Get(context.Context, *Table, string, int64) (Version, error) {
	return Version{}, u.err()
}

// Scan implements Store.
func (u Unserved) Scan(context.Context, *Table, Scan) ([]Version, error) { return nil, u.err() }

// History implements Store.
func (u Unserved) History(context.Context, *Table, string, int64, int) ([]Version, error) {
	return nil, u.err()
}

// Log implements Store.
func (u Unserved) Log(context.Context, *Table, int64, int) ([]Version, error) { return nil, u.err() }

// Position implements Store.
func (u Unserved) Position(context.Context, *Table, time.Time) (int64, error) { return 0, u.err() }

// Compact implements Store.
func (u Unserved) Compact(context.Context, *Table, int64, int64) (int64, error) { return 0, u.err() }
