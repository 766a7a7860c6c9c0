package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/postgres"
)

// suites runs both suites on one database, which is emptied before each
// subtest.
func suites(t *testing.T, features chat.Features, url string) {
	db := open(t, url)
	if got := db.Chat().Features(); got != features {
		t.Errorf("features = %+v\nwant %+v", got, features)
	}
	c := connect(t, url)
	empty := func(t *testing.T) store.Store {
		clear(t, c)
		return db
	}
	t.Run("chat", func(t *testing.T) {
		chattest.Run(t, features, func(t *testing.T) chat.API { return chattest.Service(t, empty(t).Chat()) })
	})
	t.Run("store", func(t *testing.T) { chattest.RunStore(t, empty) })
}

func open(t testing.TB, url string) *postgres.Store {
	t.Helper()
	db, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// connect opens a connection beside the store, as another program would.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(strings.TrimSuffix(url, askOfficial))
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	c, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// clear empties every table but Varve's record of itself.
func clear(t *testing.T, c *pgx.Conn) {
	t.Helper()
	_, err := c.Exec(context.Background(), `DO $$ DECLARE t text; BEGIN
	  FOREACH t IN ARRAY ARRAY['feedbacks', 'elements', 'steps', 'threads', 'users',
	      '"Feedback"', '"Element"', '"Step"', '"Thread"', '"User"', 'varve_change', 'varve_tombstone', 'varve_orphan'] LOOP
	    IF to_regclass(t) IS NOT NULL THEN EXECUTE 'DELETE FROM ' || t; END IF;
	  END LOOP; END $$`)
	if err != nil {
		t.Fatal(err)
	}
}

// full is what a database of Varve's own can do.
var full = chat.Features{AnyID: true, Tombstones: true, Transactions: true, ChangeLog: true,
	FastList: true, FastSearch: true, UnknownKeys: true, Orphans: true}

func TestOwn(t *testing.T) {
	suites(t, full, pgtest.New(t))
}

func pgNew(t testing.TB) string { return pgtest.New(t) }

// roleSuffix makes the name of a role unique: roles belong to the server.
func roleSuffix(url string) string {
	_, name, _ := strings.Cut(url[len("postgres://"):], "/")
	name, _, _ = strings.Cut(name, "?")
	return name
}
