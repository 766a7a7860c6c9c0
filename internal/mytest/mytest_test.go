package mytest_test

import (
	"testing"

	"github.com/varvedb/varve/internal/mytest"
)

func TestEachDatabaseIsItsOwn(t *testing.T) {
	a, b := mytest.New(t), mytest.New(t)
	mytest.Exec(t, a, `CREATE TABLE only_here (id INT)`)
	if got := ask(t, b, `SELECT count(*) FROM information_schema.tables WHERE table_name='only_here' AND table_schema=database()`); got != "0" {
		t.Errorf("a table of one database shows in another: %v", got)
	}
	if got := ask(t, a, `SELECT @@innodb_flush_log_at_trx_commit`); got != "0" {
		t.Errorf("the log is flushed in mode %v, want 0", got)
	}
}

func TestDurableWaitsForTheDisk(t *testing.T) {
	if got := ask(t, mytest.NewDurable(t), `SELECT @@innodb_flush_log_at_trx_commit`); got != "1" {
		t.Errorf("the log is flushed in mode %v, want 1", got)
	}
}

func ask(t *testing.T, url, text string) (answer string) {
	t.Helper()
	db := mytest.Connect(t, url)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), text).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}
