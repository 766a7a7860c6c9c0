package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
)

// A user that may read and write rows, and nothing else, serves a database that
// is made already; what it may not do is said so, and half of nothing is left.
func TestAUserWithFewRights(t *testing.T) {
	url := mytest.New(t)
	admin := connect(t, url)
	as := func(name, rights string) string {
		t.Helper()
		base := url[strings.LastIndex(url, "/")+1:]
		exec(t, admin, fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY 'pw'; GRANT %s ON %s.* TO %[1]s@'%%'", name, rights, base))
		t.Cleanup(func() { exec(t, admin, "DROP USER "+name) })
		return strings.Replace(url, mytest.Role+"@", name+":pw@", 1)
	}
	rows := as("few_rights", "SELECT, INSERT, UPDATE, DELETE")
	early := open(t, rows)
	if err := thread(t.Context(), early.Chat(), "t"); errs.KindOf(err) != errs.Unsupported {
		t.Errorf("making tables without the right to: %v", err)
	}
	if err := thread(t.Context(), open(t, url).Chat(), "t"); err != nil {
		t.Fatal(err)
	}
	if err := thread(t.Context(), early.Chat(), "u"); err != nil {
		t.Errorf("writing rows to tables that are there: %v", err)
	}
	if events := changes(t, early, 0); len(events) != 2 {
		t.Errorf("%+v", events)
	}
	reader := open(t, as("no_rights", "SELECT"))
	if _, err := reader.Chat().Thread(t.Context(), "t"); err != nil {
		t.Errorf("reading: %v", err)
	}
	if err := thread(t.Context(), reader.Chat(), "v"); errs.KindOf(err) != errs.Unsupported {
		t.Errorf("writing without the right to: %v", err)
	}
}
