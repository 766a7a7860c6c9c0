// Package mytest gives a test a MariaDB of its own.
//
//	url := mytest.New(t) // a fresh, empty database
//
// One throwaway server runs per test process. It is made by the programs of the
// machine, listens on a free port of 127.0.0.1, forgets everything when the
// process ends, however it ends, and never runs as root. A missing program
// fails the test and names the remedy.
package mytest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Role is the superuser of the throwaway servers. It has no password: they
// answer on the loopback only.
const Role = "root"

var databases atomic.Int64

// New is the URL of a fresh, empty database, dropped when the test ends. The
// server does not wait for the disk.
func New(t testing.TB) string {
	t.Helper()
	return create(t, &fast)
}

// NewDurable is New on a server with the default durability: a flush of the log
// for each commit.
func NewDurable(t testing.TB) string {
	t.Helper()
	return create(t, &durable)
}

// NewTLS is New on a server that takes encrypted connections only, and the file
// of the authority that its certificate is of.
func NewTLS(t testing.TB) (url, authority string) {
	t.Helper()
	url = create(t, &secure)
	return url, secure.authority
}

// Exec runs SQL on a database, several statements at once if they take no
// arguments, and fails the test when it fails.
func Exec(t testing.TB, url, text string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db := Connect(t, url)
	defer db.Close()
	if _, err := db.ExecContext(ctx, text, args...); err != nil {
		t.Fatalf("exec: %v\n%s", err, text)
	}
}

// Connect opens a database as another program would. The caller closes it.
func Connect(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := open(url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return db
}

func open(url string) (*sql.DB, error) { return sql.Open("mysql", dsn(url)) }

// dsn is what the driver takes for a URL that New made.
func dsn(url string) string {
	host, name, _ := strings.Cut(strings.TrimPrefix(url, "mysql://"+Role+"@"), "/")
	name, _, _ = strings.Cut(name, "?")
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = Role, "tcp", host, name
	c.TLSConfig = "preferred" // where there is encryption, without a look at certificates
	c.MultiStatements, c.InterpolateParams = true, true
	c.Logger = &mysql.NopLogger{} // a server that is still starting is no news
	return c.FormatDSN()
}

func create(t testing.TB, s *server) string {
	t.Helper()
	s.start(t)
	name := fmt.Sprintf("t%d_%s", databases.Add(1), plain(t.Name()))
	Exec(t, s.url("mysql"), "CREATE DATABASE "+name)
	t.Cleanup(func() { Exec(t, s.url("mysql"), "DROP DATABASE IF EXISTS "+name) })
	return s.url(name)
}

// plain makes a name that needs no quoting and fits the 64 characters of one.
func plain(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name)
	return s[:min(len(s), 40)]
}
