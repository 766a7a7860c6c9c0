//go:build !cgo || no_duckdb

package duckdb

import (
	"context"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// Open refuses: this program has no DuckDB.
func Open(context.Context, string, store.Beside, Options) (store.Store, error) {
	return nil, errs.Field(errs.Unsupported, "url", "this program was built without DuckDB; build it with cgo and without the tag no_duckdb, or keep your tables in sqlite:FILE")
}
