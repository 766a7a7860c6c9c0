package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/store/postgres"
)

// notes is a versioned table, declared and written to: the first use of one.
func notes(ctx context.Context, db *postgres.Store) error {
	_, err := db.State().Declare(ctx, todos)
	return err
}

// talks are the tables of conversations that are there.
func talks(t *testing.T, url string) (names []string) {
	t.Helper()
	rows, err := connect(t, url).Query(t.Context(), `SELECT tablename::text FROM pg_tables WHERE schemaname='public'
AND tablename IN ('users','threads','steps','elements','feedbacks','User','Thread','Step','Element','Feedback')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// The tables of conversations are made when conversations are used, and not by
// any other room; those find their own again.
func TestOtherRoomsMakeNoTablesOfConversations(t *testing.T) {
	for name, use := range map[string]func(ctx context.Context, db *postgres.Store) error{
		"versioned tables": notes,
		"artifacts": func(ctx context.Context, db *postgres.Store) error {
			_, err := db.Artifacts().Entries(ctx, "", 1)
			return err
		},
		"questions": func(ctx context.Context, db *postgres.Store) error { return querytest.Silent(ctx, db) },
		"secrets":   func(ctx context.Context, db *postgres.Store) error { _, err := db.Secret(ctx, "cursors"); return err },
		"changes":   func(ctx context.Context, db *postgres.Store) error { _, err := db.Changes(ctx, 0, 1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.New(t)
			db := open(t, url)
			for range 2 {
				if err := use(t.Context(), db); err != nil {
					t.Fatal(err)
				}
				db = open(t, url) // as the next process finds it
			}
			if made := talks(t, url); len(made) != 0 {
				t.Errorf("it made %q", made)
			}
			secret, err := db.Secret(t.Context(), "links")
			if err != nil {
				t.Fatal(err)
			}
			if got := db.Chat().Features(); got != full {
				t.Errorf("conversations beside it: %+v", got)
			}
			if made := talks(t, url); len(made) != 5 {
				t.Errorf("conversations made %q", made)
			}
			if err := use(t.Context(), open(t, url)); err != nil {
				t.Error(err)
			}
			if same, err := open(t, url).Secret(t.Context(), "links"); err != nil || !slices.Equal(same, secret) {
				t.Errorf("the secret is another: %v", err)
			}
			if found, err := open(t, url).Examine(t.Context()); err != nil || found.Schema != "varve" || len(found.Findings) != 0 {
				t.Errorf("the doctor says %+v, %v", found, err)
			}
		})
	}
}

// Processes that begin with different rooms at once make one database.
func TestRoomsThatBeginAtOnce(t *testing.T) {
	url := pgtest.New(t)
	var stores []*postgres.Store
	for range 6 {
		stores = append(stores, open(t, url))
	}
	var wg sync.WaitGroup
	for i, db := range stores {
		wg.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				err = notes(t.Context(), db)
			case 1:
				err = db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, chat.Write{Now: time.Now()})
			case 2:
				_, err = db.Secret(t.Context(), "cursors")
			}
			if err != nil {
				t.Error(i, err)
			}
		})
	}
	wg.Wait()
	for i, db := range stores {
		if _, err := db.Chat().Thread(t.Context(), "t"); err != nil {
			t.Error(i, err)
		}
	}
}

// A database from the time when migrations were one sequence is found as it is.
func TestADatabaseOfOneSequence(t *testing.T) {
	url := pgtest.New(t)
	pgtest.Exec(t, url, fixtureSQL(t, "one_sequence"))
	before := shape(t, url)
	db := open(t, url)
	if _, err := db.Secret(t.Context(), "cursors"); err != nil {
		t.Error(err)
	}
	if after := shape(t, url); after != before {
		t.Errorf("opening it changed it to\n%s", after)
	}
	if err := notes(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	thread, err := db.Chat().Thread(t.Context(), "t")
	if err != nil || thread.Name != "old" || thread.UserIdentifier != "ada" || len(thread.Steps) != 1 {
		t.Errorf("%+v, %v", thread, err)
	}
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "new", UserID: aUser}, chat.Write{Now: time.Now()}); err != nil {
		t.Error(err)
	}
	if events, err := db.Changes(t.Context(), 0, 100); err != nil || len(events) < 3 {
		t.Errorf("%v, %v", events, err)
	}
}
