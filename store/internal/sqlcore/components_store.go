package sqlcore

import (
	"context"
	"time"

	"github.com/varvedb/varve/component"
)

// ComponentAccess is how a database runs what the port of components asks.
type ComponentAccess interface {
	// Read runs fn on one snapshot, or not at all where the tables are not
	// there.
	Read(ctx context.Context, fn func(Querier) error) error
	// Write makes the tables where they are not there and runs fn in one
	// transaction, which happens whole or not at all.
	Write(ctx context.Context, fn func(Querier) error) error
	// Indexed tells whether the tables of the index of artifacts are there,
	// which are another room's.
	Indexed(ctx context.Context, q Querier) (bool, error)
}

// ComponentStore is the port on a database.
func (c *Components) ComponentStore(at ComponentAccess) component.Store {
	return componentStore{c, at}
}

type componentStore struct {
	sql *Components
	at  ComponentAccess
}

// Heads implements component.Store.
func (s componentStore) Heads(ctx context.Context, names []component.Name) (heads []component.Head, err error) {
	heads = make([]component.Head, len(names))
	err = s.at.Read(ctx, func(q Querier) error { return s.sql.Heads(ctx, q, names, heads) })
	return heads, err
}

// Find implements component.Store.
func (s componentStore) Find(ctx context.Context, f component.Filter) (found []component.Record, err error) {
	err = s.at.Read(ctx, func(q Querier) error {
		found, err = s.sql.Find(ctx, q, f)
		return err
	})
	return found, err
}

// Edges implements component.Store.
func (s componentStore) Edges(ctx context.Context, parents, children []string) (found []component.Edge, err error) {
	err = s.at.Read(ctx, func(q Querier) error {
		found, err = s.sql.Edges(ctx, q, parents, children)
		return err
	})
	return found, err
}

// Commit implements component.Store.
func (s componentStore) Commit(ctx context.Context, b component.Batch) error {
	return s.at.Write(ctx, func(q Querier) error {
		indexed, err := s.at.Indexed(ctx, q)
		if err != nil {
			return err
		}
		return s.sql.Commit(ctx, q, b, indexed)
	})
}

// Owners implements component.Store.
func (s componentStore) Owners(ctx context.Context, digest string) (owners []component.Owner, err error) {
	err = s.at.Read(ctx, func(q Querier) error {
		indexed, err := s.at.Indexed(ctx, q)
		if err == nil && indexed {
			owners, err = s.sql.Owners(ctx, q, digest)
		}
		return err
	})
	return owners, err
}

// Begin implements component.Journal.
func (s componentStore) Begin(ctx context.Context, e component.Entry) error {
	return s.at.Write(ctx, func(q Querier) error { return s.sql.Begin(ctx, q, e) })
}

// Begun implements component.Journal.
func (s componentStore) Begun(ctx context.Context, before time.Time) (found []component.Entry, err error) {
	err = s.at.Read(ctx, func(q Querier) error {
		found, err = s.sql.Begun(ctx, q, before)
		return err
	})
	return found, err
}
