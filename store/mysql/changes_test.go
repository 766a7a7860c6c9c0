package mysql_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/mysql"
)

func thread(ctx context.Context, c chat.Store, id string) error {
	return c.ApplyThread(ctx, chat.ThreadPatch{ID: id}, chat.Write{Now: time.Now()})
}

// A transaction that wrote its note early and commits late: readers pass it by,
// and find its note above all positions that they were given meanwhile.
func TestANoteThatIsCommittedLateIsNotMissed(t *testing.T) {
	ctx, db := t.Context(), open(t, mytest.New(t))
	db.Chat().Features() // makes the tables
	var between []change.Event
	err := db.Update(ctx, func(inner context.Context, tx store.Tx) error {
		if err := thread(inner, tx.Chat(), "early"); err != nil {
			return err
		}
		if err := thread(ctx, db.Chat(), "late"); err != nil { // another caller's, beside the Update
			return err
		}
		between = changes(t, db, 0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(between) != 1 || between[0].Key != "late" {
		t.Fatalf("beside a running transaction readers see %+v", between)
	}
	after := changes(t, db, between[0].Position)
	if len(after) != 1 || after[0].Key != "early" {
		t.Fatalf("after its commit readers that go on see %+v", after)
	}
	if head, err := db.Head(ctx); err != nil || head != after[0].Position {
		t.Errorf("the head is %d, %v", head, err)
	}
}

// Many writers, some of which take their time between their notes and their
// commit, and several readers that each go on from the last position they saw,
// through other connections and another process's store: each sees every note
// once, in the same order, and the notes of one row in the order they happened.
func TestNoReaderMissesANote(t *testing.T) {
	url := mytest.New(t)
	db := open(t, url)
	db.Chat().Features()
	const writers, each, readers = 8, 20, 3
	done := make(chan struct{})
	var wg, watching sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			for i := range each {
				if err := writeSome(t.Context(), db, n, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	seen := make([][]change.Event, readers)
	for r := range readers {
		log := open(t, url)
		watching.Go(func() { seen[r] = follow(t, log, done) })
	}
	wg.Wait()
	close(done)
	watching.Wait()
	for r, events := range seen {
		if fmt.Sprint(events) != fmt.Sprint(seen[0]) {
			t.Errorf("reader %d saw other notes than the first", r)
		}
	}
	check(t, seen[0], writers, each)
}

// writeSome makes a thread of its own and changes one that all share, half of
// the time in one transaction that others overtake.
func writeSome(ctx context.Context, db *mysql.Store, writer, i int) error {
	own := fmt.Sprintf("%d.%d", writer, i)
	shared := chat.ThreadPatch{ID: "shared", Metadata: chat.Object{own: true}}
	if i%2 == 0 {
		if err := thread(ctx, db.Chat(), own); err != nil {
			return err
		}
		return db.Chat().ApplyThread(ctx, shared, chat.Write{Now: time.Now()})
	}
	return db.Update(ctx, func(inner context.Context, tx store.Tx) error {
		if err := thread(inner, tx.Chat(), own); err != nil {
			return err
		}
		if err := thread(ctx, db.Chat(), own+"!"); err != nil {
			return err
		}
		return tx.Chat().ApplyThread(inner, shared, chat.Write{Now: time.Now()})
	})
}

// follow reads on until the writers are done and nothing is left.
func follow(t *testing.T, log change.Log, done chan struct{}) (seen []change.Event) {
	var after int64
	for last := false; ; {
		events, err := log.Changes(t.Context(), after, 7)
		if err != nil {
			t.Error(err)
			return seen
		}
		for _, e := range events {
			if e.Position <= after {
				t.Errorf("position %d after %d", e.Position, after)
			}
			after = e.Position
		}
		seen = append(seen, events...)
		switch {
		case len(events) > 0:
		case last:
			return seen
		default:
			select {
			case <-done:
				last = true
			default:
			}
		}
	}
}

func check(t *testing.T, events []change.Event, writers, each int) {
	t.Helper()
	times := map[string]int{}
	for _, e := range events {
		if times[e.Key] == 0 && e.Op != change.Insert {
			t.Errorf("the first note of %q is %s", e.Key, e.Op)
		}
		times[e.Key]++
	}
	if times["shared"] != writers*each {
		t.Errorf("saw %d notes of the shared thread, want %d", times["shared"], writers*each)
	}
	delete(times, "shared")
	if want := writers * (each + each/2); len(times) != want {
		t.Errorf("saw %d threads, want %d", len(times), want)
	}
	for key, n := range times {
		if n != 1 {
			t.Errorf("saw %q %d times", key, n)
		}
	}
}

func TestPruneKeepsTheNewestAndWhatSomebodyHasNotRead(t *testing.T) {
	ctx, url := t.Context(), mytest.New(t)
	db := open(t, url)
	for i := range 4 {
		if err := thread(ctx, db.Chat(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	all := changes(t, db, 0)
	later := time.Now().Add(mysql.Retention + time.Hour)
	exec(t, connect(t, url), "INSERT INTO varve_meta VALUES ('consumer.mine', ?)", fmt.Sprint(all[1].Position))
	if n, err := db.Prune(ctx, later); err != nil || n != 2 {
		t.Fatalf("dropped %d, %v; want 2, of which the consumer has read", n, err)
	}
	exec(t, connect(t, url), "DELETE FROM varve_meta WHERE `key`='consumer.mine'")
	if n, err := db.Prune(ctx, time.Now()); err != nil || n != 0 {
		t.Fatalf("dropped %d, %v; want none younger than a day", n, err)
	}
	if n, err := db.Prune(ctx, later); err != nil || n != 1 {
		t.Fatalf("dropped %d, %v; want 1: the newest stays", n, err)
	}
	if err := thread(ctx, db.Chat(), "new"); err != nil {
		t.Fatal(err)
	}
	if left := changes(t, db, all[3].Position); len(left) != 1 || left[0].Key != "new" {
		t.Errorf("%+v", left)
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
