package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/postgres"
)

func TestComponents(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		s, c := open(t, url), connect(t, url)
		componenttest.Run(t, func(t *testing.T) store.Store {
			forgetComponents(t, c)
			return s
		})
	})
}

// forgetComponents empties the tables.
func forgetComponents(t *testing.T, c *pgx.Conn) {
	t.Helper()
	_, err := c.Exec(t.Context(), `DO $$ BEGIN
	  IF to_regclass('varve_component_head') IS NULL THEN RETURN; END IF;
	  DELETE FROM varve_component; DELETE FROM varve_edge; DELETE FROM varve_journal;
	  DELETE FROM varve_component_head WHERE type_id<>'';
	  IF to_regclass('varve_artifact_ref') IS NOT NULL THEN DELETE FROM varve_artifact; DELETE FROM varve_artifact_ref; END IF;
	END $$`)
	must(t, err)
}

func TestComponentHistories(t *testing.T) {
	url := pgtest.New(t)
	s, c := open(t, url), connect(t, url)
	componenttest.Histories(t, 12, 60, func(*testing.T) store.Store { return memory.Open() },
		func(t *testing.T) store.Store {
			forgetComponents(t, c)
			return s
		})
}

func TestComponentProcesses(t *testing.T) {
	componenttest.Processes(t, pgtest.New(t), func(ctx context.Context, url string) (store.Store, error) {
		return postgres.Open(ctx, url, postgres.Options{})
	})
}

// addOne stores a component.
func addOne(t *testing.T, st store.Store) error {
	t.Helper()
	m := &component.Model{Base: component.Base{Identifier: "m"}}
	_, err := component.New(st.Components(), component.Options{}).Apply(t.Context(), m)
	return err
}

// A guest adds nothing before the doctor did, and takes no components away.
func TestComponentsInADatabaseOfChainlits(t *testing.T) {
	s := open(t, fixture(t, "documented"))
	isKind(t, "apply", addOne(t, s), errs.Unsupported)
	found, err := s.Components().Find(t.Context(), component.Filter{})
	must(t, err)
	is(t, "components", len(found), 0)
	must(t, s.Mend(t.Context()))
	must(t, addOne(t, s))
	isKind(t, "remove", s.Remove(t.Context()), errs.Conflict)
	must(t, component.New(s.Components(), component.Options{Name: "x"}).Drop(t.Context(), component.DropOptions{Confirm: "x"}))
	must(t, s.Remove(t.Context()))
	isKind(t, "apply", addOne(t, s), errs.Unsupported)
}

// A database of tables of somebody's own may have some with Chainlit's names,
// and components do not mind.
func TestComponentsBesideTablesOfSomebodysOwn(t *testing.T) {
	url := pgtest.New(t)
	pgtest.Exec(t, url, `CREATE TABLE users (name TEXT PRIMARY KEY); CREATE TABLE threads (colour TEXT)`)
	s := open(t, url)
	must(t, addOne(t, s))
	must(t, addOne(t, s))
	found, err := s.Components().Find(t.Context(), component.Filter{})
	must(t, err)
	is(t, "components", len(found), 1)
}

// A table of somebody else's is not taken for one of Varve's.
func TestATableWithANameOfComponentsIsAnErrorAndStays(t *testing.T) {
	url := pgtest.New(t)
	pgtest.Exec(t, url, `CREATE TABLE varve_edge (colour TEXT)`)
	s := open(t, url)
	isKind(t, "apply", addOne(t, s), errs.Invalid)
	pgtest.Exec(t, url, `SELECT colour FROM varve_edge`)
}
