//go:build cgo && !no_duckdb

package bench

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/duckdb"
	"github.com/varvedb/varve/store/sqlite"
)

// linkedSubjects are those that need cgo.
var linkedSubjects = []bulkSubject{{"duckdb", bulkDuckDB}}

// bulkDuckDB fills a file of its own, since one process has a file once. The
// engine's own bulk path is its appender, with a key as ours has one.
func bulkDuckDB(b *testing.B) (store.Store, func([]query.Row) error, func(string) error) {
	dir := b.TempDir()
	st, err := duckdb.Open(b.Context(), filepath.Join(dir, "docs.duckdb"), func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
	}, duckdb.Options{})
	must(b, err)
	db, err := duck.Open(filepath.Join(dir, "bare.duckdb"), 1<<30, nil)
	must(b, err)
	c, err := db.Connect()
	must(b, err)
	b.Cleanup(func() { c.Close(); db.Close(); st.Close() })
	const columns = ` (id VARCHAR PRIMARY KEY NOT NULL,title VARCHAR,body VARCHAR,n BIGINT,score DOUBLE,tags JSON,"at" TIMESTAMP,_fold VARCHAR)`
	must(b, c.Exec(b.Context(), `CREATE TABLE bare_docs`+columns+`; CREATE TABLE docs`+columns))
	filled := false
	return st, func(rows []query.Row) error {
			if err := c.Exec(b.Context(), "BEGIN"); err != nil {
				return err
			}
			if err := appendRows(b.Context(), c, "bare_docs", rows); err != nil {
				return err
			}
			return c.Exec(b.Context(), "COMMIT")
		}, func(id string) error {
			if !filled { // with what the other file has
				filled = true
				must(b, appendRows(b.Context(), c, "docs", documents(0, 10_000)))
			}
			rows, err := c.Query(b.Context(), `SELECT id,title,n,score,"at" FROM docs WHERE id=?`, id)
			if err != nil {
				return err
			}
			defer rows.Close()
			_, err = rows.Next()
			return err
		}
}

// appendRows is how programs fill DuckDB.
func appendRows(ctx context.Context, c *duck.Conn, table string, rows []query.Row) error {
	a, err := c.Append("main", table)
	if err != nil {
		return err
	}
	defer a.Close()
	for _, r := range rows {
		row, to, err := a.Row()
		if err != nil {
			return err
		}
		for i, v := range plain(r, func(t time.Time) any { return t.UnixMicro() }) {
			if err := to[i].Any(row, v); err != nil {
				return err
			}
		}
	}
	return a.Flush(ctx)
}
