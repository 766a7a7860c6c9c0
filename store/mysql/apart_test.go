package mysql_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/store/mysql"
)

// The tables of conversations are made when conversations are used, and not by
// any other room; those find their own again.
func TestOtherRoomsMakeNoTablesOfConversations(t *testing.T) {
	for name, use := range map[string]func(ctx context.Context, db *mysql.Store) error{
		"artifacts": func(ctx context.Context, db *mysql.Store) error {
			_, err := db.Artifacts().Entries(ctx, "", 1)
			return err
		},
		"questions": func(ctx context.Context, db *mysql.Store) error { return querytest.Silent(ctx, db) },
		"secrets":   func(ctx context.Context, db *mysql.Store) error { _, err := db.Secret(ctx, "cursors"); return err },
		"changes":   func(ctx context.Context, db *mysql.Store) error { _, err := db.Changes(ctx, 0, 1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			url := mytest.New(t)
			db := open(t, url)
			for range 2 {
				if err := use(t.Context(), db); err != nil {
					t.Fatal(err)
				}
				db = open(t, url) // as the next process finds it
			}
			talks := func() (n int) {
				t.Helper()
				err := connect(t, url).QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.tables WHERE table_schema=database()
AND table_name IN ('users','threads','steps','elements','feedbacks')`).Scan(&n)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			if n := talks(); n != 0 {
				t.Errorf("it made %d", n)
			}
			secret, err := db.Secret(t.Context(), "links")
			if err != nil {
				t.Fatal(err)
			}
			if err := thread(t.Context(), db.Chat(), "t"); err != nil {
				t.Error(err)
			}
			if n := talks(); n != 5 {
				t.Errorf("conversations made %d", n)
			}
			if err := use(t.Context(), open(t, url)); err != nil {
				t.Error(err)
			}
			if same, err := open(t, url).Secret(t.Context(), "links"); err != nil || !slices.Equal(same, secret) {
				t.Errorf("the secret is another: %v", err)
			}
			if found, err := open(t, url).Examine(t.Context()); err != nil || len(found.Findings) != 0 {
				t.Errorf("the doctor says %+v, %v", found, err)
			}
		})
	}
}

// Processes that begin with different rooms at once make one database.
func TestRoomsThatBeginAtOnce(t *testing.T) {
	url := mytest.New(t)
	var stores []*mysql.Store
	for range 6 {
		stores = append(stores, open(t, url))
	}
	var wg sync.WaitGroup
	for i, db := range stores {
		wg.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				_, err = db.Artifacts().Entries(t.Context(), "", 1)
			case 1:
				err = thread(t.Context(), db.Chat(), "t")
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
