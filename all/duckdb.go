package all

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
)

// openDuckDB opens a DuckDB file with the SQLite file beside it, which takes the
// other parameters of the URL.
func openDuckDB(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
	o := duckdb.Options{Log: log}
	if text := src.Query.Get("memory"); src.Query.Has("memory") {
		var err error
		if o.Memory, err = memorySize(text); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(filepath.Dir(src.Path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errs.Wrap(errs.Unavailable, err, "the database's folder cannot be made")
	}
	return duckdb.Open(ctx, src.Path, besideSQLite(src, log, "memory"), o)
}

// besideSQLite opens the SQLite file beside a databackend that keeps tables only,
// with the parameters of its URL but for the databackend's own.
func besideSQLite(src varve.Source, log *slog.Logger, own ...string) store.Beside {
	return func(ctx context.Context, path string) (store.Store, error) {
		q := maps.Clone(src.Query)
		for _, name := range own {
			q.Del(name)
		}
		return openSQLite(ctx, varve.Source{Scheme: "sqlite", Path: path, Query: q, Examine: src.Examine}, log)
	}
}

// memorySize reads a number of bytes, as in 512MiB or 4GiB.
func memorySize(text string) (int64, error) {
	for unit, size := range map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.ParseInt(number, 10, 64); err == nil && n > 0 && n < 1<<20 {
				return n * size, nil
			}
		}
	}
	return 0, errs.Field(errs.Invalid, "url", "memory is a size like 512MiB or 4GiB")
}
