package all

import (
	"context"
	"log/slog"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dynamodb"
)

func openDynamoDB(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
	st, err := dynamodb.Open(ctx, src.URL, dynamodb.Options{Log: log, Examine: src.Examine})
	if err != nil {
		return nil, err // not st: a nil *dynamodb.Store is no nil store.Store
	}
	return st, nil
}
