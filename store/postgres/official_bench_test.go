package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store/postgres"
)

// fillOfficial writes the rows of fill as the official layer would.
func fillOfficial(b testing.TB, url string) {
	b.Helper()
	c := connect(b, url)
	_, err := c.Exec(context.Background(), fmt.Sprintf(`
	  INSERT INTO "User" (id, identifier, metadata) VALUES ('00000000-0000-0000-0000-000000000001', 'ada', '{}');
	  INSERT INTO "Thread" (id, "createdAt", name, "userId", metadata)
	    SELECT md5('t' || i)::uuid, '2026-01-01', 'thread ' || i, '00000000-0000-0000-0000-000000000001', '{"chat_profile": "gpt"}' FROM generate_series(1, %[1]d) i;
	  INSERT INTO "Step" (id, name, type, "threadId", metadata, output, "startTime", "endTime")
	    SELECT md5(i || '.' || j)::uuid, 'ada', 'user_message', md5('t' || i)::uuid, '{}',
	      (SELECT string_agg(md5(i || '.' || j || '.' || k), ' ') FROM generate_series(1, 30) k), at, at
	    FROM generate_series(1, %[1]d) i, generate_series(1, %[2]d) j,
	      LATERAL (SELECT timestamp '2026-01-02' + make_interval(secs => i * 40 + j) AS at) a;
	  ANALYZE`, threadCount, stepCount))
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOfficial measures the same calls on the official tables as they are
// found and after the doctor.
func BenchmarkOfficial(b *testing.B) {
	url := pgtest.NewDurable(b)
	pgtest.Exec(b, url, fixtureSQL(b, "official"))
	fillOfficial(b, url)
	db := open(b, url)
	ctx := b.Context()
	b.Run("as found", func(b *testing.B) { officialCalls(b, db, "found") })
	if err := db.Mend(ctx); err != nil {
		b.Fatal(err)
	}
	b.Run("mended", func(b *testing.B) { officialCalls(b, db, "mended") })
}

// officialCalls are the calls on one state of the database.
func officialCalls(b *testing.B, db *postgres.Store, state string) {
	ctx, user := b.Context(), "00000000-0000-0000-0000-000000000001"
	list := func(f chat.ThreadFilter) []chat.Thread {
		f.UserID = user
		got, err := db.Chat().Threads(ctx, chat.ThreadQuery{ThreadFilter: f, Limit: 36})
		if err != nil {
			b.Fatal(err)
		}
		return got
	}
	page := list(chat.ThreadFilter{})
	for _, m := range []struct {
		what string
		n    int
		do   func(i int) error
	}{
		{"list 35", 15, func(int) error { list(chat.ThreadFilter{}); return nil }},
		{"list with feedback", 15, func(int) error { list(chat.ThreadFilter{Feedback: chat.Ptr(1)}); return nil }},
		{"search for a text that is nowhere", 5, func(int) error { list(chat.ThreadFilter{Search: "no such text"}); return nil }},
		{"open a thread", 50, func(i int) error { _, err := db.Chat().Thread(ctx, page[i%36].ID); return err }},
		{"favorites", 15, func(int) error { _, err := db.Chat().Favorites(ctx, user); return err }},
		{"put a step", 100, func(i int) error {
			return db.Chat().ApplyStep(ctx, chat.Step{ID: fmt.Sprintf("%s %d", state, i), ThreadID: page[i%36].ID, Output: "x",
				ParentID: fmt.Sprintf("%s %d", state, i-1), CreatedAt: chat.FormatTime(time.Now())}, chat.Write{Now: time.Now()})
		}},
		{"put it again", 100, func(i int) error {
			return db.Chat().ApplyStep(ctx, chat.Step{ID: fmt.Sprintf("%s %d", state, i), ThreadID: page[i%36].ID, Output: "y"}, chat.Write{Now: time.Now()})
		}},
		{"delete a thread", 15, func(i int) error { return db.Chat().DeleteThread(ctx, page[35-i].ID, chat.Write{Now: time.Now()}) }},
	} {
		b.Logf("%-36s %10v", m.what, median(b, m.n, func(i int) {
			if err := m.do(i); err != nil {
				b.Fatal(err)
			}
		}))
	}
}
