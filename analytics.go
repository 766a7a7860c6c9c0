package varve

import (
	"context"
	"log/slog"
	"os"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// Followed is what an analytical engine follows.
type Followed struct {
	State   state.Store
	Chat    chat.Store
	Changes change.Log
	ID      string // of the database, the same whoever opens it
	File    string // where the engine may keep its columns; "" is nowhere
	Log     *slog.Logger
}

// Columnar opens an analytical engine.
type Columnar func(context.Context, Followed) (analytics.Engine, error)

// A store that answers questions in SQL by itself is asked where no columnar
// engine is linked.
type asker interface {
	Asker(context.Context) (analytics.Engine, error)
}

// SQL asks a question about everything: versioned tables, as they are
// (todos), with their history (todos_history) and as they were
// (todos_as_of('2026-11-21 12:00')), beside the tables of conversations. It
// takes one SELECT with ? for the arguments. It sees all users' rows, so that
// callers who act for a user must not hand statements on. The rows are to be
// closed. See [DB.Analytics] for limits.
func (db *DB) SQL(ctx context.Context, sql string, args ...any) (*analytics.Rows, error) {
	return db.analytics.Query(ctx, analytics.Question{SQL: sql, Args: args})
}

// Analytics answers questions in SQL, within limits. Its engine is opened by
// the first.
func (db *DB) Analytics() *analytics.Service { return db.analytics }

// openAnalytics opens the engine that this program has.
func (db *DB) openAnalytics(o Options, data string) func(context.Context) (analytics.Engine, error) {
	return func(ctx context.Context) (analytics.Engine, error) {
		if o.Columnar == nil {
			if a, ok := db.store.(asker); ok {
				o.Log.With("part", "analytics").Warn("this program was built without DuckDB: SQLite answers questions by itself, more slowly and in its own dialect")
				return a.Asker(ctx)
			}
			return nil, errs.New(errs.Unsupported, "this program was built without DuckDB, and this database answers no SQL by itself; build varve with cgo")
		}
		id, err := secret(ctx, db.store, data, "mirror")
		if err != nil {
			return nil, err
		}
		f := Followed{State: db.store.State(), Chat: db.store.Chat(), Changes: db.store, ID: fingerprint(id), Log: o.Log.With("part", "analytics")}
		if data != "" {
			if err := os.MkdirAll(data, 0o700); err != nil {
				return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be made")
			}
			f.File = db.mirror
		}
		return o.Columnar(ctx, f)
	}
}
