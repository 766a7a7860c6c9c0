//go:build cgo && !no_duckdb

package all_test

import (
	"errors"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/todo"
)

func TestSQLOverHTTP(t *testing.T) {
	ctx := t.Context()
	db, err := all.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "varve.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, id := range []string{"a", "b"} {
		if _, err := db.Todo().Append(ctx, todo.Item{ID: id, Labels: []string{"<x>"}}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := server.New(server.Options{Databases: []server.Database{{Name: server.DefaultDatabase, Chat: db.Chat(), SQL: db.Analytics()}}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	ask := func(o client.Options, sql string, args ...any) ([]map[string]any, error) {
		c, err := client.New(h.URL, o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.SQL(ctx, sql, args...)
	}
	got, err := ask(client.Options{}, `SELECT id, priority FROM todos WHERE id > ? AND priority = ? ORDER BY id`, "a", 100)
	if want := []map[string]any{{"id": "b", "priority": 100.0}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	if got, err := ask(client.Options{}, `SELECT id FROM todos WHERE false`); err != nil || len(got) != 0 {
		t.Errorf("no rows: %v %v", got, err)
	}
	for sql, want := range map[string]errs.Kind{
		`DELETE FROM todos`:                                              errs.Invalid,
		`SELECT * FROM read_csv('/etc/x')`:                               errs.Forbidden,
		`SELECT nothing FROM nowhere`:                                    errs.Invalid,
		`SELECT a.* FROM todos_history a, todos_history b, range(20000)`: errs.TooLarge,
		``: errs.Invalid,
	} {
		if _, err := ask(client.Options{}, sql); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	if _, err := ask(client.Options{User: "ada"}, `SELECT 1`); !errors.Is(err, errs.Forbidden) {
		t.Errorf("for a user: %v", err)
	}
}
