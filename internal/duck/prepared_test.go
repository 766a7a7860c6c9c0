//go:build cgo && !no_duckdb

package duck

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/errs"
)

// A statement that was prepared in a transaction is not disturbed by what
// others commit before it runs.
func TestWhatIsPreparedInATransactionRunsOnItsState(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "x.duckdb"), 256<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	writer, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	reader, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	exec := func(c *Conn, sql string) {
		t.Helper()
		if err := c.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(writer, `CREATE TABLE d (id VARCHAR PRIMARY KEY, n BIGINT); INSERT INTO d VALUES ('a', 1)`)
	for _, stream := range []bool{false, true} {
		exec(reader, `BEGIN TRANSACTION READ ONLY`)
		want := one(t, reader, `SELECT count(*) FROM d WHERE n > -1`)
		s, err := reader.Prepare(t.Context(), `SELECT id, n FROM d WHERE n > ? ORDER BY id`)
		if err != nil {
			t.Fatal(err)
		}
		exec(writer, fmt.Sprintf(`INSERT INTO d VALUES ('a key that is longer %v', 1099511627776), ('B%v', -70000)`, stream, stream))
		run := s.Run
		if stream {
			run = s.Stream
		}
		rows, err := run(t.Context(), -1)
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		for {
			block, err := rows.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if block == nil {
				break
			}
			got += int64(len(block))
			if block[0][0] != "a" || block[0][1] != int64(1) {
				t.Errorf("the first row is %v", block[0])
			}
		}
		rows.Close()
		s.Close()
		exec(reader, `ROLLBACK`)
		if got != want {
			t.Errorf("%d rows, want %v", got, want)
		}
	}
}

func TestStatementsAreToldApart(t *testing.T) {
	c := open(t)
	if err := c.Exec(t.Context(), `CREATE TABLE d (id BIGINT)`); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string][2]bool{
		`SELECT 1`: {true, false}, `FROM d`: {true, false}, `INSERT INTO d VALUES (1)`: {false, true}, `UPDATE d SET id=1`: {false, true}, `DELETE FROM d`: {false, true},
		`CREATE TABLE e (a INT)`: {false, true}, `DROP TABLE d`: {false, true}, `ALTER TABLE d ADD COLUMN b INT`: {false, true},
		`BEGIN`: {}, `COPY d TO 'x'`: {}, `SET threads=1`: {}, `ATTACH 'x'`: {}, `CHECKPOINT`: {}, `LOAD json`: {},
	} {
		s, err := c.Prepare(t.Context(), sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got := [2]bool{s.Reads(), s.Changes()}; got != want {
			t.Errorf("%s: reads, changes %v, want %v", sql, got, want)
		}
		s.Close()
	}
	if _, err := c.Prepare(t.Context(), `SELECT 1; SELECT 2`); !errors.Is(err, errs.Invalid) {
		t.Errorf("two statements: %v", err)
	}
}

func TestVectorsGoInAndOutAsTheyAre(t *testing.T) {
	c := open(t)
	if err := c.Exec(t.Context(), `CREATE TABLE d (v FLOAT[3], b BLOB)`); err != nil {
		t.Fatal(err)
	}
	a, err := c.Append("", "d")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	want := func(i int) []float32 { return []float32{float32(i), 0.1, -1e38} }
	const n = 5000
	for i := range n {
		row, to, err := a.Row()
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			to[0].Null(row)
		} else {
			to[0].Floats32(row, want(i))
		}
		to[1].Blob(row, make([]byte, i%30))
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), `SELECT v, b FROM d`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	rows.Packed = true
	i := 0
	for {
		block, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if block == nil {
			break
		}
		for _, row := range block {
			var v any
			if i%3 != 0 {
				v = want(i)
			}
			if fmt.Sprint(row[0]) != fmt.Sprint(v) || len(row[1].([]byte)) != i%30 {
				t.Fatalf("row %d is %v", i, row)
			}
			i++
		}
	}
	if i != n {
		t.Errorf("%d rows", i)
	}
	if got := one(t, c, `SELECT count(*) FROM d WHERE v IS NULL`); got != int64((n+2)/3) {
		t.Errorf("%v are NULL", got)
	}
}
