package postgres_test

import (
	"context"
	"encoding/hex"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
)

func TestNothingOfAnErasedPersonIsLeft(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) string{
		"made":              func(t *testing.T) string { return pgtest.New(t) },
		"as found":          func(t *testing.T) string { return fixture(t, "documented") },
		"the oldest":        func(t *testing.T) string { return fixture(t, "oldest") },
		"official":          func(t *testing.T) string { return fixture(t, "official") },
		"official and made": func(t *testing.T) string { return pgtest.New(t) + askOfficial },
	} {
		t.Run(name, func(t *testing.T) {
			url := make(t)
			c := connect(t, url)
			chattest.Erasure(t, func(t *testing.T) store.Store { return open(t, url) },
				func(t *testing.T, _ store.Store, text string) []string { return tablesWith(t, c, text) })
		})
	}
}

// tablesWith names the tables, of all schemas, in whose rows a text is.
func tablesWith(t *testing.T, c *pgx.Conn, text string) (found []string) {
	t.Helper()
	rows, err := c.Query(context.Background(), `SELECT format('%I.%I',schemaname,tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog','information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		n := 0
		err := c.QueryRow(context.Background(), `SELECT count(*) FROM `+table+` x WHERE strpos(lower(x::text),lower($1))>0 OR strpos(x::text,$2)>0`,
			text, hex.EncodeToString([]byte(text))).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, table)
		}
	}
	return found
}

// The official layer has a column for threads that are only marked as deleted.
func TestThreadsMarkedAsDeletedAreErasedToo(t *testing.T) {
	for _, also := range []bool{false, true} {
		url := fixture(t, "official")
		if also {
			mend(t, url)
		}
		db, c := open(t, url), connect(t, url)
		files := chattest.NewFiles()
		svc := chat.NewService(db.Chat(), chat.Options{Files: files})
		identifier, _ := chattest.Person(t, svc)
		if _, err := c.Exec(t.Context(), `UPDATE "Thread" SET "deletedAt"=now() WHERE "name" LIKE 'name %'`); err != nil {
			t.Fatal(err)
		}
		got, err := svc.Erase(t.Context(), identifier, false)
		if err != nil || got.Threads != 3 || got.Users != 1 {
			t.Fatalf("erased %+v, %v", got, err)
		}
		if places := tablesWith(t, c, chattest.Canary); len(places) > 0 || len(files.Keys()) > 0 {
			t.Fatalf("still in %s, and in bytes %s", places, files.Keys())
		}
		if err := svc.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
