package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/mysql"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

// documents are rows of a typical document: 8 columns, half a kilobyte.
func documents(run, n int) []query.Row {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	body := strings.Repeat("What an application would be sorry to lose. ", 8)
	rows := make([]query.Row, n)
	for i := range rows {
		rows[i] = query.Row{"id": fmt.Sprintf("%02d-%08d", run, i), "title": fmt.Sprint("document ", i), "body": body, "n": int64(i), "score": float64(i) / 7,
			"tags": json.RawMessage(`["a","b"]`), "at": at.Add(time.Duration(i) * time.Second), "_fold": "train"}
	}
	return rows
}

var documentTable = query.Table{Name: "docs", Key: "id", Columns: []query.Column{
	{Name: "id", Type: query.Type{Kind: query.Text}, Required: true}, {Name: "title", Type: query.Type{Kind: query.Text}}, {Name: "body", Type: query.Type{Kind: query.Text}},
	{Name: "n", Type: query.Type{Kind: query.Integer}}, {Name: "score", Type: query.Type{Kind: query.Real}}, {Name: "tags", Type: query.Type{Kind: query.JSON}},
	{Name: "at", Type: query.Type{Kind: query.Time}}, {Name: "_fold", Type: query.Type{Kind: query.Text}}}}

// plain are the values of a row in the order of documentTable.
func plain(r query.Row, at func(time.Time) any) []any {
	return []any{r["id"], r["title"], r["body"], r["n"], r["score"], string(r["tags"].(json.RawMessage)), at(r["at"].(time.Time)), r["_fold"]}
}

// subjects are the databases, each with what writes the same rows to a table
// bare_docs by the engine's own bulk path, and one point query by hand on docs.
type bulkSubject struct {
	name string
	open func(b *testing.B) (st store.Store, bulk func([]query.Row) error, point func(id string) error)
}

var bulkSubjects = append([]bulkSubject{{"sqlite", bulkSQLite}, {"postgres", bulkPostgres}, {"mariadb", bulkMariaDB}}, linkedSubjects...)

func bulkSQLite(b *testing.B) (store.Store, func([]query.Row) error, func(string) error) {
	path := filepath.Join(b.TempDir(), "varve.db")
	st, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	must(b, err)
	c, err := sqlite3.Open(path)
	must(b, err)
	b.Cleanup(func() { c.Close(); st.Close() })
	must(b, c.Exec(`PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; CREATE TABLE bare_docs (id TEXT PRIMARY KEY NOT NULL,title TEXT,body TEXT,n INTEGER,score REAL,tags TEXT,at DATETIME,_fold TEXT)`))
	var one *sqlite3.Stmt
	return st, func(rows []query.Row) error {
			if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
				return err
			}
			s, _, err := c.Prepare(`INSERT INTO bare_docs VALUES (?,?,?,?,?,?,?,?)`)
			if err != nil {
				return err
			}
			defer s.Close()
			for _, r := range rows {
				v := plain(r, func(t time.Time) any { return t.Format("2006-01-02T15:04:05.000000Z") })
				for i, x := range v {
					switch x := x.(type) {
					case string:
						err = s.BindText(i+1, x)
					case int64:
						err = s.BindInt64(i+1, x)
					case float64:
						err = s.BindFloat(i+1, x)
					}
					if err != nil {
						return err
					}
				}
				if err := s.Exec(); err != nil {
					return err
				}
			}
			return c.Exec("COMMIT")
		}, func(id string) error {
			if one == nil {
				var err error
				if one, _, err = c.Prepare(`SELECT id,title,n,score,at FROM docs WHERE id=?`); err != nil {
					return err
				}
			}
			if err := one.BindText(1, id); err != nil {
				return err
			}
			for one.Step() {
				_, _, _, _, _ = one.ColumnText(0), one.ColumnText(1), one.ColumnInt64(2), one.ColumnFloat(3), one.ColumnText(4)
			}
			return one.Reset()
		}
}

func bulkPostgres(b *testing.B) (store.Store, func([]query.Row) error, func(string) error) {
	url := pgtest.NewDurable(b)
	st, err := postgres.Open(b.Context(), url, postgres.Options{})
	must(b, err)
	c, err := pgx.Connect(b.Context(), url)
	must(b, err)
	b.Cleanup(func() { c.Close(context.Background()); st.Close() })
	pgtest.Exec(b, url, `CREATE TABLE bare_docs (id TEXT COLLATE "C" PRIMARY KEY,title TEXT,body TEXT,n BIGINT,score DOUBLE PRECISION,tags JSON,at TIMESTAMPTZ,_fold TEXT)`)
	return st, func(rows []query.Row) error {
			i := 0
			_, err := c.CopyFrom(b.Context(), pgx.Identifier{"bare_docs"}, []string{"id", "title", "body", "n", "score", "tags", "at", "_fold"}, pgx.CopyFromFunc(func() ([]any, error) {
				if i == len(rows) {
					return nil, nil
				}
				i++
				return plain(rows[i-1], func(t time.Time) any { return t }), nil
			}))
			return err
		}, func(id string) error {
			var title string
			var n int64
			var score float64
			var at time.Time
			return c.QueryRow(b.Context(), `SELECT id,title,n,score,at FROM docs WHERE id=$1`, id).Scan(&id, &title, &n, &score, &at)
		}
}

