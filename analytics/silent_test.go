//go:build cgo && !no_duckdb

package analytics_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/mysql"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
)

// host is a database in which somebody has tables of their own.
type host struct {
	url  string
	exec func(t testing.TB, url, sql string)
	open func(t *testing.T, url string) store.Store
}

// hosts runs a rule on each database whose tables of conversations come with
// their first use.
func hosts(t *testing.T, rule func(p *place, h host)) {
	for name, h := range map[string]func(t *testing.T) host{
		"SQLite": func(t *testing.T) host {
			return host{filepath.Join(t.TempDir(), "theirs.db"), execSQLite, func(t *testing.T, url string) store.Store {
				s, err := sqlite.Open(t.Context(), url, sqlite.Options{Relaxed: true})
				return opened(t, s, err)
			}}
		},
		"PostgreSQL": func(t *testing.T) host {
			exec := func(t testing.TB, url, sql string) { pgtest.Exec(t, url, sql) }
			return host{pgtest.New(t), exec, func(t *testing.T, url string) store.Store {
				s, err := postgres.Open(t.Context(), url, postgres.Options{})
				return opened(t, s, err)
			}}
		},
		"MariaDB": func(t *testing.T) host {
			exec := func(t testing.TB, url, sql string) { mytest.Exec(t, url, sql) }
			return host{mytest.New(t), exec, func(t *testing.T, url string) store.Store {
				s, err := mysql.Open(t.Context(), url, mysql.Options{})
				return opened(t, s, err)
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := h(t)
			h.exec(t, h.url, `CREATE TABLE products (id INTEGER PRIMARY KEY)`)
			begin(t, func(p *place) { rule(p, h) }, func() store.Store { return h.open(t, h.url) })
		})
	}
}

func opened(t *testing.T, s store.Store, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func execSQLite(t testing.TB, path, sql string) {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err == nil {
		err = errors.Join(c.Exec(sql), c.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// talks are the tables of the database that have names of conversations', as its
// own engine tells.
func talks(p *place, h host) (names []string) {
	p.Helper()
	s := h.open(p.T, h.url)
	defer s.Close()
	tables, err := s.Query().Tables(p.ctx)
	p.must(err)
	for _, t := range tables {
		if conversation(t.Name) && t.Reserved == "" {
			names = append(names, t.Name)
		}
	}
	err = chat.Peek(p.ctx, s.Chat())
	if err == nil {
		return []string{"all"}
	}
	if want := errs.NotFound; len(names) == 0 && errs.KindOf(err) != want {
		p.Errorf("%v, want %v", err, want)
	}
	return names
}

func conversation(name string) bool {
	return slices.ContainsFunc(query.ConversationTables(), func(t query.Table) bool { return t.Name == name })
}

// A question makes no tables of conversations. Those that somebody makes later
// are seen.
func TestAQuestionMakesNoTablesOfConversations(t *testing.T) {
	hosts(t, func(p *place, h host) {
		for _, table := range query.ConversationTables() {
			p.answers(`SELECT count(*) FROM `+table.Name, []any{int64(0)})
		}
		p.answers(`SELECT count(*) FROM chat.steps`, []any{int64(0)})
		if made := talks(p, h); len(made) != 0 {
			p.Fatalf("it made %v", made)
		}
		other := chat.NewService(p.again().Chat(), chat.Options{})
		_, err := other.PutUser(p.ctx, chat.User{Identifier: "ada"})
		p.must(err)
		p.answers(`SELECT identifier FROM users`, []any{"ada"})
	})
}

// Beside tables that have conversations' names and are somebody's own a question
// is answered. The names are then nobody's: to find no users where there are some
// would be wrong.
func TestAQuestionBesideTablesWithNamesOfConversations(t *testing.T) {
	hosts(t, func(p *place, h host) {
		h.exec(p, h.url, `CREATE TABLE users (id INTEGER PRIMARY KEY, shoe INTEGER)`)
		h.exec(p, h.url, `INSERT INTO users VALUES (1, 42)`)
		p.answers(`SELECT 1`, []any{int64(1)})
		p.answers(`SELECT count(*) FROM chat.users`, []any{int64(0)})
		for _, table := range []string{"users", "threads"} {
			if _, err := p.query(p.ctx, analytics.Question{SQL: `SELECT * FROM ` + table}); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), table) {
				p.Errorf("%s: %v", table, err)
			}
		}
		if there := talks(p, h); !slices.Equal(there, []string{"users"}) {
			p.Errorf("there are %v", there)
		}
		h.exec(p, h.url, `DROP TABLE users`)
		p.opt.Now = func() time.Time { return time.Now().Add(time.Minute) }
		p.open("this") // the same mirror, as another process finds it
		p.answers(`SELECT count(*) FROM users`, []any{int64(0)})
		h.exec(p, h.url, `CREATE TABLE users (id INTEGER PRIMARY KEY, shoe INTEGER)`)
		p.opt.Now = func() time.Time { return time.Now().Add(time.Hour) }
		p.open("this")
		if _, err := p.query(p.ctx, analytics.Question{SQL: `SELECT * FROM users`}); errs.KindOf(err) != errs.Invalid {
			p.Error(err)
		}
	})
}

// What the mirror has of conversations goes with their tables.
func TestConversationsThatWentWithTheirTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "varve.db")
	begin(t, func(p *place) {
		_, err := p.chat.PutUser(p.ctx, chat.User{Identifier: "ada"})
		p.must(err)
		p.answers(`SELECT identifier FROM users`, []any{"ada"})
		p.must(p.store.Close())
		for _, name := range []string{"feedbacks", "elements", "steps", "threads", "users"} {
			execSQLite(t, path, `DROP TABLE `+name)
		}
		p.store = p.again()
		p.open("this")
		p.answers(`SELECT count(*) FROM chat.users`, []any{int64(0)})
	}, func() store.Store {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Relaxed: true})
		return opened(t, s, err)
	})
}
