package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// components is access to components. It needs nothing of the tables of
// conversations and makes none of them: a database of tables of somebody's own
// may well have some called users.
type components struct {
	s  *Store
	in *inner // nil: the outer handle
}

// Components implements store.Tx. The first write makes what the port needs.
func (s *Store) Components() component.Store {
	return componentSQL.ComponentStore(components{s: s})
}

// Components implements store.Tx.
func (in inner) Components() component.Store {
	return componentSQL.ComponentStore(components{in.s, &in})
}

var componentSQL = sqlcore.NewComponents(&sqlcore.ComponentDialect{
	Param: func(n int) string { return "$" + strconv.Itoa(n) },
	Key:   func(int) string { return `TEXT COLLATE "C"` },
	Text:  "TEXT", Number: "BIGINT",
	Among: func(expr string, list []string, param func(any) string) string {
		return expr + "=ANY(" + param(list) + "::text[])"
	},
	Lock: " FOR UPDATE",
})

// Read implements sqlcore.ComponentAccess.
func (r components) Read(ctx context.Context, fn func(sqlcore.Querier) error) error {
	if r.in != nil {
		if ok, err := hasComponents(ctx, *r.in); err != nil || !ok {
			return err
		}
		return fn(*r.in)
	}
	if err := store.Outer(ctx); err != nil {
		return err
	}
	if !r.s.components.Load() {
		ok, err := hasComponents(ctx, r.s.direct())
		if err != nil || !ok {
			return err
		}
		r.s.components.Store(true)
	}
	return r.noticed(fn(outer{s: r.s}))
}

// noticed looks again before the next call where the tables turn out to be
// gone.
func (r components) noticed(err error) error {
	if code(err) == "42P01" {
		r.s.components.Store(false)
	}
	return err
}

func hasComponents(ctx context.Context, q sqlcore.Querier) (ok bool, err error) {
	err = q.Run(ctx, sqlcore.Query{SQL: `SELECT to_regclass('varve_component_head') IS NOT NULL`, Each: func(got sqlcore.Row) error {
		ok = got.(row).flag(0)
		return nil
	}})
	return ok, err
}

// Write implements sqlcore.ComponentAccess.
func (r components) Write(ctx context.Context, fn func(sqlcore.Querier) error) error {
	if r.in != nil {
		return r.in.atomic(ctx, func(at access) error {
			if err := r.make(ctx, at); err != nil {
				return err
			}
			return fn(at)
		})
	}
	if err := store.Outer(ctx); err != nil {
		return err
	}
	err := r.s.retried(ctx, nil, func(in inner) error {
		if !r.s.components.Load() {
			if err := r.make(ctx, in); err != nil {
				return err
			}
		}
		return fn(in)
	})
	if err == nil {
		r.s.components.Store(true)
	}
	return r.noticed(err)
}

// make makes the tables in the transaction of a write, where they are not
// there. Chainlit's own database is altered by the doctor only.
func (r components) make(ctx context.Context, at sqlcore.Querier) error {
	if ok, err := hasComponents(ctx, at); err != nil || ok {
		return err
	}
	l := r.s.layout.Load()
	if l == nil {
		var err error
		if l, err = r.s.introspect(ctx); err != nil {
			return err
		}
	}
	if l.origin == foreign && l.broken == nil {
		return errs.New(errs.Unsupported, "there is no place for components in a database that Varve did not create; `varve doctor --apply` makes one")
	}
	if err := at.Run(ctx, sqlcore.Query{SQL: lock}); err != nil {
		return err
	}
	if err := componentClash(ctx, at); err != nil {
		return err
	}
	if a, ok := at.(access); ok {
		at = a.once() // nothing is to be kept of statements that run once
	}
	for _, sql := range componentSQL.Create() {
		if err := at.Run(ctx, sqlcore.Query{SQL: sql}); err != nil {
			return err
		}
	}
	return nil
}

// componentClash refuses to take a table of somebody else's for one of Varve's.
func componentClash(ctx context.Context, q sqlcore.Querier) error {
	have := map[string]map[string]bool{}
	err := q.Run(ctx, sqlcore.Query{
		SQL: `SELECT c.relname,a.attname FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace JOIN pg_attribute a ON a.attrelid=c.oid
WHERE n.nspname=current_schema() AND c.relname=ANY($1::text[]) AND a.attnum>0 AND NOT a.attisdropped`,
		Args: []any{sqlcore.ComponentTableNames()},
		Each: func(got sqlcore.Row) error {
			table, column := got.(row).text(0), got.(row).text(1)
			if have[table] == nil {
				have[table] = map[string]bool{}
			}
			have[table][column] = true
			return nil
		}})
	if err != nil {
		return err
	}
	return sqlcore.ComponentClash(have)
}

// emptyComponents drops the tables of components, and refuses where there are
// any.
func (s *Store) emptyComponents(ctx context.Context) ([]string, error) {
	ok, err := hasComponents(ctx, s.direct())
	if err != nil || !ok {
		return nil, err
	}
	full := false
	err = s.direct().Run(ctx, sqlcore.Query{SQL: sqlcore.AnyComponent, Each: func(sqlcore.Row) error { full = true; return nil }})
	if err == nil && full {
		err = errs.New(errs.Conflict, "the database holds components, which would be lost; export them and remove them first")
	}
	s.components.Store(false)
	return []string{`DROP TABLE ` + strings.Join(sqlcore.ComponentTableNames(), ",")}, err
}

// Indexed implements sqlcore.ComponentAccess.
func (r components) Indexed(ctx context.Context, q sqlcore.Querier) (ok bool, err error) {
	err = q.Run(ctx, sqlcore.Query{SQL: `SELECT to_regclass('varve_artifact_ref') IS NOT NULL`, Each: func(got sqlcore.Row) error {
		ok = got.(row).flag(0)
		return nil
	}})
	return ok, err
}
