package postgres

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

var _ chat.Preparer = rooms{}

// Prepare implements chat.Preparer. Two thirds of what an insert of a step
// costs the server is the search index. While there are no steps nobody misses
// it, so on a database of Varve's own it is built once, at the end.
func (r rooms) Prepare(ctx context.Context) error {
	l, err := r.at.ready(ctx)
	o, outside := r.at.(outer)
	if err != nil || !outside || l.origin != own {
		return err
	}
	some := false
	err = o.Run(ctx, sqlcore.Query{SQL: fmt.Sprintf(`SELECT 1 FROM %s LIMIT 1`, l.target("steps")), Each: func(sqlcore.Row) error {
		some = true
		return nil
	}})
	if err != nil || some {
		return err
	}
	return o.write(ctx, sqlcore.Query{SQL: fmt.Sprintf(`DROP INDEX IF EXISTS %s.%s`, sqlcore.Quote(l.chat), searchIndex)})
}

// Settle implements chat.Preparer. Writers need not wait for the index.
func (r rooms) Settle(ctx context.Context) error {
	l, err := r.at.ready(ctx)
	o, outside := r.at.(outer)
	if err != nil || !outside || l.origin != own {
		return err
	}
	there := false
	err = o.s.direct().Run(ctx, sqlcore.Query{SQL: `SELECT 1 FROM pg_index WHERE indexrelid=to_regclass($1) AND indisvalid`,
		Args: []any{sqlcore.Quote(l.chat) + "." + searchIndex}, Each: func(sqlcore.Row) error {
			there = true
			return nil
		}})
	if err != nil || there || !l.trgmAvailable {
		return err
	}
	sql := trigrams(l, "CONCURRENTLY")
	if err := o.s.direct().write(ctx, sqlcore.Query{SQL: sql[0]}); err != nil {
		o.s.log.Info("search works without an index here", "err", err)
		return nil
	}
	return o.s.build(ctx, l, searchIndex, sql[1])
}
