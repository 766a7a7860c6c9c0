package mysql_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/mysql"
)

func TestErrorsOfOpenHaveAKindAndNoPassword(t *testing.T) {
	good, err := url.Parse(mytest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cr3t"
	with := func(edit func(u *url.URL)) string {
		u := *good
		u.User = url.UserPassword("nobody_here", secret)
		edit(&u)
		return u.String()
	}
	for name, c := range map[string]struct {
		url  string
		kind errs.Kind
	}{
		"no server":       {with(func(u *url.URL) { u.Host = freeAddress(t) }), errs.Unavailable},
		"no such user":    {with(func(*url.URL) {}), errs.Unavailable},
		"no such base":    {with(func(u *url.URL) { u.Path, u.User = "/nowhere", url.User(mytest.Role) }), errs.Unavailable},
		"no base at all":  {with(func(u *url.URL) { u.Path = "" }), errs.Invalid},
		"not MySQL":       {with(func(u *url.URL) { u.Scheme = "postgres" }), errs.Invalid},
		"a bad port":      {"mysql://u:" + secret + "@h:port/db", errs.Invalid},
		"a bad setting":   {with(func(u *url.URL) { u.RawQuery = "tls=perhaps" }), errs.Invalid},
		"unknown setting": {with(func(u *url.URL) { u.RawQuery = "multiStatements=true" }), errs.Invalid},
		"a bad escape":    {"mysql://u:" + secret + "%zz@h/db", errs.Invalid},
		"no such file":    {with(func(u *url.URL) { u.RawQuery = "ssl_ca=/nowhere" }), errs.Invalid},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			_, err := mysql.Open(t.Context(), c.url, mysql.Options{})
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
	plain := mytest.New(t)
	for _, scheme := range []string{"mysql://", "mariadb://", "mysql+aiomysql://", "mariadb+asyncmy://"} {
		db := open(t, strings.Replace(plain, "mysql://", scheme, 1)+"?charset=utf8mb4&max_conns=2&timeout=3s")
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

// A table of the user's own that is called like one of Chainlit's is an error
// where conversations are used, one that is called like Varve's own is one
// everywhere, and the doctor says both. Nothing of either is changed.
func TestATableThatClashes(t *testing.T) {
	for name, made := range map[string]string{
		"users":      "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, email TEXT)",
		"varve_meta": "CREATE TABLE varve_meta (id INT PRIMARY KEY)",
	} {
		t.Run(name, func(t *testing.T) {
			url := mytest.New(t)
			mytest.Exec(t, url, made)
			db := open(t, url)
			if err := thread(t.Context(), db.Chat(), "t"); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), name) {
				t.Errorf("writing beside %s: %v", name, err)
			}
			if got := db.Chat().Features(); got != (chat.Features{}) {
				t.Errorf("%+v", got)
			}
			if _, err := db.Examine(t.Context()); errs.KindOf(err) != errs.Invalid {
				t.Errorf("the doctor says %v", err)
			}
			_, err := db.Secret(t.Context(), "cursors")
			if clash := name != "users"; (errs.KindOf(err) == errs.Invalid) != clash {
				t.Errorf("a secret: %v", err)
			}
		})
	}
}

// Opening makes nothing; the first use of conversations does, once, however
// many begin at the same time.
func TestTablesAreMadeAtFirstUse(t *testing.T) {
	url := mytest.New(t)
	stores := []*mysql.Store{open(t, url), open(t, url), open(t, url)}
	var tables int
	if err := connect(t, url).QueryRow(`SELECT count(*) FROM information_schema.tables WHERE table_schema=database()`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("opening made %d tables, %v", tables, err)
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

// DDL is not undone: what a process began and did not end, the next one ends.
func TestAMigrationThatWasInterruptedGoesOn(t *testing.T) {
	url := mytest.New(t)
	db := open(t, url)
	if err := thread(t.Context(), db.Chat(), "t"); err != nil {
		t.Fatal(err)
	}
	mytest.Exec(t, url, "DELETE FROM varve_migration WHERE version>=2; DROP TABLE feedbacks; DROP TABLE elements")
	again := open(t, url)
	if _, err := again.Chat().Thread(t.Context(), "t"); err != nil {
		t.Error(err)
	}
}

func TestTheDoctorFindsAnIndexThatWasTakenAway(t *testing.T) {
	url := mytest.New(t)
	db := open(t, url)
	d, err := db.Examine(t.Context())
	if err != nil || len(d.Findings) != 0 {
		t.Fatalf("an empty database: %+v, %v", d, err)
	}
	db.Chat().Features()
	mytest.Exec(t, url, "ALTER TABLE threads DROP KEY varve_threads_user; ALTER TABLE feedbacks DROP KEY varve_feedbacks_for")
	d, err = db.Examine(t.Context())
	if err != nil || len(d.Findings) != 2 || !strings.Contains(d.Findings[0].What, "varve_threads_user") {
		t.Fatalf("%+v, %v", d, err)
	}
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err = db.Examine(t.Context()); err != nil || len(d.Findings) != 0 {
		t.Fatalf("mended: %+v, %v", d, err)
	}
	if err := db.Remove(t.Context()); errs.KindOf(err) != errs.Unsupported {
		t.Errorf("removing Varve from its own database: %v", err)
	}
}

func TestASecretIsOneForAllProcesses(t *testing.T) {
	url := mytest.New(t)
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
}

// The server drops the connections in the pool: a call fails as unavailable or
// works on a new one, and the next works.
func TestALostConnectionIsReplaced(t *testing.T) {
	url := mytest.New(t)
	db, beside := open(t, url), connect(t, url)
	if err := thread(t.Context(), db.Chat(), "t"); err != nil {
		t.Fatal(err)
	}
	rows, err := beside.Query(`SELECT id FROM information_schema.processlist WHERE db=database() AND id<>connection_id()`)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if rows.Err() != nil || len(ids) == 0 {
		t.Fatal(ids, rows.Err())
	}
	for _, id := range ids {
		exec(t, beside, "KILL ?", id)
	}
	for range len(ids) + 1 {
		if _, err = db.Chat().Head(t.Context(), "t"); err == nil {
			return
		} else if errs.KindOf(err) != errs.Unavailable {
			t.Fatal(err)
		}
	}
	t.Error("no connection was replaced", err)
}

// A connection that is lost inside an Update loses the Update: nothing of it is
// there, whatever its function made of the error.
func TestAConnectionLostInsideAnUpdateLosesIt(t *testing.T) {
	url := mytest.New(t)
	db, beside := open(t, url), connect(t, url)
	db.Chat().Features()
	err := db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if err := thread(ctx, tx.Chat(), "before"); err != nil {
			return err
		}
		var id int
		if err := beside.QueryRow(`SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id IN
		  (SELECT id FROM information_schema.processlist WHERE db=database())`).Scan(&id); err != nil {
			return err
		}
		exec(t, beside, "KILL ?", id)
		if err := thread(ctx, tx.Chat(), "after"); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("writing over a lost connection: %v", err)
		}
		return nil
	})
	if errs.KindOf(err) != errs.Unavailable {
		t.Errorf("the Update says %v", err)
	}
	for _, id := range []string{"before", "after"} {
		if _, err := db.Chat().Head(t.Context(), id); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A deadlock is nobody's fault: the one that loses runs again.
func TestAnUpdateThatLosesADeadlockRunsAgain(t *testing.T) {
	db := open(t, mytest.New(t))
	put := func(ctx context.Context, tx store.Tx, id string) error {
		return tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: id, Name: chat.Ptr("n")}, chat.Write{Now: time.Now()})
	}
	for _, id := range []string{"a", "b"} {
		if err := thread(t.Context(), db.Chat(), id); err != nil {
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
			_ = put(ctx, tx, other) // what the server gave up stays given up
			return nil
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
	for _, id := range []string{"a", "b"} {
		if got, err := db.Chat().Thread(t.Context(), id); err != nil || got.Name != "n" {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// Who waits too long for a lock is told to begin anew, and does.
func TestAnUpdateThatWaitedTooLongRunsAgain(t *testing.T) {
	url := mytest.New(t)
	db, beside := open(t, url+"?max_conns=1"), connect(t, url)
	if err := thread(t.Context(), db.Chat(), "t"); err != nil {
		t.Fatal(err)
	}
	holder, err := beside.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec("SELECT * FROM threads FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	mytest.Exec(t, url, "SET GLOBAL innodb_lock_wait_timeout=1")
	defer mytest.Exec(t, url, "SET GLOBAL innodb_lock_wait_timeout=50")
	db = open(t, url)
	runs := 0
	err = db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if runs++; runs == 2 {
			if err := holder.Rollback(); err != nil {
				t.Error(err)
			}
		}
		return tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: "t", Name: chat.Ptr("n")}, chat.Write{Now: time.Now()})
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
}
