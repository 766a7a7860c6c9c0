//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// hostile are statements that must be refused, with the kinds that may say so.
var hostile = map[string][]errs.Kind{
	// What writes, or changes how the engine is.
	`DELETE FROM varve.log_todos`: {errs.Invalid}, `UPDATE varve.log_todos SET body='x'`: {errs.Invalid},
	`INSERT INTO varve.identity VALUES ('x')`: {errs.Invalid}, `DROP TABLE varve.log_todos`: {errs.Invalid},
	`CREATE TABLE x (i INT)`: {errs.Invalid}, `CREATE TEMP TABLE x AS SELECT 1`: {errs.Invalid},
	`CREATE OR REPLACE MACRO range(x) AS x`: {errs.Invalid}, `ALTER TABLE varve.identity ADD COLUMN i INT`: {errs.Invalid},
	`TRUNCATE varve.identity`: {errs.Invalid}, `VACUUM`: {errs.Invalid}, `CHECKPOINT`: {errs.Invalid}, `ANALYZE`: {errs.Invalid},
	`BEGIN`: {errs.Invalid}, `COMMIT`: {errs.Invalid}, `ROLLBACK`: {errs.Invalid},
	`MERGE INTO varve.identity USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT VALUES ('x')`: {errs.Invalid},
	`WITH a AS (INSERT INTO varve.identity VALUES ('x') RETURNING *) SELECT * FROM a`:                 {errs.Invalid},
	`EXPLAIN ANALYZE DELETE FROM varve.identity`:                                                      {errs.Invalid},
	// Settings.
	`SET memory_limit='100GB'`: {errs.Invalid}, `RESET memory_limit`: {errs.Invalid}, `PRAGMA memory_limit='100GB'`: {errs.Invalid},
	`SET VARIABLE x = 1`: {errs.Invalid}, `USE state`: {errs.Invalid}, `PRAGMA enable_profiling`: {errs.Invalid},
	`SELECT current_setting('memory_limit')`: {errs.Forbidden}, `SELECT * FROM duckdb_settings()`: {errs.Forbidden},
	`SELECT * FROM duckdb_secrets()`: {errs.Forbidden}, `SELECT * FROM pragma_database_list`: {errs.Forbidden},
	`SELECT * FROM enable_logging(storage='file', storage_config={'path':'/tmp/varve-hostile'})`: {errs.Forbidden},
	`SELECT * FROM system.main.enable_logging()`:                                                 {errs.Forbidden}, `SELECT * FROM ENABLE_PROFILING()`: {errs.Forbidden},
	`SELECT * FROM duckdb_logs`: {errs.Forbidden}, `SELECT * FROM checkpoint()`: {errs.Forbidden}, `SELECT * FROM force_checkpoint()`: {errs.Forbidden},
	`SELECT write_log('x')`: {errs.Forbidden}, `SELECT setseed(0.5)`: {errs.Forbidden}, `SELECT nextval('x')`: {errs.Forbidden, errs.Invalid},
	`SELECT 1 WHERE EXISTS (SELECT * FROM (SELECT * FROM truncate_duckdb_logs()))`: {errs.Forbidden},
	`WITH a AS (SELECT * FROM disable_logging()) SELECT 1`:                         {errs.Forbidden},
	// Files and the network.
	`SELECT * FROM read_text('/etc/passwd')`: {errs.Forbidden}, `SELECT * FROM read_blob('/etc/passwd')`: {errs.Forbidden},
	`SELECT * FROM read_csv('/etc/passwd')`: {errs.Forbidden}, `SELECT * FROM read_csv_auto('/etc/passwd')`: {errs.Forbidden},
	`SELECT * FROM read_json('/etc/x.json')`: {errs.Forbidden}, `SELECT * FROM read_ndjson_objects('/etc/x')`: {errs.Forbidden},
	`SELECT * FROM read_parquet('http://localhost/x')`: {errs.Forbidden}, `SELECT * FROM parquet_metadata('x')`: {errs.Forbidden},
	`SELECT * FROM parquet_scan('s3://b/x')`: {errs.Forbidden}, `SELECT * FROM sniff_csv('/etc/passwd')`: {errs.Forbidden},
	`SELECT * FROM glob('/etc/*')`: {errs.Forbidden}, `SELECT * FROM '/etc/passwd.csv'`: {errs.Forbidden, errs.Invalid},
	`SELECT * FROM 'https://localhost/x.parquet'`: {errs.Forbidden, errs.Invalid, errs.Unsupported}, `FROM "x.json"`: {errs.Forbidden, errs.Invalid},
	`SELECT * FROM sqlite_scan('varve.db', 'users')`: {errs.Forbidden}, `SELECT * FROM postgres_scan('x','y','z')`: {errs.Forbidden},
	`SELECT getenv('HOME')`: {errs.Forbidden}, `COPY (SELECT 1) TO '/tmp/varve-hostile'`: {errs.Invalid},
	`COPY varve.identity FROM '/etc/passwd'`: {errs.Invalid}, `EXPORT DATABASE '/tmp/varve-hostile'`: {errs.Invalid},
	`IMPORT DATABASE '/tmp'`: {errs.Invalid}, `ATTACH '/tmp/varve-hostile'`: {errs.Invalid}, `ATTACH ':memory:' AS m`: {errs.Invalid},
	`DETACH memory`: {errs.Invalid}, `SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')`: {errs.Forbidden},
	`SELECT * FROM query_table('varve.identity')`:     {errs.Forbidden},
	`SELECT * FROM json_execute_serialized_sql('{}')`: {errs.Forbidden}, `SELECT * FROM varve.identity`: {errs.Forbidden},
	// Extensions, procedures, prepared statements.
	`INSTALL httpfs`: {errs.Invalid}, `LOAD httpfs`: {errs.Invalid}, `FORCE INSTALL httpfs FROM community`: {errs.Invalid},
	`UPDATE EXTENSIONS`: {errs.Invalid}, `CALL pragma_version()`: {errs.Invalid}, `PREPARE x AS SELECT 1`: {errs.Invalid},
	`EXECUTE x`: {errs.Invalid}, `DEALLOCATE x`: {errs.Invalid}, `CREATE SECRET (TYPE s3)`: {errs.Invalid},
	// More than one, none, and what only looks like one.
	`SELECT 1; SELECT 2`: {errs.Invalid}, `SELECT 1; DROP TABLE varve.identity`: {errs.Invalid}, `;`: {errs.Invalid}, `-- nothing`: {errs.Invalid},
	`/* SELECT 1 */ DROP TABLE varve.identity`: {errs.Invalid}, "SELECT 1 --\n; DROP TABLE varve.identity": {errs.Invalid},
	`SELECT /* ; */ 1; COMMIT`: {errs.Invalid}, `SELECT 'x`: {errs.Invalid}, `SELECT $$x`: {errs.Invalid}, `SELECT ?`: {errs.Invalid},
	`SELECT 1 FROM (SELECT 1; DROP TABLE varve.identity)`: {errs.Invalid}, `)`: {errs.Invalid}, `SELECT 1)`: {errs.Invalid},
	// Without end: of time and of memory.
	`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t) SELECT count(*) FROM t`:          {errs.TooLarge},
	`WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s||s FROM t) SELECT sum(length(s)) FROM t`: {errs.TooLarge},
	`SELECT count(*) FROM range(1000000000000)`:                                                     {errs.TooLarge},
	`SELECT count(*) FROM range(10000000) a, range(10000000) b, range(10000000) c`:                  {errs.TooLarge},
	`SELECT * FROM range(1000000000000)`:                                                            {errs.TooLarge},
	`SELECT list(r) FROM range(10000000000) t(r)`:                                                   {errs.TooLarge},
	`SELECT length(repeat('x', 4000000000))`:                                                        {errs.TooLarge, errs.Invalid},
	`SELECT sum(length(repeat(r::VARCHAR, 1000000000))) FROM range(10, 30) t(r)`:                    {errs.TooLarge},
	`SELECT len(range(100000000000))`:                                                               {errs.TooLarge, errs.Invalid},
	`SELECT string_agg(repeat('x', 1000), '') FROM range(1000000000)`:                               {errs.TooLarge},
	`SELECT r FROM range(10000000000) t(r) ORDER BY hash(r)`:                                        {errs.TooLarge},
	`SELECT count(DISTINCT hash(r)) FROM range(100000000000) t(r)`:                                  {errs.TooLarge},
	`SELECT format('{:2000000000}', 1)`:                                                             {errs.TooLarge, errs.Invalid},
	`SELECT ` + strings.Repeat("(", 30000) + `1` + strings.Repeat(")", 30000) + ` FROM nowhere`:     {errs.Invalid},
	`SELECT ` + strings.Repeat("[", 5000) + `1` + strings.Repeat("]", 5000) + ` FROM nowhere`:       {errs.Invalid},
	strings.Repeat("SELECT * FROM (", 3000) + `nowhere` + strings.Repeat(")", 3000):                 {errs.Invalid},
	`SELECT '` + strings.Repeat("x", analytics.MaxText) + `'`:                                       {errs.TooLarge},
}

