package mysql_test

import (
	"context"
	"testing"
	"time"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/mysql"
)

func TestComponents(t *testing.T) {
	componenttest.Run(t, emptiedComponents(t))
}

// emptiedComponents gives one store again and again, and empties it before.
func emptiedComponents(t *testing.T) componenttest.Open {
	url := mytest.New(t)
	db := open(t, url)
	beside := connect(t, url)
	if err := db.Components().Begin(t.Context(), component.Entry{ID: "x", At: time.Now()}); err != nil {
		t.Fatal(err) // makes the tables
	}
	db.Chat().Features() // and those of artifacts
	return func(t *testing.T) store.Store {
		t.Helper()
		for _, table := range []string{"varve_component", "varve_edge", "varve_artifact", "varve_artifact_ref", "varve_journal"} {
			exec(t, beside, "DELETE FROM "+table)
		}
		exec(t, beside, "DELETE FROM varve_component_head WHERE type_id<>''")
		return db
	}
}

func TestComponentHistories(t *testing.T) {
	componenttest.Histories(t, 12, 60, func(*testing.T) store.Store { return memory.Open() }, emptiedComponents(t))
}

func TestComponentProcesses(t *testing.T) {
	componenttest.Processes(t, mytest.New(t), func(ctx context.Context, url string) (store.Store, error) {
		return mysql.Open(ctx, url, mysql.Options{})
	})
}

// A database of tables of somebody's own may have some with Chainlit's names,
// and components do not mind; a table of Varve's name is not taken for Varve's.
func TestComponentsBesideTablesOfSomebodysOwn(t *testing.T) {
	add := func(url string) error {
		_, err := component.New(open(t, url).Components(), component.Options{}).Apply(t.Context(), &component.Model{Base: component.Base{Identifier: "m"}})
		return err
	}
	url := mytest.New(t)
	exec(t, connect(t, url), "CREATE TABLE users (name VARCHAR(20) PRIMARY KEY)")
	if err := add(url); err != nil {
		t.Error(err)
	}
	url = mytest.New(t)
	exec(t, connect(t, url), "CREATE TABLE varve_edge (colour TEXT)")
	if err := add(url); errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v, want %s", err, errs.Invalid)
	}
	exec(t, connect(t, url), "SELECT colour FROM varve_edge")
}
