package query

import (
	"context"
	"iter"
	"time"
)

// Ref is a column of a plan: one of the columns of one of its tables, or a
// place in its JSON.
type Ref struct {
	Table  int      // in Plan.Tables
	Column int      // in the Table's Columns
	Path   []string // into JSON; a part that is a number from 0 is also an index of a list
	// Type is the column's. With a Path it is JSON in an answer and under
	// Contains, and JSON's null is NULL there; elsewhere it is that of the value
	// it is compared with, which is Text, Real (for all numbers) or Boolean, and
	// a value of another type there is NULL. Under Is and IsNot without a value
	// it is JSON.
	Type Type
}

// Cond is a resolved [Expr]. Values are of the type of Ref, as [Kind] says.
//
// It is true, false or NULL, as in SQL; a row is let through where the whole is
// true. A comparison is NULL where the column or Other is NULL, Not of NULL is
// NULL, And is false if one is and else NULL if one is, Or true if one is and
// else NULL if one is. In of an empty list is false even where the column is NULL. Is and IsNot
// are never NULL: Is without a value or Other is true of NULL; with one it is
// true where both are equal, or (with Other) both NULL; IsNot is its opposite.
//
// Equal, NotEqual, In, Is and IsNot are for every type but JSON, Vector and
// Tensor; JSON may be held against NULL. Less and its kin are for ordered
// types. Text compares byte by byte, false is less than true. Other is of the
// same type, or one is Integer and the other Real.
//
// Matches is for Text: % stands for any text, _ for one character, \ before
// one of %, _ and \ takes it as it is and stands for itself elsewhere; case
// counts. Contains is for Text, whose value then is somewhere in it and case
// counts, and for JSON: it is true where it is a list that has the Value at its
// top, which is string, float64 or bool, and false for other JSON.
type Cond struct {
	Op    Op
	Of    []Cond
	Ref   Ref
	Value any  // In: []any, without nil
	Other *Ref // stands for Value
}

// Source is a table of a plan; all but the first are joined.
type Source struct {
	Table *Table
	Left  bool
	// On are pairs that must be equal, of a table before and of this one, with
	// types as Other has them. None: every row with every row.
	On [][2]Ref
	// Owner, when not nil, is the only user whose rows of this source are
	// there: the others are not joined, not counted and not sorted.
	Owner *string
}

// Sort is a resolved [Order]. Its Ref is of an ordered type and has no Path.
type Sort struct {
	Ref        Ref
	Descending bool
}

// Plan is a resolved [Select]. Order always ends in the keys of all tables
// that have one, so that the order is total.
type Plan struct {
	Tables  []Source
	Columns []Ref
	Where   Cond // And of none: all
	Order   []Sort
	Limit   int // 0: all
	Offset  int
}

// Write is what every change of rows says.
type Write struct {
	Table *Table
	Now   time.Time
	// Quiet: it leaves no note in the change log.
	Quiet bool
}

// Features is what a database can do beyond reading and writing rows.
type Features struct {
	Transactions bool `json:"transactions"` // within Update of the database
	Changes      bool `json:"changes"`      // every write is noted in the change log
	Foreign      bool `json:"foreign"`      // other programs may write at the same time
	Documents    bool `json:"documents"`    // rows of one table may differ in their fields
	Raw          bool `json:"raw"`          // it has a language of its own
	// Confined: a question in that language reaches the tables of the user and
	// no others: not what Varve keeps for itself, secrets among it, and nothing
	// outside the database. Where it is not, a server does not ask it for others.
	Confined bool `json:"confined"`
	Reserved bool `json:"reserved"` // the tables of conversations and versioned tables are among its own
	// MaxColumns of a table, 0 when there is no limit to speak of.
	MaxColumns int `json:"maxColumns,omitempty"`
}

// Store is what a database implements. Plans are resolved and values checked;
// a Table that is no longer as the plan has it is errs.Conflict. Every write
// is atomic and durable when it returns, with its notes in the change log; in
// an Update of the database, with it.
type Store interface {
	// Features tells what the database can do; it costs nothing.
	Features() Features
	// Tables lists the user's tables and the reserved ones in the order of
	// their names; never those that Varve keeps for itself.
	Tables(ctx context.Context) ([]Table, error)
	// Table is one of them. errs.NotFound: there is none. What is asked often
	// costs no round trip.
	Table(ctx context.Context, name string) (Table, error)
	// Create makes a table, or does nothing where it is there with the same
	// columns in whatever order and the same key. errs.Exists names a column
	// that differs. Names are as [CheckName] lets them through. Two that make
	// one table at once both succeed.
	Create(ctx context.Context, t Table) error
	// Drop takes a table away that Create made, with its rows. errs.NotFound:
	// there is none; errs.Forbidden: somebody else made it.
	Drop(ctx context.Context, name string) error
	// Select yields the rows of a plan in its order: values in the order of
	// its Columns, as [Kind] says. A row is the caller's until the next. An
	// error ends it. The answer is of one moment.
	Select(ctx context.Context, p *Plan) iter.Seq2[[]any, error]
	// Insert adds rows whose values are in the order of the Table's columns,
	// all of them or none, and returns their keys in order, as text. A key that
	// is taken is [TakenKey]. More than one row is one
	// note in the change log: of all keys from the least to the greatest in the
	// order of keys, text by its bytes.
	Insert(ctx context.Context, w Write, rows [][]any) ([]string, error)
	// Update sets columns of the rows that a condition lets through, and
	// returns their keys in order, with a note for each. The key is not set.
	Update(ctx context.Context, w Write, set []Assign, where Cond) ([]string, error)
	// Delete removes the rows that a condition lets through, and returns their
	// keys in order, with a note for each.
	Delete(ctx context.Context, w Write, where Cond) ([]string, error)
	// Raw asks in the database's own language. It reads only, whatever the
	// statement says, unless write is set: errs.Forbidden what would write.
	// errs.Invalid what the database cannot read. Values are as the database gives
	// them: nil, string, int64, float64, bool, []byte, time.Time.
	Raw(ctx context.Context, r Raw, write bool) (Answer, error)
}

// Assign gives a column of a table a value.
type Assign struct {
	Column int
	Value  any
}

// Answer is what a Raw asked for.
type Answer struct {
	Columns []string
	Rows    iter.Seq2[[]any, error] // to be read to its end or broken off
}