func bulkMariaDB(b *testing.B) (store.Store, func([]query.Row) error, func(string) error) {
	url := mytest.NewDurable(b)
	st, err := mysql.Open(b.Context(), url, mysql.Options{})
	must(b, err)
	db := mytest.Connect(b, url)
	b.Cleanup(func() { db.Close(); st.Close() })
	_, err = db.Exec("CREATE TABLE bare_docs (id VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY,title LONGTEXT,body LONGTEXT,n BIGINT,score DOUBLE,tags LONGTEXT,at DATETIME(6),_fold LONGTEXT) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4")
	must(b, err)
	return st, func(rows []query.Row) error { return multiRow(b.Context(), db, rows) }, func(id string) error {
		var title, at string
		var n int64
		var score float64
		return db.QueryRowContext(b.Context(), "SELECT id,title,n,score,at FROM docs WHERE id=?", id).Scan(&id, &title, &n, &score, &at)
	}
}

// multiRow is how programs fill MariaDB: a thousand rows a statement.
func multiRow(ctx context.Context, db *sql.DB, rows []query.Row) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for part := range slices.Chunk(rows, 1000) {
		var args []any
		for _, r := range part {
			args = append(args, plain(r, func(t time.Time) any { return t.Format("2006-01-02 15:04:05.000000") })...)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO bare_docs VALUES (?,?,?,?,?,?,?,?)"+strings.Repeat(",(?,?,?,?,?,?,?,?)", len(part)-1), args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// BenchmarkQueryInsert inserts 100,000 documents in one call of the service,
// which checks every value, and by the engine's own bulk path, in turns; the
// ratio is of the medians.
func BenchmarkQueryInsert(b *testing.B) {
	const rows, turns = 100_000, 3
	for _, s := range bulkSubjects {
		b.Run(s.name, func(b *testing.B) {
			st, bulk, _ := s.open(b)
			must(b, st.Query().Create(b.Context(), documentTable))
			db := query.NewService(st.Query(), query.Options{})
			var ours, theirs []time.Duration
			for i := range turns {
				docs := documents(i, rows)
				ours = append(ours, clocked(b, func() error {
					_, err := db.Execute(b.Context(), query.Into("docs").Rows(docs...))
					return err
				}))
				theirs = append(theirs, clocked(b, func() error { return bulk(docs) }))
			}
			a, f := median(ours), median(theirs)
			b.ReportMetric(rows/a.Seconds(), "rows/s")
			b.ReportMetric(rows/f.Seconds(), "bulk-rows/s")
			b.ReportMetric(f.Seconds()/a.Seconds(), "of-bulk")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkQueryPoint asks for one row by its key through the service and by
// hand, in turns.
func BenchmarkQueryPoint(b *testing.B) {
	const rows, asks = 10_000, 3000
	for _, s := range bulkSubjects {
		b.Run(s.name, func(b *testing.B) {
			st, _, point := s.open(b)
			must(b, st.Query().Create(b.Context(), documentTable))
			db := query.NewService(st.Query(), query.Options{})
			_, err := db.Execute(b.Context(), query.Into("docs").Rows(documents(0, rows)...))
			must(b, err)
			var ours, theirs []time.Duration
			for i := range asks {
				id := fmt.Sprintf("00-%08d", i*7%rows)
				ours = append(ours, clocked(b, func() error {
					r, err := db.Execute(b.Context(), query.From("docs").Select("id", "title", "n", "score", "at").Where(query.Eq("id", id)))
					if err == nil {
						_, err = r.All()
					}
					return err
				}))
				theirs = append(theirs, clocked(b, func() error { return point(id) }))
			}
			a, f := median(ours), median(theirs)
			b.ReportMetric(float64(a.Nanoseconds())/1000, "µs")
			b.ReportMetric(float64(f.Nanoseconds())/1000, "by-hand-µs")
			b.ReportMetric(float64((a-f).Nanoseconds())/1000, "over-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func clocked(b *testing.B, fn func() error) time.Duration {
	b.Helper()
	start := time.Now()
	must(b, fn())
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}
