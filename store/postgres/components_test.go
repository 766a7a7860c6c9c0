package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/component/componenttest"
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
