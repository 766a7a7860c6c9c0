//go:build cgo && !no_duckdb

package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/query"
)

// The engine plans with the least and greatest values that a column has: what
// is planned beside a writer must not be run on what came since.
func TestReadersBesideAWriterReadWhatWasWritten(t *testing.T) {
	s := open(t, filepath.Join(scratch(t), "docs.duckdb"))
	db := query.NewService(s.Query(), query.Options{})
	const batches, each = 60, 5
	var there atomic.Int64 // rows that were acknowledged
	var readers sync.WaitGroup
	failed := make(chan error, 4)
	insert := func(batch int) error {
		var rows []query.Row
		for i := range each {
			rows = append(rows, numberedRow(batch*each+i))
		}
		_, err := db.Execute(t.Context(), query.Into("docs").Rows(rows...))
		there.Add(each)
		return err
	}
	if err := insert(0); err != nil {
		t.Fatal(err)
	}
	for reader := range 3 {
		readers.Go(func() {
			for n := reader; there.Load() < batches*each; n += 7 {
				if err := reads(t.Context(), db, n%int(there.Load())); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for batch := 1; batch < batches; batch++ {
		if err := insert(batch); err != nil {
			t.Error(err)
			there.Store(batches * each)
			break
		}
	}
	readers.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}

// numberedRow has values whose least and greatest grow with n, of more bytes
// each time.
func numberedRow(n int) query.Row {
	return query.Row{"id": fmt.Sprint("key ", n), "n": int64(n) << (n % 40), "t": fmt.Sprintf("%0*d", 1+n%30, n)}
}

// reads asks for a row by its key, and for all in another order.
func reads(ctx context.Context, db *query.Service, n int) error {
	want := numberedRow(n)
	r, err := db.Execute(ctx, query.From("docs").Where(query.Eq("id", want["id"]), query.Ge("n", 0)).Select("id", "n", "t"))
	if err != nil {
		return err
	}
	rows, err := r.All()
	if err != nil || len(rows) != 1 || fmt.Sprint(rows[0]) != fmt.Sprint(want) {
		return errors.Join(err, fmt.Errorf("by the key: %v, want %v", rows, want))
	}
	if r, err = db.Execute(ctx, query.From("docs").Select("id", "n", "t").OrderBy("-n", "t")); err != nil {
		return err
	}
	for row, err := range r.Rows() {
		var k int
		if err == nil {
			_, err = fmt.Sscanf(row["id"].(string), "key %d", &k)
		}
		if want := numberedRow(k); err != nil || fmt.Sprint(row) != fmt.Sprint(want) {
			return errors.Join(err, fmt.Errorf("in order: %v, want %v", row, want))
		}
	}
	return nil
}
