package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
)

func TestPruneKeepsADayTheNewestAndWhatAConsumerHasNotRead(t *testing.T) {
	url := pgtest.New(t)
	db := open(t, url)
	put := func(id string) {
		t.Helper()
		if _, err := db.Chat().PutUser(t.Context(), chat.User{ID: id, Identifier: id, CreatedAt: "x"}, chat.Write{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c", "d"} {
		put(id)
	}
	events := changes(t, db, 0)
	c := connect(t, url)
	prune := func(after time.Duration, want int64) {
		t.Helper()
		if n, err := db.Prune(t.Context(), time.Now().Add(after)); err != nil || n != want {
			t.Errorf("pruned %d, %v; want %d", n, err, want)
		}
	}
	prune(23*time.Hour, 0)
	if _, err := c.Exec(t.Context(), `INSERT INTO varve_meta VALUES ('consumer.test', $1)`, fmt.Sprint(events[1].Position)); err != nil {
		t.Fatal(err)
	}
	prune(25*time.Hour, 2)
	if _, err := c.Exec(t.Context(), `DELETE FROM varve_meta WHERE key = 'consumer.test'`); err != nil {
		t.Fatal(err)
	}
	prune(25*time.Hour, 1)
	if left := changes(t, db, 0); len(left) != 1 || left[0] != events[3] {
		t.Errorf("left is %+v", left)
	}
}

// A dump that is restored elsewhere meets smaller transaction numbers. Notes
// still come after those that it brought.
func TestPositionsGoOnAfterARestore(t *testing.T) {
	url := pgtest.New(t)
	db := open(t, url)
	put := func(id string) {
		t.Helper()
		if _, err := db.Chat().PutUser(t.Context(), chat.User{ID: id, Identifier: id, CreatedAt: "x"}, chat.Write{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	put("before")
	if _, err := connect(t, url).Exec(t.Context(), `UPDATE varve_change SET position = position + (1000000::bigint << 22)`); err != nil {
		t.Fatal(err)
	}
	db = open(t, url)
	put("after")
	events := changes(t, db, 0)
	if len(events) != 2 || events[1].Position <= events[0].Position || events[0].Op != "insert" || events[1].Key != "after" {
		t.Errorf("notes are %+v", events)
	}
}

// Another process takes the doctor's work back while this one runs: what it
// knew is wrong once, and right again.
func TestTablesThatChangeUnderAStore(t *testing.T) {
	url := fixture(t, "documented")
	doctor := open(t, url)
	if err := doctor.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := open(t, url)
	w := chat.Write{Now: time.Now()}
	patch := chat.ThreadPatch{ID: threadID, Name: chat.Ptr("n")}
	if err := db.Chat().ApplyThread(t.Context(), patch, w); err != nil {
		t.Fatal(err)
	}
	if err := doctor.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Chat().ApplyThread(t.Context(), patch, w); err == nil {
		t.Error("a write to tables that are gone succeeded")
	}
	if err := db.Chat().ApplyThread(t.Context(), patch, w); err != nil {
		t.Errorf("the store did not look again: %v", err)
	}
}
