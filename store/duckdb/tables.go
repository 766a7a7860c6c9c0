//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// tables are those of the user, by their names. Nobody else changes the file,
// so they are what they are here; a table that is changed is another value.
type tables struct {
	mu     sync.RWMutex
	byName map[string]*sqlquery.Table
}

func (t *tables) get(name string) *sqlquery.Table {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byName[name]
}

func (t *tables) all() map[string]*sqlquery.Table {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return maps.Clone(t.byName)
}

// planned is a table of a plan as it is now.
func (t *tables) planned(want *query.Table) (*sqlquery.Table, error) {
	now := t.get(want.Name)
	if now == nil {
		return nil, errs.New(errs.Conflict, "the table %q is not there any more", want.Name)
	}
	return now, now.Check(want)
}

// learn takes over what a unit altered. The caller has the lock if that is
// anything.
func (t *tables) learn(altered map[string]*sqlquery.Table, anew bool) {
	if anew {
		t.byName = altered
		return
	}
	for name, now := range altered {
		if now == nil {
			delete(t.byName, name)
		} else {
			t.byName[name] = now
		}
	}
}

// columnsSQL are the columns of tables and views; $1 is the name of one, or ”.
const columnsSQL = `SELECT c.table_name, c.column_name, c.data_type, NOT c.is_nullable, c.column_default IS NOT NULL,
 coalesce((SELECT max(list_contains(k.constraint_column_names, c.column_name) AND len(k.constraint_column_names)=1) FROM duckdb_constraints() k
  WHERE k.constraint_type='PRIMARY KEY' AND k.database_name=c.database_name AND k.schema_name='main' AND k.table_name=c.table_name), false)
FROM duckdb_columns() c WHERE c.database_name=current_database() AND c.schema_name='main' AND NOT c.internal
 AND NOT starts_with(lower(c.table_name),'varve_') AND ($1='' OR c.table_name=$1) ORDER BY c.table_name, c.column_index`

// look finds out about the tables of the file, or about one.
func (s *Store) look(ctx context.Context, c *duck.Conn, name string) (map[string]*sqlquery.Table, error) {
	found := map[string]*sqlquery.Table{}
	err := c.Each(ctx, columnsSQL, func(row []any) error {
		name, _ := row[0].(string)
		t := found[name]
		if t == nil {
			t = &sqlquery.Table{Table: query.Table{Name: name}}
			found[name] = t
		}
		column(t, row)
		return nil
	}, name)
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		t.Plain()
	}
	noted, err := c.Number(ctx, `SELECT count(*) FROM duckdb_tables() WHERE database_name=current_database() AND schema_name='main' AND table_name='varve_data_table'`)
	if err != nil || noted == 0 {
		return found, err
	}
	return found, c.Each(ctx, `SELECT name, declaration FROM `+s.place("varve_data_table")+` WHERE $1='' OR name=$1`, func(row []any) error {
		name, _ := row[0].(string)
		declaration, _ := row[1].(string)
		if t := found[name]; t != nil {
			return t.Overlay(declaration, declare)
		}
		return nil
	}, name)
}

// column adds a column as the engine tells of it.
func column(t *sqlquery.Table, row []any) {
	c := sqlquery.Column{}
	c.Name, _ = row[1].(string)
	c.Native, _ = row[2].(string)
	c.Default, _ = row[4].(bool)
	required, _ := row[3].(bool)
	c.Required = required && !c.Default
	c.Type, c.Refused = known(c.Native)
	if key, _ := row[5].(bool); key && !c.Refused && (c.Type.Kind == query.Text || c.Type.Kind == query.Integer) {
		t.Key, t.Generated, c.Required = c.Name, c.Default, true
	}
	t.Native = append(t.Native, c)
}

// Create implements query.Store.
func (q data) Create(ctx context.Context, t query.Table) error {
	if sqlquery.Private(t.Name) {
		return sqlquery.Taken(t.Name)
	}
	if err := q.createdAs(&t); !errors.Is(err, errs.NotFound) {
		return err
	}
	return q.s.change(ctx, func(u *unit) error {
		if err := q.createdAs(&t); !errors.Is(err, errs.NotFound) {
			return err
		}
		return u.create(ctx, &t)
	})
}

// createdAs is nil where a table is there as it is wanted, and errs.NotFound
// where the name is free.
func (q data) createdAs(want *query.Table) error {
	there := q.s.tables.all() // of one moment: another may make it meanwhile
	if t := there[want.Name]; t != nil {
		return t.Declared(want)
	}
	for name := range there {
		if strings.EqualFold(name, want.Name) {
			return errs.Field(errs.Exists, "table", "there is something called %q already, and DuckDB does not tell it from %q", name, want.Name)
		}
	}
	return sqlquery.Missing(want.Name)
}

func (u *unit) create(ctx context.Context, t *query.Table) error {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = duck.Quote(c.Name) + " " + declare(c, c.Name == t.Key)
		switch {
		case c.Name == t.Key:
			columns[i] += " NOT NULL PRIMARY KEY"
		case c.Required:
			columns[i] += " NOT NULL"
		}
	}
	if err := u.Exec(ctx, "CREATE TABLE "+u.store.place(t.Name)+" ("+strings.Join(columns, ",")+")"); err != nil {
		return err
	}
	declaration, err := sqlquery.Encode(t)
	if err != nil {
		return err
	}
	if err := u.Each(ctx, `INSERT OR REPLACE INTO `+u.store.place("varve_data_table")+` VALUES ($1,$2)`, nil, t.Name, declaration); err != nil {
		return err
	}
	found, err := u.store.look(ctx, u.Conn, t.Name)
	if err == nil && found[t.Name] == nil {
		err = errs.New(errs.Internal, "the table %q was made and is not there", t.Name)
	}
	u.altered[t.Name] = found[t.Name]
	return err
}

// Drop implements query.Store.
func (q data) Drop(ctx context.Context, name string) error {
	return q.s.change(ctx, func(u *unit) error {
		t := q.s.tables.get(name)
		switch {
		case t == nil:
			return sqlquery.Missing(name)
		case !t.Created:
			return errs.Field(errs.Forbidden, "table", "%q was not made by Varve; whoever made it may drop it", name)
		}
		if err := u.Exec(ctx, "DROP TABLE "+q.s.place(name)); err != nil {
			return err
		}
		u.altered[name] = nil
		return u.Each(ctx, `DELETE FROM `+q.s.place("varve_data_table")+` WHERE name=$1`, nil, name)
	})
}

// ours tells whether every column is of a type that rows are appended in.
func ours(t *sqlquery.Table, columns []int) bool {
	return !slices.ContainsFunc(columns, func(i int) bool {
		c := &t.Native[i]
		return !strings.EqualFold(c.Native, declare(c.Column, false))
	})
}
