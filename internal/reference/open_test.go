package reference

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
	"github.com/varvedb/varve/store/folder"
	"github.com/varvedb/varve/store/mysql"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

var update = flag.Bool("update", false, "write the pages")

// isPage holds a page of docs/ to a text, or writes it.
func isPage(t *testing.T, name, want string) {
	t.Helper()
	isFile(t, filepath.Join("../../docs", name), want)
}

// isFile is isPage for a file elsewhere.
func isFile(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s is stale (make docs):\n%s", strings.TrimPrefix(filepath.ToSlash(path), "../../"), diff)
	}
}

// sqliteFile is the path of a new file, made by a script or empty.
func sqliteFile(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "varve.db")
	if script != "" {
		onSQLite(t, path, func(c *sqlite3.Conn) error { return c.Exec(text(t, script)) })
	}
	return path
}

// postgresDatabase is the URL of a new database, made by a script.
func postgresDatabase(t *testing.T, script string) string {
	t.Helper()
	url := pgtest.New(t)
	pgtest.Exec(t, url, text(t, script))
	return url
}

func openSQLite(t *testing.T, path string) store.Store {
	t.Helper()
	st, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// openDuckDB needs cgo, as the page does.
func openDuckDB(t *testing.T, path string) store.Store {
	t.Helper()
	st, err := duckdb.Open(t.Context(), path, func(ctx context.Context, path string) (store.Store, error) { return openSQLite(t, path), nil }, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func openFolder(t *testing.T, path string) store.Store {
	t.Helper()
	st, err := folder.Open(t.Context(), path, func(ctx context.Context, path string) (store.Store, error) { return openSQLite(t, path), nil }, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func openPostgres(t *testing.T, url string) store.Store {
	t.Helper()
	st, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func openMySQL(t *testing.T, url string) store.Store {
	t.Helper()
	st, err := mysql.Open(context.Background(), url, mysql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func onSQLite(t *testing.T, path string, do func(c *sqlite3.Conn) error) {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := do(c); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
