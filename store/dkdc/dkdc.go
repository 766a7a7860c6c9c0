// Package dkdc serves versioned tables on a file that dkdc made: its todo.db
// and lake.db, whose tables "todos" and "lake" hold one row for each version.
// Such a file stays dkdc's. Only rows of these two tables are written to it, as
// dkdc itself would write them, so that dkdc reads them and its _clear works;
// all that Varve keeps beside lies in a file of its own, FILE.varve.db, which
// is made anew from dkdc's rows when it is deleted.
//
//	file, err := sqlite.Open(ctx, "todo.db", sqlite.Options{})
//	db, err := dkdc.Open(ctx, "todo.db", file, sqlite.Options{})   // the file alone where it is not dkdc's
//
// Use the file in turns: a process of dkdc's drops its own locks on it (Python's
// SQLite and DuckDB's in one process), and then neither is safe from the other.
// Rows that appear while the file is open are taken over, and warned about.
package dkdc

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

// Suffix is what the file beside is called after dkdc's.
const Suffix = ".varve.db"

// Store is a file of dkdc's.
type Store struct {
	*sqlite.Store               // dkdc's
	beside        *sqlite.Store // Varve's
	log           *slog.Logger

	mu     sync.Mutex // held while rows are taken over or written
	seen   bool       // rows were taken over once
	warned bool
}

var _ store.Store = (*Store)(nil)

// Open serves versioned tables on a file that is open already, if it is one of
// dkdc's; else it returns the file as it is. It closes what it is given when it
// fails.
func Open(ctx context.Context, path string, file *sqlite.Store, o sqlite.Options) (store.Store, error) {
	theirs, err := isTheirs(ctx, file)
	if err != nil || !theirs {
		return file, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	beside, err := sqlite.Open(ctx, path+Suffix, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Store{Store: file, beside: beside, log: o.Log}, nil
}

func isTheirs(ctx context.Context, file *sqlite.Store) (bool, error) {
	if !file.Foreign() {
		return false, nil
	}
	for _, t := range tables {
		if there, err := t.in(file).Present(ctx); err != nil || there {
			return there, err
		}
	}
	return false, nil
}

// State implements store.Tx.
func (s *Store) State() state.Store { return versions{s} }

// Secret implements store.Store.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	return s.beside.Secret(ctx, name)
}

// Update implements store.Store, for conversations alone: a transaction over
// two files would not be one.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return fn(ctx, inside{tx}) })
}

type inside struct{ store.Tx }

func (inside) State() state.Store {
	return state.Unserved{Engine: "a transaction on a file of dkdc's"}
}

// Close implements store.Store.
func (s *Store) Close() error { return errors.Join(s.beside.Close(), s.Store.Close()) }

// Examine implements store.Doctor: there is nothing to mend, since nothing but
// rows is added to such a file.
func (s *Store) Examine(context.Context) (store.Diagnosis, error) {
	return store.Diagnosis{Schema: "dkdc"}, nil
}

// Mend implements store.Doctor.
func (s *Store) Mend(context.Context) error {
	return errs.New(errs.Unsupported, "a file of dkdc's is left as it is; Varve's own tables are in the file beside it")
}

// Remove implements store.Doctor.
func (s *Store) Remove(context.Context) error {
	return errs.New(errs.Unsupported, "nothing was added to this file; delete the file beside it, *%s", Suffix)
}
