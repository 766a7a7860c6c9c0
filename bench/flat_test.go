package bench

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
)

// BenchmarkListFlat asks what a page of 35 costs when there is more and more
// behind it. The page query by hand shows how flat the engine itself is.
func BenchmarkListFlat(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		db, path := openFile(b)
		user := putUser(b, db)
		flat(b, "SQLite", db, user, openHand(b, path).list, func(from, to int) { fill(b, db, user, from, to, 1) })
	})
	b.Run("postgres", func(b *testing.B) {
		url := pgtest.NewDurable(b)
		db := open(b, url)
		putUser(b, db) // makes the tables
		hand := connectHand(b, url)
		page := func(user string, least int) error {
			return readAll[threadRow](b.Context(), hand, mendedPageByHand, least, user)
		}
		pgtest.Exec(b, url, "DELETE FROM users")
		flat(b, "PostgreSQL", db, adaID, page, func(from, to int) { fillSQL(b, url, "sqlalchemy", from, to, 1) })
	})
	b.Run("mysql", func(b *testing.B) {
		url := mytest.NewDurable(b)
		db := open(b, url)
		user := putUser(b, db)
		hand := handMy{mytest.Connect(b, url)}
		defer hand.db.Close()
		page := func(user string, least int) error { return hand.threads(b.Context(), least, user) }
		flat(b, "MariaDB", db, user, page, func(from, to int) { fill(b, db, user, from, to, 1) })
	})
}

func flat(b *testing.B, engine string, db *varve.DB, user string, page func(user string, least int) error, grow func(from, to int)) {
	b.Helper()
	p := results.part(engine+": list 35 threads, of more and more", "library, Varve's own schema, one user, a step a thread; each ratio is to the same page of 100")
	var first []times
	had := 0
	for _, threads := range []int{100, 1000, size(10_000, 2000), size(100_000, 4000)} {
		grow(had, threads)
		had = threads
		t := alternate(b, size(300, 5),
			way{"list", listOf(b, db, user, "")},
			way{"page query", func(int) error { return page(user, 35) }})
		if first == nil {
			first = t
		}
		ratio := float64(t[0].median()) / float64(first[0].median())
		p.rows = append(p.rows, row{ours: duration(t[0].median()), beside: duration(t[1].median()),
			name: fmt.Sprintf("%d threads; page query by hand", threads), ratio: factor(ratio), goal: "≤ 1.3×", reached: ratio <= 1.3})
	}
}
