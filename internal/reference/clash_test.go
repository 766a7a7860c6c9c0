package reference

import (
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

// The page promises it.
func TestATableWithANameOfOursIsAnErrorAndStays(t *testing.T) {
	const theirs = `CREATE TABLE varve_change (colour TEXT); INSERT INTO varve_change VALUES ('red')`
	t.Run("SQLite", func(t *testing.T) {
		path := sqliteFile(t, "")
		onSQLite(t, path, func(c *sqlite3.Conn) error { return c.Exec(theirs) })
		st, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		refuses(t, st, err)
		onSQLite(t, path, func(c *sqlite3.Conn) error { return c.Exec(`SELECT colour FROM varve_change`) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := pgtest.New(t)
		pgtest.Exec(t, url, theirs)
		st, err := postgres.Open(t.Context(), url, postgres.Options{})
		refuses(t, st, err)
		pgtest.Exec(t, url, `SELECT colour FROM varve_change`)
	})
}

// refuses: at the latest the first write says so.
func refuses[S store.Store](t *testing.T, st S, err error) {
	t.Helper()
	if err == nil {
		defer st.Close()
		err = st.Chat().ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Type: "run"}, chat.Write{Now: time.Now()})
	}
	if err == nil {
		t.Errorf("it was taken for ours")
	}
}
