package varve_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/mysql"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

// kinds open a new database of each kind.
var kinds = map[string]func(t *testing.T) (store.Store, error){
	"memory": func(*testing.T) (store.Store, error) { return memory.Open(), nil },
	"sqlite": func(t *testing.T) (store.Store, error) {
		return besideFile(t.Context(), filepath.Join(t.TempDir(), "varve.db"))
	},
	"postgres": func(t *testing.T) (store.Store, error) {
		return postgres.Open(t.Context(), pgtest.New(t), postgres.Options{})
	},
	"mysql": func(t *testing.T) (store.Store, error) {
		return mysql.Open(t.Context(), mytest.New(t), mysql.Options{})
	},
}

func besideFile(ctx context.Context, path string) (store.Store, error) {
	return sqlite.Open(ctx, path, sqlite.Options{Relaxed: true})
}

func kind(t *testing.T, name string) store.Store {
	t.Helper()
	st, err := kinds[name](t)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// Components may be registered in one database and tables be in another, which
// no transaction spans.
func TestRecordsApartFromTables(t *testing.T) {
	for _, pair := range [][2]string{{"memory", "sqlite"}, {"memory", "postgres"}, {"sqlite", "mysql"}, {"sqlite", "postgres"}, {"postgres", "sqlite"}, {"postgres", "mysql"}, {"mysql", "postgres"}, {"mysql", "memory"}} {
		t.Run(pair[0]+" and "+pair[1], func(t *testing.T) { componenttest.RunApart(t, kind(t, pair[0]), kind(t, pair[1])) })
	}
}
