package query

import (
	"context"
	"iter"

	"github.com/varvedb/varve/errs"
)

// Unserved is the port of a database that is no databackend: every question is
// errs.Unsupported.
type Unserved struct {
	Why string // names the database and the remedy
}

var _ Store = Unserved{}

func (u Unserved) err() error { return errs.New(errs.Unsupported, "%s", u.Why) }

// Features implements Store.
func (Unserved) Features() Features { return Features{} }

// Tables implements Store.
func (u Unserved) Tables(context.Context) ([]Table, error) { return nil, u.err() }

// Table implements Store.
func (u Unserved) Table(context.Context, string) (Table, error) { return Table{}, u.err() }

// Create implements Store.
func (u Unserved) Create(context.Context, Table) error { return u.err() }

// Drop implements Store.
func (u Unserved) Drop(context.Context, string) error { return u.err() }

// Select implements Store.
func (u Unserved) Select(context.Context, *Plan) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) { yield(nil, u.err()) }
}

// Insert implements Store.
func (u Unserved) Insert(context.Context, Write, [][]any) ([]string, error) { return nil, u.err() }

// Update implements Store.
func (u Unserved) Update(context.Context, Write, []Assign, Cond) ([]string, error) {
	return nil, u.err()
}

// Delete implements Store.
func (u Unserved) Delete(context.Context, Write, Cond) ([]string, error) { return nil, u.err() }

// Raw implements Store.
func (u Unserved) Raw(context.Context, Raw, bool) (Answer, error) { return Answer{}, u.err() }
