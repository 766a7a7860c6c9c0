//go:build cgo && !no_duckdb

package server_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
	"github.com/varvedb/varve/store/sqlite"
)

func TestDuckDBOverHTTP(t *testing.T) {
	beside := func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{Relaxed: true})
	}
	st, err := duckdb.Open(t.Context(), filepath.Join(t.TempDir(), "docs.duckdb"), beside, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	overHTTP(t, st)
}
