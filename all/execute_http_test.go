package all_test

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/server"
)

// Nobody gets what Varve keeps for itself over HTTP, whatever they may do and on
// any database: where that cannot be told to keep a question to the user's
// tables, the server does not ask it.
func TestRawQuestionsOverHTTPReadNoSecrets(t *testing.T) {
	urls := map[string]string{
		"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "varve.db"), "postgres": pgtest.New(t), "mysql": mytest.New(t),
	}
	if _, linked := all.Drivers()["duckdb"]; linked {
		urls["duckdb"] = "duckdb:" + filepath.Join(t.TempDir(), "varve.duckdb")
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			db, err := all.Open(t.Context(), url, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			s, err := server.New(server.Options{Databases: []server.Database{{Name: server.DefaultDatabase, Chat: db.Chat(), Query: db.Query()}}})
			if err != nil {
				t.Fatal(err)
			}
			h := httptest.NewServer(s.Handler())
			t.Cleanup(h.Close)
			c, err := client.New(h.URL, client.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			if _, err := c.Query().Execute(t.Context(), query.Into("docs").Rows(query.Row{"n": 1})); err != nil {
				t.Fatal(err)
			}
			harmless, secret := query.SQL(`select count(*) from docs`), query.SQL(`select * from varve_meta`)
			confined := db.Query().Features().Confined
			if want := name == "sqlite" || name == "duckdb"; confined != want {
				t.Errorf("confined: %v", confined)
			}
			if got := c.Query().Features().Raw; got != confined {
				t.Errorf("the server says that it asks raw questions: %v", got)
			}
			r, err := c.Query().Execute(t.Context(), secret)
			if err == nil {
				_, err = r.All()
			}
			if err == nil {
				t.Error("the secrets are told")
			}
			_, err = c.Query().Execute(t.Context(), harmless)
			switch {
			case confined:
				if err != nil {
					t.Error(err)
				}
			case errs.KindOf(err) != errs.Unsupported || !strings.Contains(err.Error(), "/v1/sql"):
				t.Errorf("a raw question over HTTP: %v", err)
			}
			if r, err = db.Execute(t.Context(), harmless); err != nil {
				t.Fatal(err)
			}
			if rows, err := r.All(); err != nil || len(rows) != 1 {
				t.Errorf("in this process: %v, %v", rows, err)
			}
		})
	}
}
