package all

import (
	"context"
	"log/slog"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/folder"
)

// openFolder opens a folder of CSV and Parquet files with the SQLite file in it,
// which takes the other parameters of the URL.
func openFolder(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
	o := folder.Options{Log: log}
	if text := src.Query.Get("memory"); src.Query.Has("memory") {
		var err error
		if o.Memory, err = memorySize(text); err != nil {
			return nil, err
		}
	}
	return folder.Open(ctx, src.Path, besideSQLite(src, log, "memory"), o)
}