// refusal asks a statement, and tells whether it fails as one of the kinds.
func refusal(t *testing.T, s *analytics.Service, sql string, kinds []errs.Kind) (refused bool, failure error) {
	t.Helper()
	rows, err := s.Query(t.Context(), analytics.Question{SQL: sql, Limits: analytics.Limits{Time: 400 * time.Millisecond, Rows: 1000}})
	if err == nil {
		_, err = rows.Slice()
		rows.Close()
	}
	for _, kind := range kinds {
		refused = refused || errors.Is(err, kind)
	}
	return refused, err
}

// TestHostileStatements: each is refused, soon, and nothing of it stays.
func TestHostileStatements(t *testing.T) {
	if len(hostile) < 60 {
		t.Fatalf("only %d statements", len(hostile))
	}
	b := newBase(t)
	put(t, b.todos(t), state.Row{"id": "a", "body": "one"})
	m, err := Open(t.Context(), b.sources(), Options{Path: filepath.Join(b.dir, "mirror.duckdb"), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return m, nil }})
	for sql, kinds := range hostile {
		name := sql[:min(len(sql), 60)]
		began := time.Now()
		refused, failed := refusal(t, s, sql, kinds)
		// One before may still be giving back what it took.
		for !refused && errors.Is(failed, errs.TooLarge) && time.Since(began) < 10*time.Second {
			refused, failed = refusal(t, s, sql, kinds)
		}
		if !refused {
			t.Errorf("%s: %v, want %v", name, failed, kinds)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: answered after %s", name, took)
		}
	}
	if got := ask(t, m, `SELECT body FROM todos`); len(got) != 1 || got[0][0] != "one" {
		t.Errorf("afterwards: %v", got)
	}
	if _, err := os.Stat("/tmp/varve-hostile"); err == nil {
		t.Error("a statement wrote a file")
	}
}

