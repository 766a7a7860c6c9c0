package sqlite

import (
	"context"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Raw implements query.Store. Outside a transaction what reads has a
// connection of its own, which can do nothing else.
func (q data) Raw(ctx context.Context, r query.Raw, write bool) (out query.Answer, err error) {
	var got *answer
	_, inside := q.at.(*tx)
	switch {
	case write:
		err = q.write(ctx, func(c *conn) error {
			got, err = c.confined(r, true)
			return err
		})
	case inside:
		err = q.at.read(ctx, func(c *conn) error {
			got, err = c.confined(r, false)
			return err
		})
	default:
		if err = q.store.outer(ctx); err == nil {
			got, err = q.store.askAlone(ctx, r)
		}
	}
	if err != nil {
		return out, err
	}
	for _, c := range got.columns {
		out.Columns = append(out.Columns, c.Name)
	}
	out.Rows = func(yield func([]any, error) bool) {
		for _, row := range got.rows {
			if !yield(row, nil) {
				return
			}
		}
	}
	return out, nil
}

// askAlone asks on a connection that is opened for it and bounded.
func (s *Store) askAlone(ctx context.Context, r query.Raw) (*answer, error) {
	a := asker{s}
	views, err := a.views(ctx)
	if err != nil {
		return nil, err
	}
	got, err := a.alone(ctx, views, authorizeRead, r.SQL, r.Args)
	if err != nil && ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	return got, err
}

// confined runs a statement where a transaction is open, under the same rules.
func (c *conn) confined(r query.Raw, write bool) (got *answer, err error) {
	may := authorizeRead
	if write {
		may = authorizeWrite
	}
	if err := c.db.SetAuthorizer(may); err != nil {
		return nil, classify(err)
	}
	defer func() {
		// Statements are prepared anew after the rules change.
		if failed := c.db.SetAuthorizer(nil); failed != nil && err == nil {
			err = classify(failed)
		}
	}()
	if !write {
		return c.ask(r.SQL, r.Args)
	}
	return c.run(r.SQL, r.Args, false)
}

// ownName tells whether a name is one that Varve keeps for itself and shows
// nobody: versioned tables are shown.
func ownName(name string) bool {
	return sqlquery.Private(name) && !strings.HasPrefix(name, "varve_log_") && !strings.HasPrefix(name, "varve_entity_")
}

// authorizeRead lets statements read all but what Varve keeps for itself:
// secrets and tombstones above all.
func authorizeRead(action sqlite3.AuthorizerActionCode, name, second, schema, inner string) sqlite3.AuthorizerReturnCode {
	switch action {
	case sqlite3.AUTH_SELECT, sqlite3.AUTH_RECURSIVE:
		return sqlite3.AUTH_OK
	case sqlite3.AUTH_FUNCTION:
		if name := strings.ToLower(second); name != "load_extension" && !strings.HasPrefix(name, "fts") {
			return sqlite3.AUTH_OK
		}
	case sqlite3.AUTH_READ:
		if !ownName(strings.ToLower(name)) {
			return sqlite3.AUTH_OK
		}
	}
	return sqlite3.AUTH_DENY
}

// authorizeWrite lets statements change rows and tables that are not Varve's,
// and what SQLite does for that.
func authorizeWrite(action sqlite3.AuthorizerActionCode, name, second, schema, inner string) sqlite3.AuthorizerReturnCode {
	switch action {
	case sqlite3.AUTH_INSERT, sqlite3.AUTH_UPDATE, sqlite3.AUTH_DELETE, sqlite3.AUTH_CREATE_TABLE, sqlite3.AUTH_DROP_TABLE,
		sqlite3.AUTH_CREATE_VIEW, sqlite3.AUTH_DROP_VIEW, sqlite3.AUTH_REINDEX, sqlite3.AUTH_ANALYZE:
		if !sqlquery.Private(name) || sqlquery.Private(inner) { // a trigger of Varve's notes what changed
			return sqlite3.AUTH_OK
		}
	case sqlite3.AUTH_CREATE_INDEX, sqlite3.AUTH_DROP_INDEX, sqlite3.AUTH_ALTER_TABLE:
		if !sqlquery.Private(name) && !sqlquery.Private(second) {
			return sqlite3.AUTH_OK
		}
	case sqlite3.AUTH_READ:
		if sqlquery.Private(inner) {
			return sqlite3.AUTH_OK
		}
		return authorizeRead(action, name, second, schema, inner)
	default:
		return authorizeRead(action, name, second, schema, inner)
	}
	return sqlite3.AUTH_DENY
}
