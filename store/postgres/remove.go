package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Remove implements store.Doctor. A column of Chainlit's that was added and
// holds values by now stays, since those values are the host's.
func (s *Store) Remove(ctx context.Context) error {
	s.making.Lock()
	defer s.making.Unlock()
	l, err := s.introspect(ctx)
	if err != nil {
		return err
	}
	switch l.origin {
	case own, nobody:
		return errs.New(errs.Unsupported, "this database is Varve's own; there is nothing of another's to go back to")
	case foreign:
		if !l.founded() {
			return nil
		}
	}
	versioned, err := s.emptyTables(ctx, l)
	if err != nil {
		return err
	}
	index, err := s.emptyIndex(ctx, l)
	if err != nil {
		return err
	}
	components, err := s.emptyComponents(ctx)
	if err != nil {
		return err
	}
	tables, err := s.emptyData(ctx, l)
	if err != nil {
		return err
	}
	added, err := s.emptyAdditions(ctx, l)
	if err != nil {
		return err
	}
	s.layout.Store(nil)
	if err := s.alter(ctx, slices.Concat(versioned, index, components, tables, l.removal(), added)); err != nil {
		return err
	}
	return s.again(ctx)
}

// removal takes away everything with Varve's name, which is all that was
// added but for Chainlit's columns.
func (l *layout) removal() []string {
	var sql []string
	for _, name := range []string{"varve_noted", "varve_steps_noted", "varve_threads_born", "varve_threads_died", "varve_unfold"} {
		sql = append(sql, fmt.Sprintf(`DROP FUNCTION IF EXISTS %s() CASCADE`, l.varve(name))) // and the triggers
	}
	for name := range l.indexes {
		if strings.HasPrefix(name, "varve_") {
			sql = append(sql, fmt.Sprintf(`DROP INDEX IF EXISTS %s.%s`, sqlcore.Quote(l.chat), sqlcore.Quote(name)))
		}
	}
	for _, w := range l.wanted() {
		if w.ours() {
			sql = append(sql, l.dropColumn(w))
		}
	}
	for _, f := range []string{"varve_note(text,text,text)", "varve_utc(text)", "varve_base()"} {
		sql = append(sql, fmt.Sprintf(`DROP FUNCTION IF EXISTS %s.%s`, sqlcore.Quote(l.schema), f))
	}
	for _, t := range []string{"varve_meta", "varve_change", "varve_tombstone", "varve_orphan", "varve_table", "varve_migration"} {
		sql = append(sql, fmt.Sprintf(`DROP TABLE IF EXISTS %s`, l.varve(t)))
	}
	return sql
}

func (l *layout) dropColumn(w wish) string {
	return fmt.Sprintf(`ALTER TABLE %s DROP COLUMN IF EXISTS %s`, l.target(w.table), sqlcore.Quote(w.name))
}

// emptyTables drops versioned tables, and refuses where one holds rows: unlike
// all else of Varve's they cannot be made again.
func (s *Store) emptyTables(ctx context.Context, l *layout) (sql []string, err error) {
	if !l.has(stateVersion) {
		return nil, nil
	}
	var found []entry
	r := versions{s, s.direct()}
	if err := r.at.Run(ctx, r.catalogue(l, "", &found)); err != nil {
		return nil, err
	}
	for _, e := range found {
		full := false
		err := r.at.Run(ctx, sqlcore.Query{SQL: e.versions.Last, Each: func(sqlcore.Row) error { full = true; return nil }})
		if err == nil && full {
			err = errs.New(errs.Conflict, "the table %q holds rows, which would be lost; copy them to another database and clear it first", e.versions.Table.Name)
		}
		if err != nil {
			return nil, err
		}
		sql = append(sql, e.versions.Drop)
	}
	return sql, nil
}

// emptyAdditions drops those columns of Chainlit's that were added and that
// hold nothing.
func (s *Store) emptyAdditions(ctx context.Context, l *layout) ([]string, error) {
	var sql []string
	for _, w := range l.wanted() {
		if !l.added[w.table+"."+w.name] {
			continue
		}
		used := false
		q := fmt.Sprintf(`SELECT EXISTS (SELECT FROM %s WHERE %s IS NOT NULL)`, l.table(w.table), sqlcore.Quote(w.name))
		err := s.direct().Run(ctx, sqlcore.Query{SQL: q, Each: func(r sqlcore.Row) error {
			used = r.(row).flag(0)
			return nil
		}})
		if err != nil {
			return nil, err
		}
		if !used {
			sql = append(sql, l.dropColumn(w))
		}
	}
	if l.added[relaxed] {
		full := true
		q := fmt.Sprintf(`SELECT NOT EXISTS (SELECT FROM %s WHERE "disableFeedback" IS NULL)`, l.table("steps"))
		err := s.direct().Run(ctx, sqlcore.Query{SQL: q, Each: func(r sqlcore.Row) error {
			full = r.(row).flag(0)
			return nil
		}})
		if err != nil {
			return nil, err
		}
		if full {
			sql = append(sql, fmt.Sprintf(`ALTER TABLE %s ALTER COLUMN "disableFeedback" SET NOT NULL`, l.table("steps")))
		}
	}
	return sql, nil
}
