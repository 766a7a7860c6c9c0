package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
)

// A server that only reads is not ready, and says why; a user who is only here
// to read is.
func TestPingTellsOfAServerThatOnlyReads(t *testing.T) {
	url := mytest.New(t)
	admin := connect(t, url)
	as := func(name, rights string) string {
		t.Helper()
		exec(t, admin, fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY 'pw'; GRANT %s ON %s.* TO %[1]s@'%%'", name, rights, url[strings.LastIndex(url, "/")+1:]))
		t.Cleanup(func() { exec(t, admin, "DROP USER "+name) })
		return strings.Replace(url, mytest.Role+"@", name+":pw@", 1)
	}
	if err := open(t, url).Ping(t.Context()); err != nil {
		t.Errorf("an empty database: %v", err)
	}
	if err := thread(t.Context(), open(t, url).Chat(), "t"); err != nil {
		t.Fatal(err)
	}
	writer, reader := open(t, as("ping_writes", "SELECT, INSERT, UPDATE, DELETE")), open(t, as("ping_reads", "SELECT"))
	if err := writer.Ping(t.Context()); err != nil {
		t.Errorf("a writer: %v", err)
	}
	if err := reader.Ping(t.Context()); err != nil {
		t.Errorf("a reader: %v", err)
	}
	exec(t, admin, "SET GLOBAL read_only=1")
	defer exec(t, admin, "SET GLOBAL read_only=0")
	if err := writer.Ping(t.Context()); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("the server only reads: %v", err)
	}
}

// When the disk refused a write, the database is not ready until it takes one
// again.
func TestPingTellsOfADiskThatIsFull(t *testing.T) {
	url := mytest.New(t)
	db, admin := open(t, url), connect(t, url)
	if err := thread(t.Context(), db.Chat(), "t"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"threads", "varve_meta"} { // what the server says when a file cannot grow
		exec(t, admin, "CREATE TRIGGER full_"+table+" BEFORE INSERT ON "+table+" FOR EACH ROW SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO=1114")
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("before any write: %v", err)
	}
	if err := thread(t.Context(), db.Chat(), "u"); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "nothing was written: the disk") {
		t.Errorf("a write: %v", err)
	}
	for range 2 {
		if err := db.Ping(t.Context()); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "free some space") {
			t.Errorf("after it: %v", err)
		}
	}
	exec(t, admin, "DROP TRIGGER full_threads; DROP TRIGGER full_varve_meta")
	for range 2 {
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
	}
}
