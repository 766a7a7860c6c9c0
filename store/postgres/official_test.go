package postgres_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/postgres"
)

// bareOfficial is what the official tables can do as they are found: their ids
// are text, and their elements have metadata that is nobody's.
var bareOfficial = chat.Features{AnyID: true, Transactions: true, UnknownKeys: true, ThreadFiles: true}

// fullOfficial is what they can do once the doctor was there.
func fullOfficial() chat.Features {
	f := full
	f.ThreadFiles = true
	return f
}

// askOfficial, after the URL of a database, asks for its official tables.
const askOfficial = "&schema=official"

func TestOfficial(t *testing.T) {
	t.Run("as found", func(t *testing.T) { suites(t, bareOfficial, fixture(t, "official")) })
	t.Run("mended", func(t *testing.T) {
		url := fixture(t, "official")
		mend(t, url)
		suites(t, fullOfficial(), url)
	})
	t.Run("made", func(t *testing.T) { suites(t, fullOfficial(), pgtest.New(t)+askOfficial) })
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

func TestOfficialHistories(t *testing.T) {
	t.Run("mended", func(t *testing.T) {
		url := fixture(t, "official")
		mend(t, url)
		officialHistories(t, url, func(*testing.T) store.Store { return memory.Open() })
	})
	t.Run("as found", func(t *testing.T) {
		officialHistories(t, fixture(t, "official"), func(*testing.T) store.Store { return computed{memory.Open()} })
	})
}

func officialHistories(t *testing.T, url string, reference func(*testing.T) store.Store) {
	c := connect(t, url)
	var db *postgres.Store
	chattest.Histories(t, 30, 80, reference, func(t *testing.T) store.Store {
		if db != nil {
			db.Close()
		}
		clear(t, c)
		db = open(t, url) // a guest remembers deleted threads in its process only
		return db
	})
}

// computed is what differs on tables as they are found from the definition. No
// column remembers the last activity: a listing computes it from the steps that
// are there, so that it falls where a step goes or takes an earlier time. And no
// table remembers deleted threads: the process does, and refuses what names one
// before it looks where the step or element lives.
type computed struct{ *memory.Store }

func (c computed) Chat() chat.Store {
	inner := c.Store.Chat()
	return computedChat{inner, inner.(chat.Mover)}
}

type computedChat struct {
	chat.Store
	chat.Mover
}

func (c computedChat) dead(ctx context.Context, thread string) error {
	if h, err := c.Store.Head(ctx, thread); err == nil && h.Deleted {
		return chat.Deleted(thread)
	}
	return nil
}

func (c computedChat) ApplyStep(ctx context.Context, s chat.Step, w chat.Write) error {
	if err := c.dead(ctx, s.ThreadID); err != nil {
		return err
	}
	return c.Store.ApplyStep(ctx, s, w)
}

func (c computedChat) ApplyElement(ctx context.Context, e chat.Element, w chat.Write) error {
	if err := c.dead(ctx, e.ThreadID); err != nil {
		return err
	}
	return c.Store.ApplyElement(ctx, e, w)
}

func (c computedChat) ApplyFeedback(ctx context.Context, f chat.Feedback, w chat.Write) (string, error) {
	if err := c.dead(ctx, f.ThreadID); err != nil {
		return "", err
	}
	return c.Store.ApplyFeedback(ctx, f, w)
}

func (c computedChat) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	all, err := c.Store.Threads(ctx, chat.ThreadQuery{ThreadFilter: q.ThreadFilter, Limit: math.MaxInt32})
	if err != nil {
		return nil, err
	}
	for i := range all {
		t, err := c.Store.Thread(ctx, all[i].ID)
		if err != nil {
			return nil, err
		}
		all[i].LastActivity, _ = chat.NormalTime(t.CreatedAt)
		for _, s := range t.Steps {
			if at, ok := chat.NormalTime(s.CreatedAt); ok {
				all[i].LastActivity = max(all[i].LastActivity, at)
			}
		}
	}
	slices.SortFunc(all, func(a, b chat.Thread) int {
		return cmp.Or(cmp.Compare(b.LastActivity, a.LastActivity), cmp.Compare(b.ID, a.ID))
	})
	if p := q.After; p != nil {
		all = slices.DeleteFunc(all, func(t chat.Thread) bool {
			return cmp.Or(cmp.Compare(t.LastActivity, p.LastActivity), cmp.Compare(t.ID, p.ID)) >= 0
		})
	}
	return all[:min(len(all), q.Limit)], nil
}

