//go:build cgo && !no_duckdb

package duckdb_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

func TestRawIsConfined(t *testing.T) {
	dir := scratch(t)
	s := open(t, filepath.Join(dir, "docs.duckdb"))
	db := query.NewService(s.Query(), query.Options{})
	writing := query.NewService(s.Query(), query.Options{RawWrite: true})
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(query.Row{"id": "a", "n": 1}, query.Row{"id": "b", "n": 2})); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(dir, "outside")
	refused := func(db *query.Service, sql string) {
		t.Helper()
		r, err := db.Execute(t.Context(), query.SQL(sql))
		if err == nil {
			_, err = r.All()
		}
		if kind := errs.KindOf(err); kind != errs.Forbidden && kind != errs.Invalid {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		`SELECT * FROM read_csv('` + secret + `')`, `SELECT * FROM '` + secret + `'`, `SELECT * FROM read_text('` + secret + `')`, `SELECT * FROM glob('/*')`,
		`SELECT * FROM varve_change`, `SELECT * FROM main.varve_meta`, `SELECT * FROM "VARVE_META"`, `WITH x AS (SELECT * FROM varve_meta) SELECT * FROM x`,
		`SELECT * FROM query('SELECT * FROM varve_meta')`, `SELECT * FROM query_table('varve_meta')`, `SELECT * FROM duckdb_settings()`, `SELECT * FROM enable_logging()`,
		`SELECT current_setting('memory_limit')`, `SELECT * FROM duckdb_secrets()`, `SELECT nextval('x')`,
		`COPY docs TO '` + outside + `'`, `ATTACH '` + outside + `'`, `EXPORT DATABASE '` + outside + `'`, `INSTALL httpfs`, `LOAD httpfs`, `SET threads=1`, `PRAGMA database_size`,
		`CALL pragma_version()`, `BEGIN`, `COMMIT`, `ROLLBACK`, `CHECKPOINT`, `VACUUM`, `DETACH x`, `USE memory`, `RESET threads`, `PREPARE p AS SELECT 1`, `EXECUTE p`, `EXPLAIN ANALYZE DELETE FROM docs`,
	} {
		refused(db, sql)
	}
	for _, sql := range []string{
		`INSERT INTO varve_meta VALUES ('a','b')`, `UPDATE main."varve_change" SET position=0`, `DELETE FROM varve_data_table`, `DROP TABLE varve_meta`, `DROP TABLE IF EXISTS Varve_Meta`,
		`ALTER TABLE varve_change ADD COLUMN x INTEGER`, `ALTER TABLE docs RENAME TO varve_docs`, `CREATE TABLE varve_mine (a INTEGER)`, `CREATE VIEW varve_view AS SELECT 1`,
		`CREATE TABLE mine AS SELECT * FROM varve_meta`, `INSERT INTO docs (id) SELECT key FROM varve_meta`, `CREATE OR REPLACE TABLE varve_meta (a INTEGER)`, `CREATE INDEX i ON varve_change (position)`,
		`COPY docs TO '` + outside + `'`, `COPY docs FROM '` + secret + `'`, `ATTACH '` + outside + `'`, `INSERT INTO docs SELECT * FROM read_csv('` + secret + `')`, `CREATE TABLE f AS SELECT * FROM '` + secret + `'`,
		`SET threads=1`, `SET GLOBAL enable_external_access=true`, `LOAD httpfs`, `INSTALL httpfs`, `BEGIN`, `COMMIT`, `ROLLBACK`, `DELETE FROM docs; COMMIT`, `CHECKPOINT`, `VACUUM`, `PRAGMA enable_profiling`,
		`CREATE SECRET s (TYPE s3)`, `EXPORT DATABASE '` + outside + `'`, `CREATE TEMP TABLE varve_meta (a INTEGER)`,
	} {
		refused(writing, sql)
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a statement made a file")
	}
	is(t, "rows", len(ask(t, db, query.From("docs"))), 2)
	if _, err := s.Changes(t.Context(), 0, 10); err != nil {
		t.Error(err)
	}
}

func TestRawWritesTablesOfTheUsers(t *testing.T) {
	s := open(t, filepath.Join(scratch(t), "docs.duckdb"))
	db := query.NewService(s.Query(), query.Options{RawWrite: true})
	for _, sql := range []string{`CREATE TABLE made (id INTEGER PRIMARY KEY, t VARCHAR)`, `INSERT INTO made VALUES (1, 'x'), (2, 'y')`, `ALTER TABLE made ADD COLUMN n BIGINT`, `DELETE FROM made WHERE id=2`} {
		r, err := db.Execute(t.Context(), query.SQL(sql))
		if err == nil {
			_, err = r.All()
		}
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	is(t, "rows", ask(t, db, query.From("made")), []query.Row{{"id": int64(1), "t": "x", "n": nil}})
	is(t, "returned", ask(t, db, query.SQL(`UPDATE made SET n=? RETURNING n+1 AS m`, 4)), []query.Row{{"m": int64(5)}})
	if _, err := db.Execute(t.Context(), query.SQL(`DROP TABLE made`)); err != nil {
		t.Fatal(err)
	}
	_, err := db.Execute(t.Context(), query.From("made"))
	isKind(t, "after it was dropped", err, errs.NotFound)
}

func TestValuesOfTheEnginesOwn(t *testing.T) {
	s := open(t, filepath.Join(scratch(t), "docs.duckdb"))
	db := query.NewService(s.Query(), query.Options{})
	got := ask(t, db, query.SQL(`SELECT 170141183460469231731687303715884105727 AS huge, 1.50::DECIMAL(9,2) AS price, [1, 2] AS list, {'a': 1} AS pair, '{"a": 1.0}'::JSON AS j,
 [0.5, 1]::FLOAT[2] AS v, TIMESTAMP '2026-01-02 03:04:05' AS "at", DATE '2026-01-02' AS day, 'x'::BLOB AS raw, ?::JSON AS given`, json.RawMessage(`[1.0]`)))
	is(t, "row", got, []query.Row{{"huge": "170141183460469231731687303715884105727", "price": "1.50", "list": "[1,2]", "pair": `{"a":1}`, "j": `{"a": 1.0}`,
		"v": "[0.5,1]", "at": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "day": "2026-01-02", "raw": []byte("x"), "given": "[1.0]"}})
}
