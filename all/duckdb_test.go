//go:build cgo && !no_duckdb

package all_test

import (
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/query"
)

// Notes of conversations are taken over into the DuckDB file, and tell of nobody.
func TestNoByteBesideADuckDBFileTellsOfAnErasedPerson(t *testing.T) {
	dir := t.TempDir()
	db, err := all.Open(t.Context(), "duckdb:"+filepath.Join(dir, "docs.duckdb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	identifier, _ := chattest.Person(t, db.Chat())
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(query.Row{"n": 1})); err != nil {
		t.Fatal(err)
	}
	if events, err := db.Changes().Changes(t.Context(), 0, 1000); err != nil || len(events) < 5 {
		t.Fatalf("%d notes, %v", len(events), err)
	}
	if n := countSteps(t, db); n != 4 {
		t.Fatalf("%d steps", n)
	}
	if before := filesWith(t, dir, chattest.Canary); len(before) < 3 {
		t.Fatalf("what was written is only in %s", before)
	}
	report, _ := eraseFrom(t, db, identifier)
	if !report.Complete {
		t.Errorf("undone: %v", report.Undone)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if left := filesWith(t, dir, chattest.Canary); len(left) > 0 {
		t.Errorf("it is in %s", left)
	}
}
