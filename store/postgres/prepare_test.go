package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/postgres"
)

// loaded is a database of Varve's own in the middle of many loads.
func loaded(t *testing.T, url string) (db *postgres.Store, before string) {
	t.Helper()
	db = open(t, url)
	if _, err := db.Chat().Users(t.Context(), "", 1); err != nil { // makes the tables
		t.Fatal(err)
	}
	before = shape(t, url)
	if err := db.Chat().(chat.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := shape(t, url); now == before || !strings.Contains(now, "steps_pkey") || !strings.Contains(now, "varve_steps_thread ") {
		t.Fatalf("prepared for loads:\n%s", now)
	}
	m, err := chat.MoverOf(db.Chat())
	if err != nil {
		t.Fatal(err)
	}
	th := chat.Thread{ID: "t", CreatedAt: "2026-01-01T00:00:00.000000Z", Metadata: chat.Object{}}
	th.Steps = []chat.Step{{ID: "s", ThreadID: "t", ParentID: "r", Type: "run", Streaming: chat.Ptr(false), Metadata: chat.Object{}}}
	if err := m.Load(t.Context(), []chat.Thread{th}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	return db, before
}

func TestWhatLoadsDoWithoutIsMadeAgain(t *testing.T) {
	url := pgNew(t)
	db, before := loaded(t, url)
	// Where a copy was broken off, the next one finds steps and takes nothing
	// away, but ends what the first began.
	for range 2 {
		p := db.Chat().(chat.Preparer)
		if err := p.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := shape(t, url); now != before {
			t.Fatalf("after the loads:\n%s\nbefore them:\n%s", now, before)
		}
		if err := p.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	known := 0
	if err := connect(t, url).QueryRow(t.Context(), `SELECT count(*) FROM pg_stats WHERE tablename='steps' AND attname='threadId'`).Scan(&known); err != nil || known != 1 {
		t.Errorf("the planner knows %d columns, %v", known, err)
	}
}

func TestTheDoctorEndsACopyThatWasBrokenOff(t *testing.T) {
	url := pgNew(t)
	db, before := loaded(t, url)
	d, err := db.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, f := range d.Findings {
		what = append(what, f.What)
	}
	if got, want := strings.Join(what, "; "), "index on steps (parentId) is missing; the foreign key of steps is missing; search has no index"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := shape(t, url); now != before {
		t.Errorf("mended:\n%s\nbefore:\n%s", now, before)
	}
}

// Steps that another program wrote meanwhile of threads that are not there
// stay, and the key holds for those after them.
func TestStepsOfNoThreadDoNotStopTheEnd(t *testing.T) {
	url := pgNew(t)
	db, _ := loaded(t, url)
	c := connect(t, url)
	const stray = `INSERT INTO steps ("id","name","type","threadId","streaming") VALUES ($1,'','run','nowhere',false)`
	if _, err := c.Exec(t.Context(), stray, "a"); err != nil {
		t.Fatal(err)
	}
	if err := db.Chat().(chat.Preparer).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), stray, "b"); err == nil {
		t.Error("a step of no thread was taken")
	}
}

// Copies that end at the same time make the same indexes, and none of them
// fails over it.
func TestCopiesEndAtTheSameTime(t *testing.T) {
	url := pgNew(t)
	db, before := loaded(t, url)
	others := []*postgres.Store{db, open(t, url), open(t, url)}
	ended := make(chan error, len(others))
	for _, other := range others {
		go func() { ended <- other.Chat().(chat.Preparer).Settle(t.Context()) }()
	}
	for range others {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if now := shape(t, url); now != before {
		t.Errorf("after all copies:\n%s\nbefore them:\n%s", now, before)
	}
}
