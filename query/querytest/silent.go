package querytest

import (
	"context"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Silent asks and writes in a database in which nobody keeps conversations,
// their tables among what is asked for, and makes none of them.
func Silent(ctx context.Context, st store.Store) error {
	err := ask(ctx, query.NewService(st.Query(), query.Options{}))
	if err != nil || !st.Query().Features().Transactions {
		return err
	}
	return st.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return ask(ctx, query.NewService(st.Query(), query.Options{}).In(tx.Query()))
	})
}

func ask(ctx context.Context, db *query.Service) error {
	if _, err := db.Tables(ctx); err != nil {
		return err
	}
	if _, err := db.Execute(ctx, query.Into("own").Rows(query.Row{"n": 1})); err != nil {
		return err
	}
	for _, t := range query.ConversationTables() {
		answer, err := db.Execute(ctx, query.From(t.Name))
		if err != nil {
			return err
		}
		for _, err := range answer.Rows() {
			if err != nil {
				return err
			}
		}
	}
	return nil
}
