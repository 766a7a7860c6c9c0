//go:build cgo && !no_duckdb

package all

import (
	"context"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/analytics/duckdb"
)

func columnar() varve.Columnar { return openMirror }

func openMirror(ctx context.Context, f varve.Followed) (analytics.Engine, error) {
	src := duckdb.Sources{State: f.State, Chat: f.Chat, Changes: f.Changes, ID: f.ID}
	m, err := duckdb.Open(ctx, src, duckdb.Options{Path: f.File, Log: f.Log})
	if err != nil {
		return nil, err // not m: a nil *duckdb.Mirror is no nil analytics.Engine
	}
	return m, nil
}