// What is harmless is let through.
func TestHarmlessStatements(t *testing.T) {
	b := newBase(t)
	put(t, b.todos(t), state.Row{"id": "a", "body": "one", "labels": []any{"x"}})
	m := b.mirror(t, "")
	for _, sql := range []string{
		`FROM todos`, `TABLE todos`, `VALUES (1), (2)`, `SHOW TABLES`, `DESCRIBE todos`, `SUMMARIZE todos`, `SELECT now() - INTERVAL 1 DAY;`,
		`SELECT * FROM range(3)`, `SELECT unnest([1, 2])`, `SELECT * FROM generate_series(1, 3)`, `SELECT j.value FROM todos, json_each(labels) j`,
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 5) SELECT sum(i) FROM t`,
		`PIVOT (SELECT 1 AS a, 2 AS b) ON a IN (1) USING sum(b)`, `SELECT date_trunc('hour', _at), count(*) FROM todos_history GROUP BY 1`,
		`SELECT list_transform([1, 2], lambda x: x + 1)`, `SELECT row_number() OVER (ORDER BY id) FROM todos`,
		`SELECT * FROM information_schema.tables`, `SELECT * FROM duckdb_columns()`, `SELECT 'DROP TABLE x; --'`,
		`SELECT a.body FROM todos a JOIN todos_as_of(1) b USING (id) LEFT JOIN history.todos c USING (id)`,
		"\xef\xbb\xbfSELECT 1"[3:], `SELECT strftime(_at, '%Y') FROM state.todos`,
	} {
		if _, err := query(t.Context(), m, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// A number that is infinite is named: nothing nests here.
func TestAnInfiniteNumberIsNamed(t *testing.T) {
	m, err := Open(t.Context(), newBase(t).sources(), Options{Memory: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return m, nil }})
	if _, err := refusal(t, s, "SELECT 9e999", nil); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "infinite") {
		t.Errorf("%v", err)
	}
}
