// Package all lists every driver there is, of databases and of buckets, for
// programs that want to open whatever a URL names:
//
//	db, err := all.Open(ctx, "sqlite:varve-data/varve.db", nil)
//
// A program that needs one database only gives that driver to varve.Open
// itself, and links nothing else.
package all

import (
	"context"
	"log/slog"
	"maps"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/transfer/exports"
)

// Open is varve.Open with every driver; those in opt go before.
func Open(ctx context.Context, url string, opt *varve.Options) (*varve.DB, error) {
	var o varve.Options
	if opt != nil {
		o = *opt
	}
	drivers := Drivers()
	maps.Copy(drivers, o.Drivers)
	o.Drivers = drivers
	buckets := Buckets()
	maps.Copy(buckets, o.Buckets)
	o.Buckets = buckets
	if o.Columnar == nil {
		o.Columnar = columnar()
	}
	if o.Exports == nil {
		o.Exports = exports.In
	}
	return varve.Open(ctx, url, &o)
}

// Drivers returns every driver by the scheme of its URLs, in a new map.
func Drivers() map[string]varve.Driver {
	return map[string]varve.Driver{
		"csv":      openFolder,
		"duckdb":   openDuckDB,
		"dynamodb": openDynamoDB,
		"memory":   openMemory,
		"mysql":    openMySQL,
		"postgres": openPostgres,
		"sqlite":   openSQLite,
	}
}

func openMemory(context.Context, varve.Source, *slog.Logger) (store.Store, error) {
	return memory.Open(), nil
}
