package pgtest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varvedb/varve/internal/pgtest"
)

func TestEachDatabaseIsItsOwn(t *testing.T) {
	a, b := pgtest.New(t), pgtest.New(t)
	pgtest.Exec(t, a, `create table only_here (id int)`)
	if got := ask(t, b, `select to_regclass('only_here') is null`); got != true {
		t.Errorf("a table of one database shows in another: %v", got)
	}
	if got := ask(t, a, `show fsync`); got != "off" {
		t.Errorf("fsync = %v, want off", got)
	}
}

func TestDurableWaitsForTheDisk(t *testing.T) {
	url := pgtest.NewDurable(t)
	if got := ask(t, url, `select current_setting('fsync') || current_setting('synchronous_commit')`); got != "onon" {
		t.Errorf("fsync and synchronous_commit = %v, want on and on", got)
	}
}

// Transaction pooling is what breaks session state; the test shows that the
// bouncer really is in that mode.
func TestBouncerPoolsTransactions(t *testing.T) {
	url := pgtest.Bouncer(t, pgtest.New(t))
	conf, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	conf.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	conf.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var mu sync.Mutex
	var wg sync.WaitGroup
	backends := map[int]bool{}
	for range 16 {
		wg.Go(func() {
			for range 20 {
				var pid int
				if err := pool.QueryRow(context.Background(), `select pg_backend_pid() where $1::int > 0`, 1).Scan(&pid); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				backends[pid] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(backends) == 0 || len(backends) > 4 {
		t.Errorf("16 clients were served by %d server connections, want 1 to 4", len(backends))
	}
}

func ask(t *testing.T, url, sql string) (answer any) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := c.QueryRow(ctx, sql).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}
