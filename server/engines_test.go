package server_test

import (
	"testing"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/mysql"
	"github.com/varvedb/varve/store/postgres"
)

// The client satisfies the suites whatever database the server is on: types,
// errors and their fields are the same on the other end of the wire.
func TestPostgreSQLOverHTTP(t *testing.T) {
	st, err := postgres.Open(t.Context(), pgtest.New(t), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	overHTTP(t, st)
}

func TestMariaDBOverHTTP(t *testing.T) {
	st, err := mysql.Open(t.Context(), mytest.New(t), mysql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	overHTTP(t, st)
}

// overHTTP holds one database, emptied for each subtest, to what callers see.
// The race detector has seen the same code above a database in memory.
func overHTTP(t *testing.T, st store.Store) {
	t.Run("tables", func(t *testing.T) {
		if testing.Short() {
			return
		}
		querytest.RunAPI(t, func(t *testing.T) querytest.API {
			b := start(t, func(o *server.Options) { o.Databases[0].Query = withoutTables(t, st) })
			return b.client(b.url, client.Options{}).Query()
		}, "inserts", "selects", "conditions", "changes", "values", "tables")
	})
	t.Run("components", func(t *testing.T) {
		open := func(t *testing.T) store.Store {
			withoutComponents(t, st)
			return st
		}
		componenttest.RunAPI(t, open, func(t *testing.T, rooms componenttest.Rooms) component.API {
			b := start(t, withRooms(rooms))
			return b.client(b.url, client.Options{}).Components()
		})
	})
}

func withoutTables(t *testing.T, st store.Store) *query.Service {
	t.Helper()
	data := query.NewService(st.Query(), query.Options{})
	tables, err := data.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if !table.Created {
			continue
		}
		if err := data.DropTable(t.Context(), table.Name); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func withoutComponents(t *testing.T, st store.Store) {
	t.Helper()
	if err := st.Components().Commit(t.Context(), component.Batch{Reset: true, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	later := artifact.Options{Now: func() time.Time { return time.Now().Add(24 * time.Hour) }}
	if _, err := artifact.New(&artifacttest.Bucket{}, st.Artifacts(), later).Sweep(t.Context(), false); err != nil {
		t.Fatal(err)
	}
}
