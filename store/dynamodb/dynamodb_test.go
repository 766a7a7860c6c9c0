package dynamodb_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/dynamotest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dynamodb"
	"github.com/varvedb/varve/store/memory"
)

// made is a table that the doctor made.
func made(t testing.TB) *dynamodb.Store {
	t.Helper()
	return open(t, table(t), dynamodb.Options{})
}

// own is a table to which nobody else writes.
func own(t testing.TB) *dynamodb.Store {
	t.Helper()
	return open(t, doctored(t, dynamotest.Missing(t)+"&shared=false"), dynamodb.Options{})
}

func table(t testing.TB) string {
	t.Helper()
	return doctored(t, dynamotest.Missing(t))
}

func doctored(t testing.TB, url string) string {
	t.Helper()
	if err := open(t, url, dynamodb.Options{Examine: true}).Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	return url
}

func open(t testing.TB, url string, o dynamodb.Options) *dynamodb.Store {
	t.Helper()
	db, err := dynamodb.Open(context.Background(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

var features = chat.Features{AnyID: true, Tombstones: true, FastList: true, UnknownKeys: true, NeedsThread: true, Orphans: true}

func TestChat(t *testing.T) {
	if got := made(t).Chat().Features(); got != features {
		t.Errorf("features = %+v\nwant %+v", got, features)
	}
	chattest.Run(t, features, func(t *testing.T) chat.API { return chattest.Service(t, made(t).Chat()) })
}

func TestChatByTheIndex(t *testing.T) {
	chattest.Run(t, features, func(t *testing.T) chat.API { return chattest.Service(t, own(t).Chat()) })
}

func TestStore(t *testing.T) {
	chattest.RunStore(t, func(t *testing.T) store.Store { return made(t) })
}

// identified is the store in memory with users whose id is their identifier,
// as Chainlit's table has them.
type identified struct{ *memory.Store }

func (i identified) Chat() chat.Store { return users{i.Store.Chat()} }

type users struct{ chat.Store }

func (u users) PutUser(ctx context.Context, user chat.User, w chat.Write) (chat.User, error) {
	user.ID = user.Identifier
	return u.Store.PutUser(ctx, user, w)
}

func TestHistories(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	reference := func(*testing.T) store.Store { return identified{memory.Open()} }
	t.Run("shared", func(t *testing.T) {
		chattest.Histories(t, seeds, 150, reference, func(t *testing.T) store.Store { return made(t) })
	})
	t.Run("own", func(t *testing.T) {
		chattest.Histories(t, seeds, 150, reference, func(t *testing.T) store.Store { return own(t) })
	})
}

func TestAMissingTableNamesTheRemedy(t *testing.T) {
	url := dynamotest.Missing(t)
	_, err := dynamodb.Open(t.Context(), url, dynamodb.Options{})
	if !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "varve doctor --apply") {
		t.Errorf("%v", err)
	}
	db := open(t, url, dynamodb.Options{Examine: true})
	found, err := db.Examine(t.Context())
	if err != nil || len(found.Findings) != 1 || !strings.Contains(found.Findings[0].SQL[0], "AWS::DynamoDB::Table") {
		t.Fatalf("%+v, %v", found, err)
	}
	if _, err := dynamodb.Open(t.Context(), url, dynamodb.Options{}); err == nil {
		t.Error("looking made the table")
	}
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err = db.Examine(t.Context()); err != nil || len(found.Findings) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
