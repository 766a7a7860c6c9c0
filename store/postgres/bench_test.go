package postgres_test

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store/postgres"
)

// The size that all figures are about: one user, a thousand threads of thirty
// steps of a kilobyte, synchronous_commit=on.
const (
	threadCount = 1000
	stepCount   = 30
)

// fill writes the rows past the store, as another writer would.
func fill(b testing.TB, url string) {
	b.Helper()
	c := connect(b, url)
	_, err := c.Exec(context.Background(), fmt.Sprintf(`
	  INSERT INTO users (id, identifier, metadata, "createdAt") VALUES ('00000000-0000-0000-0000-000000000001', 'ada', '{}', '2026-01-01T00:00:00.000000Z');
	  INSERT INTO threads (id, "createdAt", name, "userId", "userIdentifier", metadata)
	    SELECT md5('t' || i)::uuid, '2026-01-01T00:00:00.000000Z', 'thread ' || i, '00000000-0000-0000-0000-000000000001', 'ada', '{"chat_profile": "gpt"}' FROM generate_series(1, %[1]d) i;
	  INSERT INTO steps (id, name, type, "threadId", streaming, metadata, output, "createdAt", start, "end")
	    SELECT md5(i || '.' || j)::uuid, 'ada', 'user_message', md5('t' || i)::uuid, false, '{}',
	      (SELECT string_agg(md5(i || '.' || j || '.' || k), ' ') FROM generate_series(1, 30) k), at, at, at
	    FROM generate_series(1, %[1]d) i, generate_series(1, %[2]d) j,
	      LATERAL (SELECT to_char(timestamp '2026-01-02' + make_interval(secs => i * 40 + j), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at) a;
	  ANALYZE`, threadCount, stepCount))
	if err != nil {
		b.Fatal(err)
	}
}

