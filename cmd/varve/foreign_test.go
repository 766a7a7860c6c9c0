package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
)

// foreignSQL is what Chainlit's SQLAlchemy layer documents as its tables, with
// one conversation as that layer writes it.
const foreignSQL = `
CREATE TABLE users (
  "id" UUID PRIMARY KEY, "identifier" TEXT NOT NULL UNIQUE, "metadata" JSONB NOT NULL, "createdAt" TEXT);
CREATE TABLE threads (
  "id" UUID PRIMARY KEY, "createdAt" TEXT, "name" TEXT, "userId" UUID, "userIdentifier" TEXT,
  "tags" TEXT[], "metadata" JSONB,
  FOREIGN KEY ("userId") REFERENCES users("id") ON DELETE CASCADE);
CREATE TABLE steps (
  "id" UUID PRIMARY KEY, "name" TEXT NOT NULL, "type" TEXT NOT NULL, "threadId" UUID NOT NULL, "parentId" UUID,
  "streaming" BOOLEAN NOT NULL, "waitForAnswer" BOOLEAN, "isError" BOOLEAN, "metadata" JSONB, "tags" TEXT[],
  "input" TEXT, "output" TEXT, "createdAt" TEXT, "command" TEXT, "start" TEXT, "end" TEXT, "generation" JSONB,
  "showInput" TEXT, "language" TEXT, "indent" INT, "defaultOpen" BOOLEAN,
  FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE);
CREATE TABLE elements (
  "id" UUID PRIMARY KEY, "threadId" UUID, "type" TEXT, "url" TEXT, "chainlitKey" TEXT, "name" TEXT NOT NULL,
  "display" TEXT, "objectKey" TEXT, "size" TEXT, "page" INT, "language" TEXT, "forId" UUID, "mime" TEXT, "props" JSONB,
  FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE);
CREATE TABLE feedbacks (
  "id" UUID PRIMARY KEY, "forId" UUID NOT NULL, "threadId" UUID NOT NULL, "value" INT NOT NULL, "comment" TEXT,
  FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE);
INSERT INTO users VALUES ('9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e11', 'ana', '{}', '2026-01-01T00:00:00.000Z');
INSERT INTO threads ("id", "createdAt", "name", "userId", "userIdentifier", "metadata")
  VALUES ('3fa85f64-5717-4562-b3fc-2c963f66afa6', '2026-01-02T03:04:00.000Z', 'Rivers', '9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e11', 'ana', '{}');
INSERT INTO steps ("id", "name", "type", "threadId", "streaming", "output", "createdAt")
  VALUES ('16fd2706-8baf-433b-82eb-8c7fada847da', 'bot', 'assistant_message', '3fa85f64-5717-4562-b3fc-2c963f66afa6', false, 'The Volga.', '2026-01-02T03:04:05Z');
`

// TestForeign runs the commands on a database that Chainlit made: DB in the
// scripts.
func TestForeign(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		runScriptsOn(t, "testdata/foreign", "", func(e *testscript.Env) error {
			path := filepath.Join(e.WorkDir, "chainlit.db")
			e.Setenv("DB", "sqlite:"+path)
			return makeSQLite(path, foreignSQL)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		runScriptsOn(t, "testdata/foreign", "", func(e *testscript.Env) error {
			url := pgtest.New(t)
			pgtest.Exec(t, url, foreignSQL)
			e.Setenv("DB", url)
			return nil
		})
	})
}

// TestTheirs runs the commands beside tables of somebody's own, users among them.
func TestTheirs(t *testing.T) {
	const table, row = `CREATE TABLE users (id INTEGER PRIMARY KEY, shoe INTEGER)`, `INSERT INTO users VALUES (1, 42)`
	for name, database := range map[string]func() string{
		"sqlite": func() string {
			path := filepath.Join(t.TempDir(), "theirs.db")
			if err := makeSQLite(path, table+";"+row); err != nil {
				t.Fatal(err)
			}
			return "sqlite:" + path
		},
		"postgres": func() string {
			url := pgtest.New(t)
			pgtest.Exec(t, url, table)
			pgtest.Exec(t, url, row)
			return url
		},
		"mysql": func() string {
			url := mytest.New(t)
			mytest.Exec(t, url, table)
			mytest.Exec(t, url, row)
			return url
		},
	} {
		t.Run(name, func(t *testing.T) {
			runScriptsOn(t, "testdata/theirs", "", func(e *testscript.Env) error {
				e.Setenv("DB", database())
				return nil
			})
		})
	}
}

// TestDatabaseServers runs the commands on conversations on databases of
// Varve's own on the servers there are, through ours and without.
func TestDatabaseServers(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"postgres": pgtest.New, "mysql": mytest.New} {
		for _, way := range []string{"socket", "direct"} {
			t.Run(name+" "+way, func(t *testing.T) {
				runScriptsOn(t, "testdata/chat", way, func(e *testscript.Env) error {
					e.Setenv("VARVE_URL", database(t))
					return nil
				})
			})
		}
	}
}

func makeSQLite(path, sql string) (err error) {
	db, err := sqlite3.Open(path)
	if err != nil {
		return err
	}
	if err := db.Exec(sql); err != nil {
		os.Remove(path)
		return err
	}
	return db.Close()
}
