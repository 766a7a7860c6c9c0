package postgres_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/postgres"
)

func TestErrorsOfOpenHaveAKindAndNoPassword(t *testing.T) {
	good, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cr3t"
	good.User = url.UserPassword(pgtest.Role, secret)
	with := func(edit func(u *url.URL)) string {
		u := *good
		edit(&u)
		return u.String()
	}
	for name, c := range map[string]struct {
		url  string
		kind errs.Kind
	}{
		"no server":      {with(func(u *url.URL) { u.Host = freeAddress(t) }), errs.Unavailable},
		"no database":    {with(func(u *url.URL) { u.Path = "/nowhere" }), errs.Unavailable},
		"no such user":   {with(func(u *url.URL) { u.User = url.UserPassword("nobody_here", secret) }), errs.Unavailable},
		"not PostgreSQL": {with(func(u *url.URL) { u.Scheme = "mysql" }), errs.Invalid},
		"a bad port":     {"postgres://u:" + secret + "@h:port/db", errs.Invalid},
		"a bad setting":  {with(func(u *url.URL) { u.RawQuery = "sslmode=perhaps" }), errs.Invalid},
		"a bad escape":   {"postgres://u:" + secret + "%zz@h/db", errs.Invalid},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			_, err := postgres.Open(t.Context(), c.url, postgres.Options{})
			if errs.KindOf(err) != c.kind {
				t.Errorf("kind %q of %v, want %q", errs.KindOf(err), err, c.kind)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the password stands in %v", err)
			}
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestSpellingsOfTheURL(t *testing.T) {
	plain := pgtest.New(t)
	for _, scheme := range []string{"postgres://", "postgresql://", "postgresql+asyncpg://", "postgres+psycopg://"} {
		db := open(t, strings.Replace(plain, "postgres://", scheme, 1))
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

// A table of the user's own that is called like one of Chainlit's is an error
// where conversations are used, and nowhere else; another schema is the way out.
func TestATableThatClashes(t *testing.T) {
	url := pgtest.New(t)
	pgtest.Exec(t, url, `CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT)`)
	db := open(t, url)
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, chat.Write{Now: time.Now()}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("writing beside a table of another kind: %v", err)
	}
	beside := open(t, url+"&chat_schema=talk")
	if err := beside.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := connect(t, url).QueryRow(t.Context(), `SELECT count(*) FROM talk.threads`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d threads in the schema that was asked for, %v", n, err)
	}
	if h, err := open(t, url+"&chat_schema=talk").Chat().Head(t.Context(), "t"); err != nil || h.ID != "t" {
		t.Errorf("reopened: %+v, %v", h, err)
	}
}

// Opening makes nothing; the first use of conversations does, once, however
// many begin at the same time.
func TestTablesAreMadeAtFirstUse(t *testing.T) {
	url := pgtest.New(t)
	before := shape(t, url)
	stores := []*postgres.Store{open(t, url), open(t, url), open(t, url)}
	if after := shape(t, url); after != before {
		t.Errorf("opening made\n%s", after)
	}
	failed := make(chan error)
	for _, db := range stores {
		go func() {
			_, err := db.Chat().PutUser(context.Background(), chat.User{ID: "1", Identifier: "ada", CreatedAt: "x"}, chat.Write{Now: time.Now()})
			failed <- err
		}()
	}
	for range stores {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestASecretIsOneForAllProcesses(t *testing.T) {
	url := pgtest.New(t)
	a, b := open(t, url), open(t, url)
	first, err := a.Secret(t.Context(), "cursors")
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	second, err := b.Secret(t.Context(), "cursors")
	if err != nil || string(first) != string(second) {
		t.Error("two processes have two secrets", err)
	}
	other, err := b.Secret(t.Context(), "urls")
	if err != nil || string(first) == string(other) {
		t.Error("two purposes have one secret", err)
	}
	bare := open(t, fixture(t, "documented"))
	if _, err := bare.Secret(t.Context(), "cursors"); errs.KindOf(err) != errs.Unsupported {
		t.Errorf("a secret where there is no place for it: %v", err)
	}
}

// The server goes away with a connection in the pool: the call fails as
// unavailable or works on a new one, and the next works.
func TestALostConnectionIsReplaced(t *testing.T) {
	url := pgtest.New(t)
	db := open(t, url)
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	kill := `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	if _, err := connect(t, url).Exec(t.Context(), kill); err != nil {
		t.Fatal(err)
	}
	for range 3 { // one for each connection that may lie in the pool
		if _, err := db.Chat().Head(t.Context(), "t"); err == nil {
			return
		} else if errs.KindOf(err) != errs.Unavailable {
			t.Fatal(err)
		}
	}
	t.Error("no connection was replaced")
}

// A deadlock is nobody's fault: the one that loses runs again.
func TestAnUpdateThatLosesADeadlockRunsAgain(t *testing.T) {
	db := open(t, pgtest.New(t))
	put := func(ctx context.Context, tx store.Tx, id string) error {
		return tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: id, Name: chat.Ptr("n")}, chat.Write{Now: time.Now()})
	}
	for _, id := range []string{"a", "b"} {
		if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: id}, chat.Write{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	first := map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{})}
	runs := make(chan int, 2)
	both := func(mine, other string) error {
		n := 0
		defer func() { runs <- n }()
		return db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			if err := put(ctx, tx, mine); err != nil {
				return err
			}
			if n++; n == 1 {
				close(first[mine])
			}
			<-first[other]
			return put(ctx, tx, other)
		})
	}
	failed := make(chan error, 2)
	go func() { failed <- both("a", "b") }()
	go func() { failed <- both("b", "a") }()
	for range 2 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if n := <-runs + <-runs; n < 3 {
		t.Errorf("the two ran %d times: neither lost", n)
	}
}
