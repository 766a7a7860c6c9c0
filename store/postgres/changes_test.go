package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/internal/pgtest"
)

// Positions grow in the order of transactions, and a reader never passes one
// that still runs: what it writes later would be lost to the reader.
func TestReadersStopBeforeARunningTransaction(t *testing.T) {
	ctx, url := t.Context(), pgtest.New(t)
	db := open(t, url)
	db.Chat().Features() // makes the tables
	a, b := connect(t, url), connect(t, url)
	exec := func(c *pgx.Conn, sql string) {
		t.Helper()
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(a, `BEGIN; INSERT INTO users (id, identifier, metadata) VALUES ('1', 'early', '{}')`)
	exec(b, `INSERT INTO users (id, identifier, metadata) VALUES ('2', 'late', '{}')`)
	if events := changes(t, db, 0); len(events) != 0 {
		t.Fatalf("read %+v past a running transaction", events)
	}
	exec(a, `UPDATE users SET metadata = '{"a": 1}' WHERE id = '1'; COMMIT`)
	events := changes(t, db, 0)
	var keys []string
	for i, e := range events {
		keys = append(keys, e.Key+string(e.Op))
		if i > 0 && e.Position <= events[i-1].Position {
			t.Errorf("position %d after %d", e.Position, events[i-1].Position)
		}
	}
	if got := fmt.Sprint(keys); got != "[1insert 1update 2insert]" {
		t.Errorf("notes are %s", got)
	}
}

// Many writers at once, each with several notes, and a reader that goes on from
// the last position it saw: it sees every note once.
func TestAReaderSeesEveryNoteOnce(t *testing.T) {
	ctx, url := t.Context(), pgtest.New(t)
	db := open(t, url)
	db.Chat().Features()
	const writers, each = 8, 25
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		c := connect(t, url)
		wg.Go(func() {
			for i := range each {
				sql := fmt.Sprintf(`BEGIN; INSERT INTO users (id, identifier, metadata) VALUES ('%[1]d.%[2]d', '%[1]d.%[2]d', '{}'), ('%[1]d.%[2]d+', '%[1]d.%[2]d+', '{}'); COMMIT`, w, i)
				if _, err := c.Exec(ctx, sql); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(done)
	}()
	seen := map[string]int{}
	var after int64
	read := func() {
		for {
			events, err := db.Changes(ctx, after, 10)
			if err != nil {
				t.Error(err)
			}
			for _, e := range events {
				if e.Position <= after {
					t.Errorf("position %d after %d", e.Position, after)
				}
				after = e.Position
				seen[e.Key]++
			}
			if len(events) == 0 {
				return
			}
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		read()
	}
	if len(seen) != 2*writers*each {
		t.Errorf("saw %d notes of %d", len(seen), 2*writers*each)
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("saw %s %d times", key, n)
		}
	}
}

func changes(t *testing.T, log change.Log, after int64) []change.Event {
	t.Helper()
	events, err := log.Changes(t.Context(), after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return events
}
