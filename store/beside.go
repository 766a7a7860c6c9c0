package store

import (
	"context"

	"github.com/varvedb/varve/query"
)

// Beside opens the store for all but the user's tables, in a file of its own. A
// databackend that keeps nothing else is given one.
type Beside func(ctx context.Context, path string) (Store, error)

// UpdateBeside runs fn in a transaction of the store beside a databackend. It
// cannot span both: the tables of the user are not to be had in it, for the
// reason that why gives with its remedy.
func UpdateBeside(ctx context.Context, beside Store, why string, fn func(context.Context, Tx) error) error {
	return beside.Update(ctx, func(ctx context.Context, tx Tx) error { return fn(ctx, apart{tx, why}) })
}

// apart is the inside of a transaction without the tables of the user.
type apart struct {
	Tx
	why string
}

// Query implements Tx.
func (a apart) Query() query.Store { return query.Unserved{Why: a.why} }
