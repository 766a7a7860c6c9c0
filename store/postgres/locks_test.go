package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
)

const (
	aThread = "11111111-1111-4111-8111-111111111111"
	aThing  = "22222222-2222-4222-8222-222222222222"
	aUser   = "33333333-3333-4333-8333-333333333333"
)

// long is a time before any thread's, so that nothing raises the thread's last
// activity, which would hold the thread too.
const long = "2001-01-01T00:00:00.000000Z"

// busy tells whether a statement would have to wait for somebody's lock.
func busy(t *testing.T, c *pgx.Conn, sql string) bool {
	t.Helper()
	_, err := c.Exec(t.Context(), sql+" NOWAIT")
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55P03" {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	return false
}

// blocked waits until somebody waits for a lock.
func blocked(t *testing.T, c *pgx.Conn) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		if err := c.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}

// A write to a thread is held against whoever changes the thread's row: with a
// lock that lets them in the server would forget the lock while it moves the
// row, and a deletion would not wait for the write.
func TestAWriteHoldsItsThreadAgainstOthersWhoChangeIt(t *testing.T) {
	keyless := `ALTER TABLE steps DROP CONSTRAINT IF EXISTS "steps_threadId_fkey"`
	for name, url := range map[string]string{"own": pgtest.New(t), "foreign": fixture(t, "documented", keyless), "official": fixture(t, "official")} {
		threads := "threads"
		if name == "official" {
			threads = `"Thread"`
		}
		db, w := open(t, url), chat.Write{Now: time.Now()}
		if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: aThread}, w); err != nil {
			t.Fatal(err)
		}
		c := connect(t, url)
		for what, write := range map[string]func(context.Context, chat.Store) error{
			"a step": func(ctx context.Context, s chat.Store) error {
				return s.ApplyStep(ctx, chat.Step{ID: aThing, ThreadID: aThread, CreatedAt: long}, w)
			},
			"an element": func(ctx context.Context, s chat.Store) error {
				return s.ApplyElement(ctx, chat.Element{ID: aThing, ThreadID: aThread, Name: "n"}, w)
			},
			"feedback": func(ctx context.Context, s chat.Store) error {
				_, err := s.ApplyFeedback(ctx, chat.Feedback{ID: aThing, ForID: aThing, ThreadID: aThread}, w)
				return err
			},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				err := db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
					if err := write(ctx, tx.Chat()); err != nil {
						return err
					}
					if !busy(t, c, `SELECT FROM `+threads+` WHERE "id"='`+aThread+`' FOR NO KEY UPDATE`) {
						t.Error("the thread can be changed under the write")
					}
					return errors.New("that is all")
				})
				if err == nil || err.Error() != "that is all" {
					t.Error(err)
				}
			})
		}
	}
}

// Nobody is erased while they are given a thread, on tables without keys too.
func TestAUserWhoIsGivenAThreadIsHeld(t *testing.T) {
	url := fixture(t, "documented", `ALTER TABLE threads DROP CONSTRAINT IF EXISTS "threads_userId_fkey"`)
	db, c, w := open(t, url), connect(t, url), chat.Write{Now: time.Now()}
	u, err := db.Chat().PutUser(t.Context(), chat.User{ID: aUser, Identifier: "ada", CreatedAt: long}, w)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if err := tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: aThread, UserID: u.ID}, w); err != nil {
			return err
		}
		if !busy(t, c, `SELECT FROM users FOR NO KEY UPDATE`) {
			t.Error("the user can be erased before the thread is theirs")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A thread that another program deletes and makes again while a deletion waits
// for it is another thread, whose writers were not waited for.
func TestADeletionTakesWhatItWaitedForAndNothingElse(t *testing.T) {
	url := pgtest.New(t)
	db, other, watch := open(t, url), connect(t, url), connect(t, url)
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: aThread}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := `DELETE FROM threads; DELETE FROM varve_tombstone; INSERT INTO threads ("id") VALUES ('` + aThread + `')`
	if _, err := tx.Exec(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() { failed <- db.Chat().DeleteThread(t.Context(), aThread, chat.Write{Now: time.Now()}) }()
	blocked(t, watch)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; errs.KindOf(err) != errs.NotFound {
		t.Errorf("the deletion says %v", err)
	}
	if _, err := db.Chat().Thread(t.Context(), aThread); err != nil {
		t.Errorf("the new thread: %v", err)
	}
}

// A write that began to look before a thread was made and deleted again does not
// make it anew.
func TestAWriteFromBeforeAThreadDoesNotBringItBack(t *testing.T) {
	url := pgtest.New(t)
	db, watch := open(t, url), connect(t, url)
	db.Chat().Features() // makes the tables
	late := make(chan error, 1)
	begun := false
	err := db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if err := tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: aThread}, chat.Write{Now: time.Now()}); err != nil {
			return err
		}
		if !begun { // a second run lost a deadlock against the write
			begun = true
			go func() {
				late <- db.Chat().ApplyStep(t.Context(), chat.Step{ID: aThing, ThreadID: aThread}, chat.Write{Now: time.Now()})
			}()
			blocked(t, watch)
		}
		return tx.Chat().DeleteThread(ctx, aThread, chat.Write{Now: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-late; err != nil && errs.KindOf(err) != errs.Gone {
		t.Errorf("the late write: %v", err)
	}
	if _, err := db.Chat().Thread(t.Context(), aThread); errs.KindOf(err) != errs.NotFound {
		t.Errorf("the thread is back: %v", err)
	}
	if _, err := db.Chat().Step(t.Context(), chat.Ref{ID: aThing}); errs.KindOf(err) != errs.NotFound {
		t.Errorf("a step stayed: %v", err)
	}
}

// A deletion that the server gives up for another's sake runs again.
func TestADeletionThatLosesADeadlockRunsAgain(t *testing.T) {
	url := pgtest.New(t)
	db, other, watch := open(t, url), connect(t, url), connect(t, url)
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: aThread}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM threads FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() { failed <- db.Chat().DeleteThread(t.Context(), aThread, chat.Write{Now: time.Now()}) }()
	blocked(t, watch)
	// Who of the two loses is the server's choice.
	_, _ = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('varve.thread.`+aThread+`',0))`)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}
