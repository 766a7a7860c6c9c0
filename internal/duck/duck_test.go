//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/errs"
)

func open(t *testing.T) *Conn {
	t.Helper()
	db, err := Open("", 512<<20, Settings{"autoload_known_extensions": "false", "temp_directory": ""})
	if err != nil {
		t.Fatal(err)
	}
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); db.Close() })
	return c
}

// one asks for one value.
func one(t *testing.T, c *Conn, sql string, args ...any) any {
	t.Helper()
	rows, err := c.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	block, err := rows.Next()
	if err != nil || len(block) != 1 {
		t.Fatalf("%s: %d rows, %v", sql, len(block), err)
	}
	return block[0][0]
}

func TestValuesOfEveryType(t *testing.T) {
	c := open(t)
	moment := time.Date(2026, 11, 21, 3, 4, 5, 678901000, time.UTC)
	for sql, want := range map[string]any{
		"NULL": nil, "true": true, "1::TINYINT": int64(1), "(-7)::BIGINT": int64(-7), "18446744073709551615::UBIGINT": json.Number("18446744073709551615"),
		"sum(x) FROM (VALUES (1), (2)) t(x)":         int64(3),
		"(-170141183460469231731687303715884105728)": json.Number("-170141183460469231731687303715884105728"),
		"(-1)::HUGEINT": int64(-1),
		"340282366920938463463374607431768211455::UHUGEINT": json.Number("340282366920938463463374607431768211455"),
		"1.5::DOUBLE": 1.5, "0.5::FLOAT": 0.5, "-0.05": json.Number("-0.05"), "12345678901234567890.123": json.Number("12345678901234567890.123"),
		"'é'": "é", "'a text that is longer than twelve'": "a text that is longer than twelve", "'\\x00\\xff'::BLOB": []byte{0, 255},
		"DATE '2026-11-21'": "2026-11-21", "TIME '03:04:05.5'": "03:04:05.5", "TIMETZ '03:04:05-05:30'": "03:04:05-05:30",
		"TIMESTAMP '2026-11-21 03:04:05.678901'":       moment,
		"TIMESTAMPTZ '2026-11-21 03:04:05.678901Z'":    moment,
		"TIMESTAMP_S '2026-11-21 03:04:05'":            moment.Truncate(time.Second),
		"'infinity'::TIMESTAMP":                        "infinity",
		"INTERVAL '1 year 2 months 3 days 4:05:06.5'":  "1 year 2 months 3 days 4:05:06.5",
		"INTERVAL '-1 day'":                            "-1 day",
		"'3fa85f64-5717-4562-b3fc-2c963f66afa6'::UUID": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
		"'{\"a\": [1]}'::JSON":                         json.RawMessage(`{"a": [1]}`),
		"'b'::ENUM('a','b')":                           "b",
		"[1, NULL, 3]":                                 []any{int64(1), nil, int64(3)},
		"[1, 2]::INTEGER[2]":                           []any{int64(1), int64(2)},
		"{'a': 1, 'b': ['x']}":                         Object{{"a", int64(1)}, {"b", []any{"x"}}},
		"MAP {'k': 1}":                                 Object{{"k", int64(1)}},
		"union_value(n := 2)":                          int64(2),
	} {
		if diff := cmp.Diff(want, one(t, c, "SELECT "+sql)); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
}

func TestArgumentsOfEveryType(t *testing.T) {
	c := open(t)
	now := time.Date(2026, 11, 21, 3, 4, 5, 678901000, time.UTC)
	for _, arg := range []any{nil, true, int64(5), 1.5, "text", "", []byte{0, 1}, now} {
		got := one(t, c, "SELECT ?", arg)
		if diff := cmp.Diff(arg, got); diff != "" {
			t.Errorf("%v: %s", arg, diff)
		}
	}
	if _, err := c.Query(t.Context(), "SELECT ?", struct{}{}); !errors.Is(err, errs.Invalid) {
		t.Errorf("%v", err)
	}
	if _, err := c.Query(t.Context(), "SELECT ?"); !errors.Is(err, errs.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestAStatementIsGivenUp(t *testing.T) {
	c := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Query(ctx, "SELECT count(*) FROM range(1000000) a, range(1000000) b"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if got := one(t, c, "SELECT 1"); got != int64(1) {
		t.Errorf("afterwards: %v", got)
	}
}

func TestAppendedRowsComeBack(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	if err := c.Exec(ctx, "CREATE TABLE t (i BIGINT, s VARCHAR, f DOUBLE, b BOOLEAN, j JSON)"); err != nil {
		t.Fatal(err)
	}
	a, err := c.Append("main", "t")
	if err != nil {
		t.Fatal(err)
	}
	const n = 5000
	long := "text that does not lie in the vector itself"
	for i := range n {
		row, cols, err := a.Row()
		if err != nil {
			t.Fatal(err)
		}
		for col, value := range []any{int64(i), long[:i%len(long)], float64(i) / 2, i%2 == 0, `{"a":1}`} {
			if i%7 == col {
				value = nil
			}
			if err := cols[col].Any(row, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	a.Close()
	got := one(t, c, `SELECT [count(*), count(i), count(s), count(f), count(b), count(j), sum(length(s)), sum(f)] FROM t`)
	sumLen, sumF := 0, 0.0
	for i := range n {
		if i%7 != 1 {
			sumLen += i % len(long)
		}
		if i%7 != 2 {
			sumF += float64(i) / 2
		}
	}
	missing := func(k int) float64 { return float64(n - (n-k+6)/7) }
	want := []any{float64(n), missing(0), missing(1), missing(2), missing(3), missing(4), float64(sumLen), sumF}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := one(t, c, `SELECT s FROM t WHERE i = 2004`); got != long[:2004%len(long)] {
		t.Errorf("%v", got)
	}
}

// A function may make more in one call than any limit of the engine's counts.
func TestMemoryIsBounded(t *testing.T) {
	c := open(t)
	for _, sql := range []string{
		"SELECT sum(length(repeat(r::VARCHAR, 1000000000))) FROM range(10, 30) t(r)",
		"SELECT sum(len(range(100000000 + r))) FROM range(10) t(r)",
		"SELECT list(r) FROM range(1000000000) t(r)",
		"SELECT string_agg(repeat('x', 1000), '') FROM range(100000000)",
		"WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM t) SELECT sum(length(s)) FROM t",
		"SELECT * FROM range(1000000000) a(x) ORDER BY -x",
	} {
		rows, err := c.Query(t.Context(), sql)
		if !errors.Is(err, errs.TooLarge) {
			t.Errorf("%s: %v", sql, err)
			if err == nil {
				rows.Close()
			}
		}
		if got := one(t, c, "SELECT 1"); got != int64(1) {
			t.Fatalf("afterwards: %v", got)
		}
	}
	const most = 1600 << 20
	if used := rss(t); used > most {
		t.Errorf("%d MiB were resident at the most", used>>20)
	}
}
