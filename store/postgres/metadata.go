package postgres

import (
	"context"
	"strconv"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlmeta"
)

// artifactsVersion is the number of the migration that makes the index of
// artifacts.
const artifactsVersion = 6

// Artifacts implements store.Tx.
func (s *Store) Artifacts() artifact.Index { return sqlmeta.Artifacts{DB: metadata{outer{s: s}}} }

// Artifacts implements store.Tx.
func (in inner) Artifacts() artifact.Index { return sqlmeta.Artifacts{DB: metadata{in}} }

// metadata is the database as the rooms of metadata use it.
type metadata struct{ at access }

// Read implements sqlmeta.DB. Each question has a snapshot of its own.
func (m metadata) Read(ctx context.Context, fn func(sqlmeta.Unit) error) error {
	l, err := m.ready(ctx)
	if err != nil {
		return err
	}
	return fn(sqlmeta.Unit{Querier: m.at, Dialect: l.metaDialect()})
}

// Write implements sqlmeta.DB.
func (m metadata) Write(ctx context.Context, fn func(sqlmeta.Unit) error) error {
	l, err := m.ready(ctx)
	if err != nil {
		return err
	}
	return m.at.atomic(ctx, func(at access) error { return fn(sqlmeta.Unit{Querier: at, Dialect: l.metaDialect()}) })
}

func (m metadata) ready(ctx context.Context) (*layout, error) {
	l, err := m.at.ground(ctx)
	if err != nil {
		return nil, err
	}
	if !l.founded() || !l.has(artifactsVersion) {
		return nil, errs.New(errs.Unsupported, "there is no place for metadata in a database that Varve did not create; `varve doctor --apply` makes one, or name another with --metadata")
	}
	return l, nil
}

func (l *layout) metaDialect() *sqlmeta.Dialect {
	return &sqlmeta.Dialect{Param: func(n int) string { return "$" + strconv.Itoa(n) }, Table: l.varve, Lock: " FOR UPDATE"}
}

// missingArtifacts is what the index of artifacts needs.
func (l *layout) missingArtifacts() []remedy {
	if l.has(artifactsVersion) {
		return nil
	}
	m := l.migrations()[artifactsVersion-1]
	return []remedy{l.ddl("there is no index of artifacts", "no artifacts can be kept with this database",
		append(split(l.render(m.sql, true)), record(l, artifactsVersion, m.name))...)}
}

// emptyIndex drops the index of artifacts, and refuses where it holds some:
// their bytes could not be found any more.
func (s *Store) emptyIndex(ctx context.Context, l *layout) (sql []string, err error) {
	if !l.has(artifactsVersion) {
		return nil, nil
	}
	full := false
	err = s.direct().Run(ctx, sqlcore.Query{SQL: `SELECT 1 FROM ` + l.varve("varve_artifact") + ` LIMIT 1`, Each: func(sqlcore.Row) error {
		full = true
		return nil
	}})
	if err == nil && full {
		err = errs.New(errs.Conflict, "there are artifacts, whose bytes could not be found any more; remove what names them and sweep first")
	}
	for _, t := range []string{"varve_artifact", "varve_artifact_part", "varve_artifact_ref", "varve_artifact_note"} {
		sql = append(sql, `DROP TABLE IF EXISTS `+l.varve(t))
	}
	return sql, err
}
