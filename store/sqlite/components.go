package sqlite

import (
	"context"
	"strconv"
	"strings"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// components is access to components, on the outer handle or inside an Update.
type components struct {
	store *Store
	at    access
}

// Components implements store.Tx. The first write makes what the port needs.
func (s *Store) Components() component.Store {
	return componentSQL.ComponentStore(components{s, s})
}

// Components implements store.Tx.
func (t *tx) Components() component.Store {
	return componentSQL.ComponentStore(components{t.store, t})
}

var componentSQL = sqlcore.NewComponents(&sqlcore.ComponentDialect{
	Param: func(n int) string { return "?" + strconv.Itoa(n) },
	Key:   func(int) string { return "TEXT" },
	Text:  "TEXT", Number: "INTEGER",
	Among: func(expr string, list []string, param func(any) string) string {
		return expr + " IN (SELECT value FROM json_each(" + param(list) + "))"
	},
})

// Read implements sqlcore.ComponentAccess.
func (r components) Read(ctx context.Context, fn func(sqlcore.Querier) error) error {
	return r.at.read(ctx, func(c *conn) error {
		if ok, err := c.has("table", "varve_component_head"); err != nil || !ok {
			return err
		}
		return c.snapshot(func() error { return fn(c) })
	})
}

// Write implements sqlcore.ComponentAccess.
func (r components) Write(ctx context.Context, fn func(sqlcore.Querier) error) error {
	return r.at.write(ctx, func(c *conn) error {
		if ok, err := c.has("table", "varve_component_head"); err != nil {
			return err
		} else if !ok {
			if err := r.make(c); err != nil {
				return err
			}
		}
		return fn(c)
	})
}

// make makes the tables, in a file of another program's that has no
// conversations of Chainlit's too: to keep components there is asked for.
func (r components) make(c *conn) error {
	if !r.store.known.Load() {
		found, err := c.chainlit()
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return errs.New(errs.Unsupported, "there is no place for components in a database that Varve did not make; `varve doctor --apply` makes one")
		}
	}
	if err := c.clash(); err != nil {
		return err
	}
	have := map[string]map[string]bool{}
	for _, name := range sqlcore.ComponentTableNames() {
		t, err := c.table(name)
		if err != nil {
			return err
		}
		for _, column := range t.Columns {
			if have[name] == nil {
				have[name] = map[string]bool{}
			}
			have[name][column.Name] = true
		}
	}
	if err := sqlcore.ComponentClash(have); err != nil {
		return err
	}
	if err := c.migrate("foundation", foundationSQL, ""); err != nil {
		return err
	}
	return c.migrate("components", strings.Join(componentSQL.Create(), ";\n")+";", "")
}

// snapshot runs fn on one state of the file.
func (c *conn) snapshot(fn func() error) error {
	if !c.db.GetAutocommit() {
		return fn()
	}
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	defer c.exec("COMMIT")
	return fn()
}

// holdsComponents tells whether there are any.
func (c *conn) holdsComponents() (bool, error) {
	if ok, err := c.has("table", "varve_component_head"); err != nil || !ok {
		return false, err
	}
	_, some, err := c.text(sqlcore.AnyComponent)
	return some, err
}

// Indexed implements sqlcore.ComponentAccess.
func (r components) Indexed(_ context.Context, q sqlcore.Querier) (bool, error) {
	return q.(*conn).has("table", "varve_artifact_ref")
}
