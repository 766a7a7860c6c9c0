package bench

import (
	"embed"
	"fmt"
	"strings"
	"testing"

	"github.com/varvedb/varve/internal/pgtest"
)

//go:embed schemas/*.sql
var schemas embed.FS

// adaID is the id of ada where SQL makes her.
const adaID = "5f0e2a3b-0000-4000-8000-000000000001"

// database makes a database with one of the schemas and fills it past Varve,
// as whoever made it would, with one user's threads.
func database(b *testing.B, schema string, threads, steps int) string {
	b.Helper()
	url := pgtest.NewDurable(b)
	pgtest.Exec(b, url, sqlFile(b, schema))
	fillSQL(b, url, schema, 0, threads, steps)
	return url
}

// fillSQL adds threads from…to, some thousands in a transaction.
func fillSQL(b *testing.B, url, schema string, from, to, steps int) {
	b.Helper()
	const batch = 5000
	text := sqlFile(b, "fill_"+schema)
	for ; from < to; from += batch {
		numbers := strings.NewReplacer("{{from}}", fmt.Sprint(from), "{{to}}", fmt.Sprint(min(from+batch, to)), "{{steps}}", fmt.Sprint(steps))
		pgtest.Exec(b, url, numbers.Replace(text))
	}
	pgtest.Exec(b, url, "VACUUM ANALYZE")
}

func sqlFile(b *testing.B, name string) string {
	b.Helper()
	sql, err := schemas.ReadFile("schemas/" + name + ".sql")
	if err != nil {
		b.Fatal(err)
	}
	return string(sql)
}
