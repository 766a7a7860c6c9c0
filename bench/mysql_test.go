package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/varvedb/varve/internal/mytest"
)

// BenchmarkMySQL reads and writes on a MariaDB with its default durability,
// beside SQL written by hand over the same driver.
func BenchmarkMySQL(b *testing.B) {
	threads := size(1000, 50)
	url := mytest.NewDurable(b)
	db := open(b, url)
	user := putUser(b, db)
	fill(b, db, user, 0, threads, 30)
	hand := handMy{mytest.Connect(b, url)}
	defer hand.db.Close()
	hand.exec(b, "ANALYZE TABLE threads, steps")
	path := fmt.Sprintf("library, one user, %d threads × 30 steps of 1 KB, innodb_flush_log_at_trx_commit=1, no binary log", threads)

	p := results.part("MariaDB: list 35 threads", path)
	t := alternate(b, size(500, 3), way{"list", listOf(b, db, user, "")},
		way{"page query", func(int) error { return hand.threads(b.Context(), 35, user) }})
	p.slower(t[0].median(), "page query by hand (by last activity)", t[1].median(), 1.3)

	p = results.part("MariaDB: open a thread of 30 steps", path)
	t = alternate(b, size(500, 3), way{"open", func(i int) error { return openThread(b, db, threadID(i%threads), 30) }},
		way{"select", func(i int) error { return hand.steps(b.Context(), 30, threadID(i%threads)) }})
	p.slower(t[0].median(), "one indexed select by hand", t[1].median(), 1.5)

	hand.exec(b, "CREATE TABLE bare_steps LIKE steps; ALTER TABLE bare_steps DROP KEY varve_steps_thread, DROP KEY varve_steps_starred")
	p = results.part("MariaDB: persist a step of 1 KB", path+", one caller, change log and last activity included")
	p.floor("fdatasync of 4 KB", duration(syncTimes(b, size(300, 5)).median()))
	through, counted := countTrips(b, url)
	counting := open(b, through)
	per := counted.per(b, size(100, 5), func(i int) error { return putStepIn(b.Context(), counting, i%threads) })
	p.value("round trips", fmt.Sprintf("%.2f", per), "2", per == 2)
	t = alternate(b, size(400, 3), way{"step", func(i int) error { return putStepIn(b.Context(), db, i%threads) }},
		way{"insert", func(i int) error { return hand.insert(b.Context(), i%threads) }})
	p.slower(t[0].median(), "bare INSERT, no index but the keys", t[1].median(), 0)
	p = results.part("MariaDB: append steps of 1 KB", path+", 16 callers at once, change log included")
	const callers = 16
	hand.db.SetMaxOpenConns(callers)
	hand.db.SetMaxIdleConns(callers)
	var ours, theirs []float64
	for range size(5, 1) {
		ours = append(ours, together(b, callers, size(4096, callers), func(n int) error { return putStepIn(b.Context(), db, n%threads) }))
		theirs = append(theirs, together(b, callers, size(4096, callers), func(n int) error { return hand.insert(b.Context(), n%threads) }))
	}
	p.rate(middle(ours), "bare INSERT, no index but the keys", middle(theirs), 0)
}

// together runs a piece of work many times, by some callers at once, and tells
// how often a second.
func together(b *testing.B, callers, times int, run func(n int) error) float64 {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, callers)
	start := time.Now()
	for range callers {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= times; n = int(next.Add(1)) {
				if err := run(n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	return float64(times) / time.Since(start).Seconds()
}

// handMy is what a program without a data layer would do.
type handMy struct{ db *sql.DB }

const (
	myPageByHand  = "SELECT id, createdAt, name, userId, userIdentifier, tags, varve_last_activity, metadata FROM threads WHERE userId=? ORDER BY varve_last_activity DESC, id DESC LIMIT 36"
	myStepsByHand = "SELECT id, threadId, parentId, name, type, command, tags, input, output, createdAt, start, `end`, generation, showInput, language, metadata FROM steps WHERE threadId=? ORDER BY createdAt"
)

func (h handMy) exec(b *testing.B, text string) {
	b.Helper()
	if _, err := h.db.ExecContext(b.Context(), text); err != nil {
		b.Fatal(err)
	}
}

// rows reads an answer whole into texts, and decodes the last column, which is
// the metadata.
func (h handMy) rows(ctx context.Context, query string, columns, least int, args ...any) error {
	rows, err := h.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []map[string]any
	for rows.Next() {
		into, texts := make([]any, columns), make([]*string, columns)
		for i := range into {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		metadata := map[string]any{}
		if err := json.Unmarshal([]byte(*texts[columns-1]), &metadata); err != nil {
			return err
		}
		found = append(found, metadata)
	}
	if rows.Err() == nil && len(found) < least {
		return fmt.Errorf("found %d rows, want %d", len(found), least)
	}
	return rows.Err()
}

func (h handMy) threads(ctx context.Context, least int, user string) error {
	return h.rows(ctx, myPageByHand, 8, least, user)
}

func (h handMy) steps(ctx context.Context, least int, thread string) error {
	return h.rows(ctx, myStepsByHand, 16, least, thread)
}

func (h handMy) insert(ctx context.Context, thread int) error {
	s := step(threadID(thread), thread)
	metadata, err := json.Marshal(s.Metadata)
	if err != nil {
		return err
	}
	_, err = h.db.ExecContext(ctx, "INSERT INTO bare_steps (id, threadId, name, type, output, createdAt, start, `end`, streaming, isError, waitForAnswer, metadata) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
		uuid.NewString(), s.ThreadID, s.Name, s.Type, s.Output, s.CreatedAt, s.Start, s.End, s.Streaming, s.IsError, s.WaitForAnswer, string(metadata))
	return err
}
