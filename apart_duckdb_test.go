//go:build cgo && !no_duckdb

package varve_test

import (
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/store/duckdb"
)

// Components of which the tables are a DuckDB file's are registered in the file
// beside, which the suite of that store holds, or in another database.
func TestRecordsApartFromADuckDBFile(t *testing.T) {
	for _, records := range []string{"memory", "sqlite", "postgres", "mysql"} {
		t.Run(records, func(t *testing.T) {
			tables, err := duckdb.Open(t.Context(), filepath.Join(t.TempDir(), "docs.duckdb"), besideFile, duckdb.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer tables.Close()
			componenttest.RunApart(t, kind(t, records), tables)
		})
	}
}
