package mysql_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/mysql"
)

// full is what a database can do.
var full = chat.Features{AnyID: true, Tombstones: true, Transactions: true, ChangeLog: true,
	FastList: true, UnknownKeys: true, Orphans: true}

func TestSuites(t *testing.T) {
	empty := emptied(t)
	if got := empty(t).Chat().Features(); got != full {
		t.Errorf("features = %+v\nwant %+v", got, full)
	}
	t.Run("chat", func(t *testing.T) {
		chattest.Run(t, full, func(t *testing.T) chat.API { return chattest.Service(t, empty(t).Chat()) })
	})
	t.Run("store", func(t *testing.T) { chattest.RunStore(t, empty) })
}

func TestHistories(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 8
	}
	chattest.Histories(t, seeds, 60, func(t *testing.T) store.Store { return memory.Open() }, emptied(t))
}

// emptied gives one store again and again, and empties it before.
func emptied(t *testing.T) func(t *testing.T) store.Store {
	url := mytest.New(t)
	db := open(t, url)
	db.Chat().Features() // makes the tables
	beside := connect(t, url)
	return func(t *testing.T) store.Store {
		t.Helper()
		for _, table := range []string{"feedbacks", "elements", "steps", "threads", "users", "varve_change", "varve_tombstone", "varve_orphan"} {
			exec(t, beside, "DELETE FROM "+table)
		}
		// A sweep that is ended may not have forgotten what it deleted.
		exec(t, beside, "DELETE FROM varve_meta WHERE `key` LIKE 'upload.%'")
		return db
	}
}

func open(t testing.TB, url string) *mysql.Store {
	t.Helper()
	db, err := mysql.Open(context.Background(), url, mysql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// connect opens the database beside the store, as another program would.
func connect(t testing.TB, url string) *sql.DB {
	t.Helper()
	db := mytest.Connect(t, url)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t testing.TB, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), text, args...); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