// official applies SQL to a database with the official tables and opens it.
func official(t *testing.T, edits ...string) (*postgres.Store, string) {
	url := fixture(t, "official", edits...)
	return open(t, url), url
}

var now = chat.Write{Now: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)}

func put(t *testing.T, db *postgres.Store, s chat.Step) {
	t.Helper()
	if err := db.Chat().ApplyStep(t.Context(), s, now); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, url, sql string) (v T) {
	t.Helper()
	if err := connect(t, strings.TrimSuffix(url, askOfficial)).QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestWhichTablesAreMeant(t *testing.T) {
	there := `SELECT to_regclass('"Thread"') IS NOT NULL`
	t.Run("a database that Varve makes has its own unless asked", func(t *testing.T) {
		url := pgtest.New(t)
		db := open(t, url)
		put(t, db, chat.Step{ID: "s", ThreadID: "t"})
		if ask[bool](t, url, there) {
			t.Error("the official tables were made")
		}
		late, err := postgres.Open(t.Context(), url+askOfficial, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer late.Close()
		if _, err := late.Chat().Head(t.Context(), "t"); errs.KindOf(err) != errs.Conflict {
			t.Errorf("asked for the official tables afterwards: %v", err)
		}
	})
	t.Run("what was asked for once is found without asking", func(t *testing.T) {
		url := pgtest.New(t)
		put(t, open(t, url+askOfficial), chat.Step{ID: "s", ThreadID: "t"})
		put(t, open(t, url), chat.Step{ID: "u", ThreadID: "t"})
		if n := ask[int](t, url, `SELECT count(*)::int FROM "Step"`); n != 2 {
			t.Errorf("%d steps, want 2", n)
		}
	})
	t.Run("where both are the documented ones unless asked", func(t *testing.T) {
		url := fixture(t, "official", fixtureSQL(t, "text"))
		put(t, open(t, url), chat.Step{ID: "s", ThreadID: "t"})
		put(t, open(t, url+askOfficial), chat.Step{ID: "s", ThreadID: "t"})
		if a, b := ask[int](t, url, `SELECT count(*)::int FROM steps`), ask[int](t, url, `SELECT count(*)::int FROM "Step"`); a != 1 || b != 1 {
			t.Errorf("%d documented and %d official steps, want 1 each", a, b)
		}
	})
	t.Run("tables of those names that are something else are let alone", func(t *testing.T) {
		url := pgtest.New(t)
		pgtest.Exec(t, url, `CREATE TABLE "Thread" (id INT); CREATE TABLE "Step" (id INT)`)
		put(t, open(t, url), chat.Step{ID: "s", ThreadID: "t"})
	})
	t.Run("incomplete ones are named", func(t *testing.T) {
		db, _ := official(t, `ALTER TABLE "Element" DROP COLUMN props`)
		_, err := db.Chat().Head(t.Context(), "t")
		if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), `"Element" has no column "props"`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another shape is refused", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), "postgres://a@localhost/b?schema=unheard", postgres.Options{})
		if errs.KindOf(err) != errs.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheDoctorGoesBackFromTheOfficialTables(t *testing.T) {
	db, url := official(t)
	before := shape(t, url)
	put(t, db, chat.Step{ID: "s", ThreadID: "t", Language: "json", CreatedAt: chat.FormatTime(now.Now)})
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, db, chat.Step{ID: "s", ThreadID: "t", Output: "after"})
	got, err := db.Chat().Step(t.Context(), chat.Ref{ID: "s"})
	if err != nil || got.Language != "json" || got.CreatedAt != "2026-01-02T03:04:05.678901Z" {
		t.Errorf("what was kept in the metadata became %+v, %v", got, err)
	}
	if kept := ask[string](t, url, `SELECT metadata::text FROM "Step"`); kept != "{}" {
		t.Errorf("the metadata still holds %s", kept)
	}
	if err := db.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := shape(t, url); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	put(t, db, chat.Step{ID: "u", ThreadID: "t"})
}

// What the official layer reads of what is written here.
func TestOfficialColumns(t *testing.T) {
	for _, mended := range []bool{false, true} {
		t.Run(fmt.Sprintf("mended %v", mended), func(t *testing.T) {
			db, url := official(t)
			if mended {
				mend(t, url)
				db = open(t, url)
			}
			put(t, db, chat.Step{ID: "s", ThreadID: "t", ParentID: "p", Type: "of my own", CreatedAt: "2026-01-02T03:04:05.999999Z",
				End: "2026-01-02T03:04:09.000999Z", Tags: []string{"x"}})
			if got := ask[string](t, url, `SELECT concat_ws(' ', type, "startTime", "endTime", "createdAt", "parentId", "showInput") FROM "Step" WHERE id = 's'`); got !=
				"undefined 2026-01-02 03:04:05.999 2026-01-02 03:04:09 2026-01-02 03:04:05.999 p" {
				t.Errorf("the columns are %s", got)
			}
			got, err := db.Chat().Step(t.Context(), chat.Ref{ID: "s"})
			if err != nil || got.Type != "of my own" || got.End != "2026-01-02T03:04:09.000999Z" || got.CreatedAt != "2026-01-02T03:04:05.999999Z" {
				t.Errorf("got %+v, %v", got, err)
			}
			if _, err := db.Chat().Step(t.Context(), chat.Ref{ID: "p"}); errs.KindOf(err) != errs.NotFound {
				t.Errorf("the placeholder of the parent: %v", err)
			}
			put(t, db, chat.Step{ID: "p", ThreadID: "other", Name: "elsewhere"})
			if err := db.Chat().DeleteThread(t.Context(), "other", now); err != nil {
				t.Fatal(err)
			}
			if got, err := db.Chat().Step(t.Context(), chat.Ref{ID: "s"}); err != nil || got.ParentID != "p" {
				t.Errorf("the step went along with a parent in another thread: %+v, %v", got, err)
			}
			long := strings.Repeat("é", 300)
			if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t", Name: &long}, now); err != nil {
				t.Fatal(err)
			}
			if n := ask[int](t, url, `SELECT char_length(name) FROM "Thread" WHERE id = 't'`); n != 300 {
				t.Errorf("a name of 300 letters has %d", n)
			}
			updated := ask[string](t, url, `SELECT "updatedAt"::text FROM "Thread" WHERE id = 't'`)
			if want := map[bool]string{false: "2026-01-02 03:04:05.678", true: "2026-01-02 03:04:05.999"}[mended]; updated != want {
				t.Errorf("the official layer lists by %s, want %s", updated, want)
			}
		})
	}
}

// Steps that each come before the other's row may wait for each other's
// placeholders.
func TestPlaceholdersAtOnce(t *testing.T) {
	db, url := official(t)
	var wg sync.WaitGroup
	for i := range 60 {
		for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
			wg.Go(func() {
				s := chat.Step{ID: fmt.Sprintf("%s%d", pair[0], i), ThreadID: "t", ParentID: fmt.Sprintf("%s%d", pair[1], i), Name: "n"}
				if err := db.Chat().ApplyStep(context.Background(), s, now); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := ask[int](t, url, `SELECT count(*)::int FROM "Step" WHERE "name" = 'n' AND "parentId" IS NOT NULL`); n != 180 {
		t.Errorf("%d steps with parents, want 180", n)
	}
}

// Two transactions that wait for each other's steps, which are in two threads
// since writers of one take turns, are broken up by the server, and the one that
// lost runs again.
func TestPlaceholdersInTransactions(t *testing.T) {
	db, url := official(t)
	put(t, db, chat.Step{ID: "first", ThreadID: "t", Name: "n"})
	var both, wg sync.WaitGroup
	both.Add(2)
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
		var met sync.Once
		wg.Go(func() {
			err := db.Update(context.Background(), func(ctx context.Context, tx store.Tx) error {
				if err := tx.Chat().ApplyStep(ctx, chat.Step{ID: pair[0], ThreadID: "t" + pair[0], Name: "n"}, now); err != nil {
					return err
				}
				met.Do(func() { both.Done(); both.Wait() })
				return tx.Chat().ApplyStep(ctx, chat.Step{ID: "under " + pair[1], ThreadID: "t" + pair[0], ParentID: pair[1], Name: "n"}, now)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := ask[int](t, url, `SELECT count(*)::int FROM "Step" WHERE "name" = 'n'`); n != 5 {
		t.Errorf("%d steps, want 5", n)
	}
}
