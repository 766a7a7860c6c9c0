package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// components is access to components. It needs nothing of the tables of
// conversations and makes none of them: a database of tables of somebody's own
// may well have some called users.
type components struct {
	s *Store
	t *tx // nil: the outer handle
}

// Components implements store.Tx. The first write makes what the port needs.
func (s *Store) Components() component.Store {
	return componentSQL.ComponentStore(components{s: s})
}

// Components implements store.Tx.
func (in inner) Components() component.Store {
	return componentSQL.ComponentStore(components{in.t.s, in.t})
}

// Keys are VARBINARY: the one type that compares bytes and pads nothing on
// MariaDB and MySQL alike.
var componentSQL = sqlcore.NewComponents(&sqlcore.ComponentDialect{
	Param: func(n int) string { return "?" + strconv.Itoa(n) },
	Key:   func(n int) string { return "VARBINARY(" + strconv.Itoa(n) + ")" },
	Text:  "LONGTEXT", Number: "BIGINT",
	Index: func(name, columns string) string { return fmt.Sprintf("KEY %s (%s)", name, columns) },
	Table: " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
	Among: func(expr string, list []string, param func(any) string) string {
		marks := make([]string, len(list))
		for i, v := range list {
			marks[i] = param(v)
		}
		return expr + " IN (" + strings.Join(marks, ",") + ")"
	},
	Lock: " FOR UPDATE",
})

// Read implements sqlcore.ComponentAccess.
func (r components) Read(ctx context.Context, fn func(sqlcore.Querier) error) error {
	if r.t == nil {
		if err := store.Outer(ctx); err != nil {
			return err
		}
	}
	if !r.s.components.Load() {
		ok, err := hasComponents(ctx, r.s.db, r.s.limit)
		if err != nil || !ok {
			return err
		}
		r.s.components.Store(true)
	}
	if r.t != nil {
		return fn(inner{r.t})
	}
	return r.noticed(fn(outer{r.s}))
}

// noticed looks again before the next call where the tables turn out to be
// gone.
func (r components) noticed(err error) error {
	if number(err) == 1146 {
		r.s.components.Store(false)
	}
	return err
}

func hasComponents(ctx context.Context, c asker, limit int) (ok bool, err error) {
	err = send(ctx, c, limit, sqlcore.Query{
		SQL:  `SELECT 1 FROM information_schema.tables WHERE table_schema=database() AND table_name='varve_component_head'`,
		Each: func(sqlcore.Row) error { ok = true; return nil }})
	if err == nil && ok {
		ok = false // the last statement of all fills it
		err = send(ctx, c, limit, sqlcore.Query{SQL: `SELECT 1 FROM varve_component_head WHERE type_id='' AND identifier=''`,
			Each: func(sqlcore.Row) error { ok = true; return nil }})
	}
	return ok, err
}

// Write implements sqlcore.ComponentAccess. The tables are made beside the
// transaction, which DDL would commit.
func (r components) Write(ctx context.Context, fn func(sqlcore.Querier) error) error {
	if r.t == nil {
		if err := store.Outer(ctx); err != nil {
			return err
		}
	}
	if err := r.s.makeComponents(ctx); err != nil {
		return err
	}
	if r.t != nil {
		return inner{r.t}.atomic(ctx, func(u *unit) error { return fn(u) })
	}
	return r.noticed(r.s.retried(ctx, nil, func(t *tx) error {
		u := &unit{t: t}
		if err := fn(u); err != nil {
			return err
		}
		return u.finish(ctx, sqlcore.Query{SQL: "COMMIT"})
	}, lost))
}

// makeComponents makes the tables where they are not there. DDL commits by
// itself, so every statement can be repeated.
func (s *Store) makeComponents(ctx context.Context) error {
	if s.components.Load() {
		return nil
	}
	err := s.lend(ctx, func(c *sql.Conn) error {
		if ok, err := hasComponents(ctx, c, s.limit); err != nil || ok {
			return err
		}
		if err := s.takeTurn(ctx, c); err != nil {
			return err
		}
		if err := s.componentClash(ctx, c); err != nil {
			return err
		}
		for _, sql := range componentSQL.Create() {
			if err := send(ctx, c, s.limit, sqlcore.Query{SQL: sql}); err != nil {
				return err
			}
		}
		return send(ctx, c, s.limit, sqlcore.Query{SQL: over})
	})
	if err == nil {
		s.components.Store(true)
	}
	return err
}

// componentClash refuses to take a table of somebody else's for one of Varve's.
func (s *Store) componentClash(ctx context.Context, c asker) error {
	have := map[string]map[string]bool{}
	names := "'" + strings.Join(sqlcore.ComponentTableNames(), "','") + "'"
	err := send(ctx, c, s.limit, sqlcore.Query{
		SQL: `SELECT table_name,column_name FROM information_schema.columns WHERE table_schema=database() AND table_name IN (` + names + `)`,
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

// Indexed implements sqlcore.ComponentAccess.
func (r components) Indexed(ctx context.Context, q sqlcore.Querier) (ok bool, err error) {
	err = q.Run(ctx, sqlcore.Query{
		SQL:  `SELECT 1 FROM information_schema.tables WHERE table_schema=database() AND table_name='varve_artifact_ref'`,
		Each: func(sqlcore.Row) error { ok = true; return nil }})
	return ok, err
}
