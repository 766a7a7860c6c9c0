// Package pgtest gives a test a PostgreSQL of its own.
//
//	url := pgtest.New(t)            // a fresh, empty database
//	via := pgtest.Bouncer(t, url)   // the same one through PgBouncer
//
// One throwaway server runs per test process. It is made by the initdb of the
// machine, listens on a free port of 127.0.0.1, forgets everything when the
// process ends, however it ends, and never runs as root. A missing program
// fails the test and names the remedy: a suite that skips quietly proves
// nothing.
package pgtest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Role is the superuser of the throwaway servers. It has no password: they
// answer on the loopback only.
const Role = "varve"

var databases atomic.Int64

// New is the URL of a fresh, empty database (UTF-8, locale C.UTF-8), dropped
// when the test ends. The server does not wait for the disk.
func New(t testing.TB) string {
	t.Helper()
	return create(t, fast.start(t))
}

// NewDurable is New on a server with PostgreSQL's default durability (fsync and
// synchronous_commit on), for benchmarks that name their floor.
func NewDurable(t testing.TB) string {
	t.Helper()
	return create(t, durable.start(t))
}

// Exec runs SQL on a database, several statements at once if they take no
// arguments, and fails the test when it fails.
func Exec(t testing.TB, url, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql, args...); err != nil {
		t.Fatalf("exec: %v\n%s", err, sql)
	}
}

func create(t testing.TB, s *server) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%s", databases.Add(1), plain(t.Name()))
	Exec(t, s.url("postgres"), fmt.Sprintf("create database %s template template0 strategy file_copy", name))
	t.Cleanup(func() {
		Exec(t, s.url("postgres"), fmt.Sprintf("drop database if exists %s with (force)", name))
	})
	return s.url(name)
}

// plain makes a name that needs no quoting and fits PostgreSQL's 63 bytes.
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
