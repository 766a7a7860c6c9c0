package all

import (
	"context"
	"log/slog"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/postgres"
)

func openPostgres(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
	st, err := postgres.Open(ctx, src.URL, postgres.Options{Log: log})
	if err != nil {
		return nil, err // not st: a nil *postgres.Store is no nil store.Store
	}
	return st, nil
}
