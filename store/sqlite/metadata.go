package sqlite

import (
	"context"
	_ "embed"
	"strconv"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlmeta"
)

//go:embed migrations/0004_artifacts.sql
var artifactsSQL string

// metadata is the database as the rooms of metadata use it. Their first use
// makes the tables.
type metadata struct {
	store *Store
	at    access
}

var metaDialect = sqlmeta.Dialect{
	Param: func(n int) string { return "?" + strconv.Itoa(n) },
	Table: sqlcore.Quote,
}

// Artifacts implements store.Tx.
func (s *Store) Artifacts() artifact.Index { return sqlmeta.Artifacts{DB: metadata{s, s}} }

// Artifacts implements store.Tx.
func (t *tx) Artifacts() artifact.Index { return sqlmeta.Artifacts{DB: metadata{t.store, t}} }

// Read implements sqlmeta.DB.
func (m metadata) Read(ctx context.Context, fn func(sqlmeta.Unit) error) error {
	if err := m.prepare(ctx); err != nil {
		return err
	}
	return m.at.read(ctx, func(c *conn) error { return fn(sqlmeta.Unit{Querier: c, Dialect: &metaDialect}) })
}

// Write implements sqlmeta.DB.
func (m metadata) Write(ctx context.Context, fn func(sqlmeta.Unit) error) error {
	if err := m.prepare(ctx); err != nil {
		return err
	}
	return m.at.write(ctx, func(c *conn) error { return fn(sqlmeta.Unit{Querier: c, Dialect: &metaDialect}) })
}

// prepare makes the tables once. What a transaction makes may be undone, so
// only the outer handle remembers that they are there.
func (m metadata) prepare(ctx context.Context) error {
	if m.store.described.Load() {
		return nil
	}
	if !m.store.known.Load() {
		return errs.New(errs.Unsupported, "there is no place for metadata in a database that Varve did not make; `varve doctor --apply` makes one, or name another with --metadata")
	}
	err := m.at.write(ctx, func(c *conn) error {
		if err := c.clash(); err != nil {
			return err
		}
		return c.migrate("artifacts", artifactsSQL, "")
	})
	if _, outer := m.at.(*Store); outer && err == nil {
		m.store.described.Store(true)
	}
	return err
}
