package state

import (
	"context"
	"time"
)

// Op is how a version came about.
type Op string

// The operations of versions, which are also those of writes. Put is only a
// write: its version says append or update.
const (
	OpAppend  Op = "append"  // the first version, or the first after a deletion
	OpUpdate  Op = "update"  // some columns, or all of them, have new values
	OpDelete  Op = "delete"  // a tombstone: it has its key and owner and nothing else
	OpRestore Op = "restore" // the values of an older version again
	OpPut     Op = "put"
)

// Version is one version of one row, in the log of its table.
type Version struct {
	// Seq is its position in the table, in the order of commits. Positions
	// only grow and are never used twice, not even after Clear; gaps are
	// normal.
	Seq int64
	// At is the time of the write in UTC and whole microseconds. It grows
	// with Seq even where clocks are set back, then by a microsecond.
	At time.Time
	// Entity numbers the row within its table; keys and entities correspond
	// one to one, and deletion does not end it.
	Entity int64
	// Number counts the versions of the row from 1 without gaps.
	Number int64
	Op     Op
	Actor  string // who wrote it, "" when unknown
	Source int64  // of a restore: the version number whose values these are
	// Values are in the order of the Table's columns, as [Type] says; nil is
	// NULL.
	Values []any
}

// Write asks for one version. A store makes it with [Next], under a lock or
// within a transaction that sees the newest version of the row.
type Write struct {
	Op  Op
	Key string // see [Table.KeyOf]
	// Values by the names of columns as the Table has them. Whole replaces all
	// others by NULL, else an update leaves them as they are.
	Values map[string]any
	Whole  bool
	// Expect is the number that the newest version must have; 0: any.
	// Deleted rows have a number too.
	Expect int64
	// Owner, when not nil, is the only user whose rows may be written.
	Owner *string
	Actor string
	// Source is the version number that a restore takes its values from.
	Source int64
	// Now is the clock's time, from which [Tick] makes the version's.
	Now time.Time
}

// CompareOp is how a column is held against a value.
type CompareOp string

// The comparisons. NULL is equal to nil and to nothing else, and neither less
// nor greater than anything.
const (
	Equal        CompareOp = "="
	NotEqual     CompareOp = "!=" // NULL differs from every value
	Less         CompareOp = "<"
	LessEqual    CompareOp = "<="
	Greater      CompareOp = ">"
	GreaterEqual CompareOp = ">="
	In           CompareOp = "in"  // Value is []any
	Has          CompareOp = "has" // a list in JSON contains the text
)

// Condition holds one column against a value of its type.
type Condition struct {
	Column string    `json:"column"`
	Op     CompareOp `json:"op"`
	Value  any       `json:"value"`
}

// Order is one term of an order. Text is in the order of its bytes, NULL
// comes after everything else, and first when descending. Column may also be
// "_seq", "_version" or "_at".
type Order struct {
	Column     string `json:"column"`
	Descending bool   `json:"descending,omitempty"`
}

// Scan asks for rows: of each the newest version, or the newest at a position.
// Conditions are held against that version only, never against older ones.
type Scan struct {
	At      int64 // position; 0: now
	Where   []Condition
	Order   []Order // ties are in the order of Entity, ascending
	After   []any   // the values of Order, and last the Entity (int64), of the row to go on behind
	Limit   int     // more than 0
	Deleted bool    // tombstones too
}

// Head is how far a table has come.
type Head struct {
	Seq        int64 `json:"seq" doc:"position of the newest version; 0: there was never one"`
	Generation int64 `json:"generation" doc:"grows when the table is cleared"`
}

// Store is what a database implements. Values are checked and of their column's
// type already. Every method that names a table that was never declared is
// errs.NotFound. Writes are atomic and durable when they return; in an Update
// of the database, with it.
type Store interface {
	// Tables lists the declared tables in the order of their names.
	Tables(ctx context.Context) ([]Table, error)
	// Declare makes a table or brings it up to a newer declaration with
	// [Evolve], whichever of several processes comes first. Rows are not
	// rewritten.
	Declare(ctx context.Context, s Schema) (Table, error)
	// Clear forgets all rows of the tables, with their history, raises their
	// generations and sets their horizons just past the last position;
	// positions go on. All or none are cleared.
	Clear(ctx context.Context, tables []string) error
	// Write makes one version for each write, in order, with [Next]; the first
	// that fails ends it and nothing is written. A later write sees an earlier
	// one of the same call.
	Write(ctx context.Context, table string, ws []Write) ([]Version, error)
	// Head tells how far the table has come. It is asked before every
	// analytical read and must cost next to nothing.
	Head(ctx context.Context, t *Table) (Head, error)
	// Get returns the newest version of a row, or its newest at a position
	// unless at is 0; a tombstone like any other. errs.NotFound: there is none.
	Get(ctx context.Context, t *Table, key string, at int64) (Version, error)
	// Scan returns the rows asked for, in the order asked for.
	Scan(ctx context.Context, t *Table, q Scan) ([]Version, error)
	// History returns versions of a row with a number below before, newest
	// first, at most limit; before 0: from the newest. None is no error.
	History(ctx context.Context, t *Table, key string, before int64, limit int) ([]Version, error)
	// Log returns versions of all rows with a position over after, in order,
	// at most limit. What it has handed out, nothing later comes before.
	Log(ctx context.Context, t *Table, after int64, limit int) ([]Version, error)
	// Position is that of the last version at or before a time; 0: none is.
	Position(ctx context.Context, t *Table, at time.Time) (int64, error)
	// Compact forgets versions that no state at horizon or later shows: all
	// but, of every row, the newest up to horizon. Those stay, too, that are
	// among the newest keep of their row. It sets the Horizon, which never
	// falls, and returns how many versions went: to horizon, or where keep is
	// not 0 to the first position that can still be told.
	Compact(ctx context.Context, t *Table, horizon, keep int64) (int64, error)
}