// pool opens what a hand-written program would: the driver with its defaults.
func pool(b *testing.B, url string) *pgxpool.Pool {
	b.Helper()
	p, err := pgxpool.New(context.Background(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	return p
}

// median runs fn n times and reports the middle.
func median(b *testing.B, n int, fn func(i int)) time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		fn(i)
		times[i] = time.Since(start)
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	return times[n/2]
}

// pair measures two ways of doing one thing in turns, so that both see the same
// machine, and reports their ratio.
func pair(b *testing.B, what string, n int, ours, theirs func(i int)) {
	b.Helper()
	const rounds = 3
	var a, t []time.Duration
	for r := range rounds {
		a = append(a, median(b, n, func(i int) { ours(r*n + i) }))
		t = append(t, median(b, n, func(i int) { theirs(r*n + i) }))
	}
	sort.Slice(a, func(i, j int) bool { return a[i] < a[j] })
	sort.Slice(t, func(i, j int) bool { return t[i] < t[j] })
	b.Logf("%-44s %10v  hand-written %10v  ratio %.2f", what, a[rounds/2], t[rounds/2], float64(a[rounds/2])/float64(t[rounds/2]))
}

const (
	handList = `SELECT id, "createdAt", name, "userId", "userIdentifier", tags, metadata, varve_last_activity FROM threads
	  WHERE "userId" = $1 ORDER BY varve_last_activity DESC, id DESC LIMIT 36`
	handListBare = `SELECT t.id, t."createdAt", t.name, t."userId", t."userIdentifier", t.tags, t.metadata, s.at
	  FROM threads t LEFT JOIN (SELECT "threadId", max("createdAt") AS at FROM steps GROUP BY 1) s ON s."threadId" = t.id
	  WHERE t."userId" = $1 ORDER BY s.at DESC NULLS LAST, t.id DESC LIMIT 36`
	handSteps = `SELECT * FROM steps WHERE "threadId" = $1 ORDER BY "createdAt"`
	handPut   = `INSERT INTO steps (id, name, type, "threadId", streaming, metadata, output, "createdAt", start, "end")
	  VALUES ($1, 'ada', 'user_message', $2, false, '{}', $3, $4, $4, $4)
	  ON CONFLICT (id) DO UPDATE SET output = excluded.output`
)

func BenchmarkAgainstHandWritten(b *testing.B) {
	own := pgtest.NewDurable(b)
	db := open(b, own)
	db.Chat().Features() // makes the tables
	fill(b, own)
	b.Run("own", func(b *testing.B) { against(b, db, own, handList) })

	url := pgtest.NewDurable(b)
	pgtest.Exec(b, url, fixtureSQL(b, "documented"))
	fill(b, url)
	db = open(b, url)
	b.Run("foreign as found", func(b *testing.B) { against(b, db, url, handListBare) })
	start := time.Now()
	if err := db.Mend(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.Logf("mended in %v", time.Since(start))
	b.Run("foreign mended", func(b *testing.B) { against(b, db, url, handList) })
}

func against(b *testing.B, db *postgres.Store, url, list string) {
	ctx, p := context.Background(), pool(b, url)
	user := "00000000-0000-0000-0000-000000000001"
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	thread := func(i int) string {
		var id string
		fail(p.QueryRow(ctx, `SELECT md5('t' || $1::text)::uuid::text`, fmt.Sprint(i%threadCount+1)).Scan(&id))
		return id
	}
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = thread(i * 7)
	}
	pair(b, "list 35", 15, func(int) {
		got, err := db.Chat().Threads(ctx, chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: user}, Limit: 36})
		fail(err)
		if len(got) != 36 {
			b.Fatal(len(got))
		}
	}, func(int) { rows(b, p, list, user) })
	pair(b, "open a thread", 30, func(i int) {
		got, err := db.Chat().Thread(ctx, ids[i%len(ids)])
		fail(err)
		if len(got.Steps) < stepCount {
			b.Fatal(len(got.Steps))
		}
	}, func(i int) { rows(b, p, handSteps, ids[i%len(ids)]) })
	text := strings.Repeat("kilobyte", 128)
	at := func(i int) string { return chat.FormatTime(time.Now()) }
	run := fmt.Sprint(time.Now().UnixNano())[8:]
	pair(b, "put a step", 60, func(i int) {
		now := time.Now()
		fail(db.Chat().ApplyStep(ctx, chat.Step{ID: fmt.Sprintf("00000000-0000-0001-%s-%012d", run[:4], i), ThreadID: ids[i%len(ids)], Name: "ada", Type: "user_message",
			Output: text, CreatedAt: chat.FormatTime(now), Start: chat.FormatTime(now), End: chat.FormatTime(now), Streaming: chat.Ptr(false)}, chat.Write{Now: now}))
	}, func(i int) {
		_, err := p.Exec(ctx, handPut, fmt.Sprintf("00000000-0000-0002-%s-%012d", run[:4], i), ids[i%len(ids)], text, at(i))
		fail(err)
	})
	pair(b, "update a thread", 60, func(i int) {
		fail(db.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: ids[i%len(ids)], Metadata: chat.Object{"k": fmt.Sprint(i)}}, chat.Write{Now: time.Now()}))
	}, func(i int) {
		_, err := p.Exec(ctx, `UPDATE threads SET metadata = metadata || $2 WHERE id = $1`, ids[i%len(ids)], fmt.Sprintf(`{"k":"%d"}`, i))
		fail(err)
	})
	for _, needle := range []string{"no such text", "kilobytekilo", md5ish} {
		d := median(b, 3, func(int) {
			_, err := db.Chat().Threads(ctx, chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: user, Search: needle}, Limit: 21})
			fail(err)
		})
		b.Logf("search %-37q %10v", needle, d)
	}
}

// md5ish is a piece that a few outputs contain.
const md5ish = "abc12"

// rows reads an answer to its end, as values of Go.
func rows(b *testing.B, p *pgxpool.Pool, sql string, args ...any) {
	r, err := p.Query(context.Background(), sql, args...)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := pgx.CollectRows(r, pgx.RowToMap); err != nil {
		b.Fatal(err)
	}
}
