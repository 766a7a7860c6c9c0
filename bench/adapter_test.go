package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varvedb/varve/internal/pgtest"
)

// BenchmarkAdapter calls the layers as Chainlit does, from Python: Varve's
// adapter through the server, Chainlit's official layer on its own schema, and
// its SQLAlchemy layer on the very database that the server serves.
func BenchmarkAdapter(b *testing.B) {
	threads := size(1000, 50)
	url := database(b, "sqlalchemy", threads, 30)
	mend(b, url)
	official := database(b, "official", threads, 30)
	pgtest.Exec(b, official, `CREATE TABLE bare_steps (id TEXT PRIMARY KEY, thread TEXT, output TEXT)`)
	server := startVarve(b, build(b, "../cmd/varve"), b.TempDir(), "--url", url)

	ours, theirs, floor := startPeer(b, "http://"+server.address), startPeer(b, official), startPeer(b, "floor")
	path := fmt.Sprintf("awaited in Python, Varve's adapter over HTTP; PostgreSQL, synchronous_commit=on, one user, %d threads × 30 steps of 1 KB", threads)
	p := results.part("Python: persist a step of 1 KB", path)
	for _, c := range []struct{ what, do string }{{"a message", "step"}, {"a step under another", "child"}} {
		t := inTurns(b, size(12, 1), size(20, 2),
			ask{ours, c.do, threadID(1)}, ask{theirs, c.do, threadID(1)}, ask{floor, "insert", official}, ask{floor, "fdatasync", ""})
		p.faster(t[0].median(), c.what+"; Chainlit's official layer", t[1].median(), 2)
		p.slower(t[0].median(), c.what+"; one bare INSERT by asyncpg", t[2].median(), 0)
		p.floor("fdatasync of 4 KB", duration(t[3].median()))
	}

	p = results.part("Python: list 35 threads", path)
	sqlalchemy := startPeer(b, conninfo(url))
	t := inTurns(b, size(5, 1), size(20, 2), ask{ours, "list", adaID}, ask{theirs, "list", adaID})
	p.faster(t[0].median(), "Chainlit's SQLAlchemy layer, same database", sqlalchemy.median(b, "list", adaID, size(5, 1)), 100)
	p.faster(t[0].median(), "Chainlit's official layer", t[1].median(), 0)

	p = results.part("Python: open a thread of 30 steps", path)
	t = inTurns(b, size(5, 1), size(20, 2), ask{ours, "open", threadID(2)}, ask{theirs, "open", threadID(2)}, ask{sqlalchemy, "open", threadID(2)})
	p.faster(t[0].median(), "Chainlit's official layer", t[1].median(), 0)
	p.faster(t[0].median(), "Chainlit's SQLAlchemy layer, same database", t[2].median(), 0)
}

// ask is an operation of a peer.
type ask struct {
	peer   *peer
	do, id string
}

// inTurns runs operations of several peers, some of each at a time.
func inTurns(b *testing.B, rounds, each int, asks ...ask) []times {
	b.Helper()
	all := make([]times, len(asks))
	for range rounds {
		for i, a := range asks {
			all[i] = append(all[i], a.peer.times(b, a.do, a.id, each)...)
		}
	}
	for _, t := range all {
		slices.Sort(t)
	}
	return all
}
