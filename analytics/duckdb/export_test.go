//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
)

// A file holds what the rows would: any type, names that come twice, NULL.
func TestParquetHoldsTheAnswer(t *testing.T) {
	b := newBase(t)
	b.fill(t, 5000)
	m := b.mirror(t, "")
	s := analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return m, nil }})
	const sql = `SELECT id, body, priority, _at, labels, NULL::DOUBLE AS none, [1, 2] AS list, {'a': 1.5} AS pair, 1 AS x, 2 AS X, sum(9007199254740993) OVER () AS large FROM todos_history ORDER BY _seq`
	write := func(rows int) (string, error) {
		path := filepath.Join(t.TempDir(), "it's.parquet")
		r, err := s.Query(t.Context(), analytics.Question{SQL: sql, Limits: analytics.Limits{Rows: rows}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return path, r.WriteFile(t.Context(), path, analytics.Parquet)
	}
	path, err := write(0)
	if err != nil {
		t.Fatal(err)
	}
	db, err := duck.Open("", 1<<28, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rows, err := c.Query(t.Context(), `SELECT * FROM read_parquet(`+duck.Text(path)+`)`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got [][]any
	for {
		block, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if block == nil {
			break
		}
		got = append(got, block...)
	}
	// A sum is an integer of 128 bits here, and there the decimal with its digits.
	want := ask(t, m, sql)
	for _, row := range want {
		row[len(row)-1] = json.Number(fmt.Sprint(row[len(row)-1]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := write(100); !errors.Is(err, errs.TooLarge) {
		t.Errorf("over the limit: %v", err)
	}
}
