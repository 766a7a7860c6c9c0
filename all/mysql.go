package all

import (
	"context"
	"log/slog"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/mysql"
)

func openMySQL(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
	st, err := mysql.Open(ctx, src.URL, mysql.Options{Log: log})
	if err != nil {
		return nil, err // not st: a nil *mysql.Store is no nil store.Store
	}
	return st, nil
}
