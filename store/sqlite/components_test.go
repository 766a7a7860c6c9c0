package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

func TestComponents(t *testing.T) {
	componenttest.Run(t, func(t *testing.T) store.Store { return fresh(t) })
}

func TestComponentHistories(t *testing.T) {
	componenttest.Histories(t, 20, 80, func(*testing.T) store.Store { return memory.Open() },
		func(t *testing.T) store.Store { return fresh(t) })
}

func TestComponentProcesses(t *testing.T) {
	componenttest.Processes(t, filepath.Join(t.TempDir(), "varve.db"), func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
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
	s := open(t, foreignFile(t, "documented"))
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

// Dropping leaves tables that somebody else made, though a component declares
// them.
func TestDroppingLeavesTablesOfSomebodysOwn(t *testing.T) {
	path := filepath.Join(scratch(t), "app.db")
	another(t, path).run(`CREATE TABLE accounts (name TEXT PRIMARY KEY)`)
	s := open(t, path)
	data := query.NewService(s.Query(), query.Options{})
	svc := component.New(s.Components(), component.Options{Data: data, Name: "x"})
	for _, name := range []string{"accounts", "ours"} {
		fields := map[string]component.FieldType{"name": {Type: "text"}}
		c := &component.Table{Base: component.Base{Identifier: name}, Primary: "name",
			Schema: component.Of(&component.Schema{Base: component.Base{Identifier: name}, Fields: fields})}
		_, err := svc.Apply(t.Context(), c)
		must(t, err)
	}
	must(t, svc.Drop(t.Context(), component.DropOptions{Confirm: "x", Data: true}))
	_, err := data.Describe(t.Context(), "accounts")
	must(t, err)
	_, err = data.Describe(t.Context(), "ours")
	isKind(t, "describe", err, errs.NotFound)
}

// A database of tables of somebody's own may have some with Chainlit's names,
// and components do not mind.
func TestComponentsBesideTablesOfSomebodysOwn(t *testing.T) {
	path := filepath.Join(scratch(t), "app.db")
	another(t, path).run(`CREATE TABLE accounts (name TEXT PRIMARY KEY)`)
	s := open(t, path)
	must(t, addOne(t, s))
	must(t, addOne(t, s))
	found, err := s.Components().Find(t.Context(), component.Filter{})
	must(t, err)
	is(t, "components", len(found), 1)
}

// A table of somebody else's is not taken for one of Varve's.
func TestATableWithANameOfComponentsIsAnErrorAndStays(t *testing.T) {
	path := filepath.Join(scratch(t), "app.db")
	theirs := another(t, path)
	theirs.run(`CREATE TABLE varve_edge (colour TEXT)`)
	s := open(t, path)
	isKind(t, "apply", addOne(t, s), errs.Invalid)
	theirs.run(`SELECT colour FROM varve_edge`)
}

func isKind(t testing.TB, what string, err error, want errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}
