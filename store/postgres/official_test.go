package postgres_test

import (
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

// bareOfficial is what the official tables can do as they are found: their ids
// are text, and their elements have metadata that is nobody's.
var bareOfficial = chat.Features{AnyID: true, Transactions: true, UnknownKeys: true}

// askOfficial, after the URL of a database, asks for its official tables.
const askOfficial = "&schema=official"

func TestOfficial(t *testing.T) {
	t.Run("as found", func(t *testing.T) { suites(t, bareOfficial, fixture(t, "official")) })
	t.Run("mended", func(t *testing.T) {
		url := fixture(t, "official")
		mend(t, url)
		suites(t, full, url)
	})
	t.Run("made", func(t *testing.T) { suites(t, full, pgtest.New(t)+askOfficial) })
	t.Run("with what people add", func(t *testing.T) {
		suites(t, bareOfficial, fixture(t, "official",
			`ALTER TABLE "Step" ADD "modes" JSONB, ADD tenant TEXT NOT NULL, ADD n INT NOT NULL`,
			`ALTER TABLE "Thread" ADD pinned BOOLEAN NOT NULL`, `ALTER TABLE "Element" ADD "autoPlay" BOOLEAN, ADD tenant TEXT NOT NULL`,
			`ALTER TABLE "User" ADD tenant TEXT NOT NULL`, `ALTER TABLE "Feedback" ADD tenant TEXT NOT NULL`))
	})
	t.Run("behind a pooler", func(t *testing.T) { suites(t, bareOfficial, pgtest.Bouncer(t, fixture(t, "official"))) })
}

// mend has the doctor do all there is to do, and see that nothing is left.
func mend(t *testing.T, url string) {
	t.Helper()
	db := open(t, url)
	for range 2 {
		if err := db.Mend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d, err := db.Examine(t.Context())
	if err != nil || len(d.Findings) > 0 || d.Schema != "official" {
		t.Fatalf("after mending: %+v, %v", d, err)
	}
}

// Not on tables as they are found: there the last activity is computed, and
// falls when a step's time does.
func TestOfficialHistories(t *testing.T) {
	url := fixture(t, "official")
	mend(t, url)
	db, c := open(t, url), connect(t, url)
	chattest.Histories(t, 20, 60, func(*testing.T) store.Store { return memory.Open() }, func(t *testing.T) store.Store {
		clear(t, c)
		return db
	})
}
