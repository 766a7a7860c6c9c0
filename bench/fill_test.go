package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
)

// ada is the user everything belongs to.
const ada = "ada"

// answer is the 1 KB that a step says.
var answer = strings.Repeat("some words of an answer, ", 41)[:1024]

var born = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// moment is the time of the n-th thing that happened.
func moment(n int) string { return chat.FormatTime(born.Add(time.Duration(n) * time.Millisecond)) }

// threadID is the id of the n-th thread, with a prefix that floor/append.c
// knows too.
func threadID(n int) string { return fmt.Sprintf("%s%08d", threadPrefix, n) }

const threadPrefix = "7b1c6d5e-0000-4000-8000-0000"

// step is the n-th step of all, as Chainlit sends an answer.
func step(thread string, n int) chat.Step {
	no := false
	return chat.Step{ID: uuid.NewString(), ThreadID: thread, Name: "assistant", Type: "assistant_message", Output: answer,
		CreatedAt: moment(n), Start: moment(n), End: moment(n), Streaming: &no, IsError: &no, WaitForAnswer: &no, Metadata: chat.Object{}}
}

// openFile opens a new SQLite file with the default of an fsync a commit.
func openFile(b *testing.B) (db *varve.DB, path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "varve.db")
	return open(b, "sqlite:"+path), path
}

func open(b *testing.B, url string) *varve.DB {
	b.Helper()
	db, err := all.Open(b.Context(), url, &varve.Options{Data: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

// putUser makes ada, and returns her id.
func putUser(b *testing.B, db *varve.DB) string {
	b.Helper()
	u, err := db.Chat().PutUser(b.Context(), chat.User{Identifier: ada})
	if err != nil {
		b.Fatal(err)
	}
	return u.ID
}

// fill makes threads from…to of a user with some steps each, many in a
// transaction.
func fill(b *testing.B, db *varve.DB, user string, from, to, steps int) {
	b.Helper()
	const batch = 200
	for ; from < to; from += batch {
		err := db.Update(b.Context(), func(ctx context.Context, tx *varve.Tx) error {
			for t := from; t < min(from+batch, to); t++ {
				if err := fillThread(ctx, tx.Chat(), user, t, steps); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func fillThread(ctx context.Context, c *chat.Service, user string, t, steps int) error {
	patch := chat.ThreadPatch{ID: threadID(t), UserID: user, Name: chat.Ptr(fmt.Sprint("thread ", t)), Metadata: chat.Object{"topic": "numbers"}}
	if _, err := c.UpdateThread(ctx, patch); err != nil {
		return err
	}
	for n := range steps {
		if _, err := c.PutStep(ctx, step(threadID(t), t*steps+n)); err != nil {
			return err
		}
	}
	return nil
}
