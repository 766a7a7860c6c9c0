package mysql

import (
	"context"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/store/internal/sqlmeta"
)

// Artifacts implements store.Tx.
func (s *Store) Artifacts() artifact.Index { return sqlmeta.Artifacts{DB: metadata{outer{s}}} }

// Artifacts implements store.Tx.
func (in inner) Artifacts() artifact.Index { return sqlmeta.Artifacts{DB: metadata{in}} }

var metaDialect = sqlmeta.Dialect{
	Param: func(int) string { return "?" },
	Table: func(name string) string { return name },
	Lock:  " FOR UPDATE",
}

// metadata is the database as the rooms of metadata use it. Their first use
// makes the tables.
type metadata struct{ at access }

// Read implements sqlmeta.DB. Each question has a snapshot of its own.
func (m metadata) Read(ctx context.Context, fn func(sqlmeta.Unit) error) error {
	if err := m.at.ground(ctx); err != nil {
		return err
	}
	return fn(sqlmeta.Unit{Querier: m.at, Dialect: &metaDialect})
}

// Write implements sqlmeta.DB.
func (m metadata) Write(ctx context.Context, fn func(sqlmeta.Unit) error) error {
	if err := m.at.ground(ctx); err != nil {
		return err
	}
	return m.at.atomic(ctx, func(u *unit) error { return fn(sqlmeta.Unit{Querier: u, Dialect: &metaDialect}) })
}
