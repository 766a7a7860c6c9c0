package mysql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
)

// Ids that one of the servers' collations takes for another are different ones,
// and those at the limit fit every index.
func TestIdsAreExact(t *testing.T) {
	db, w := open(t, mytest.New(t)).Chat(), chat.Write{Now: time.Now()}
	long := strings.Repeat("x", chat.MaxID-1)
	ids := []string{"a", "A", "á", "a ", "a  ", "a\t", " a", "ß", "ss", "🧑‍🚀", "🧑‍🚁", "\U0010FFFF", "0", "00", "1e3", "'; DROP TABLE users; --", `\`, `"`, "%", "_",
		long + "1", long + "2", strings.Repeat("🧑", chat.MaxID/4)}
	ctx := t.Context()
	for i, id := range ids {
		u, err := db.PutUser(ctx, chat.User{ID: id, Identifier: id, CreatedAt: "x"}, w)
		if err != nil || u.ID != id {
			t.Fatalf("%q: %+v, %v", id, u, err)
		}
		if err := db.ApplyThread(ctx, chat.ThreadPatch{ID: id, UserID: id, Name: chat.Ptr(fmt.Sprint(i))}, w); err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		if err := db.ApplyStep(ctx, chat.Step{ID: id, ThreadID: id, ParentID: id, Output: fmt.Sprint(i)}, w); err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		if err := db.ApplyElement(ctx, chat.Element{ID: id, ThreadID: id, ForID: id, Name: fmt.Sprint(i), ObjectKey: id}, w); err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		if _, err := db.ApplyFeedback(ctx, chat.Feedback{ID: id, ForID: id, Value: 1}, w); err != nil {
			t.Fatalf("%q: %v", id, err)
		}
	}
	for i, id := range ids {
		got, err := db.Thread(ctx, id)
		if err != nil || got.ID != id || got.Name != fmt.Sprint(i) || got.UserIdentifier != id || len(got.Steps) != 1 || len(got.Elements) != 1 ||
			got.Steps[0].Feedback == nil || got.Steps[0].Feedback.ID != id || got.Elements[0].ObjectKey != id {
			t.Errorf("%q: %+v, %v", id, got, err)
		}
		listed, err := db.Threads(ctx, chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: id}, Limit: 10})
		if err != nil || len(listed) != 1 || listed[0].ID != id {
			t.Errorf("%q: listed %d, %v", id, len(listed), err)
		}
	}
	users, err := db.Users(ctx, "", 1000)
	if err != nil || len(users) != len(ids) || !slices.IsSortedFunc(users, func(a, b chat.User) int { return strings.Compare(a.Identifier, b.Identifier) }) {
		t.Errorf("%d users, in the order of bytes: %v", len(users), err)
	}
	for _, id := range ids[:4] { // the bytes of one are not those of the other
		if err := db.DeleteElement(ctx, chat.Ref{ID: id}, w); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := db.Orphans(ctx, time.Now(), 10); err != nil || !slices.Equal(keys, ids[:4]) {
		t.Errorf("orphans are %q, %v", keys, err)
	}
	if err := thread(ctx, db, long+"12"); errs.KindOf(err) != errs.Invalid {
		t.Errorf("an id over the limit: %v", err)
	}
	if _, err := db.Head(ctx, long+"12"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("reading an id over the limit: %v", err)
	}
}

// What a packet cannot hold is said so, and the call before and after it work,
// alone and inside an Update.
func TestWhatIsLargerThanAPacketIsTooLarge(t *testing.T) {
	db := open(t, mytest.New(t))
	put := func(ctx context.Context, c chat.Store, id, text string) error {
		return c.ApplyStep(ctx, chat.Step{ID: id, ThreadID: "t", Output: text}, chat.Write{Now: time.Now()})
	}
	most := strings.Repeat("a'\n\\b", 2<<20) // 10 MiB, 16 with escapes
	if err := put(t.Context(), db.Chat(), "fits", most[:8<<20]); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), db.Chat(), "no", most); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("%v", err)
	}
	err := db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if err := put(ctx, tx.Chat(), "no", most); errs.KindOf(err) != errs.TooLarge {
			t.Errorf("inside: %v", err)
		}
		return put(ctx, tx.Chat(), "after", "x")
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Chat().Thread(t.Context(), "t")
	if err != nil || len(got.Steps) != 2 || got.Steps[0].Output != most[:8<<20] {
		t.Errorf("%d steps, %v", len(got.Steps), err)
	}
}

// An Update that fails after a call too large to be sent leaves nothing: the
// transaction had not begun by then.
func TestAnUpdateBeginsWithWhatIsSent(t *testing.T) {
	db := open(t, mytest.New(t))
	db.Chat().Features() // makes the tables, which a transaction would begin anew for
	refused := fmt.Errorf("refused")
	err := db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		_ = tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: "big", Name: chat.Ptr(strings.Repeat("x", 17<<20))}, chat.Write{Now: time.Now()})
		if err := thread(ctx, tx.Chat(), "t"); err != nil {
			t.Error(err)
		}
		return refused
	})
	if err != refused {
		t.Fatal(err)
	}
	if _, err := db.Chat().Head(t.Context(), "t"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("%v", err)
	}
}

func TestNumbersStayAsTheyWereWritten(t *testing.T) {
	db, w := open(t, mytest.New(t)).Chat(), chat.Write{Now: time.Now()}
	raw := json.RawMessage(`{"f": 1.50, "e": 1e308, "i": 123456789012345678901234567890, "z": -0.0}`)
	var meta chat.Object
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode((*map[string]any)(&meta)); err != nil {
		t.Fatal(err)
	}
	if err := db.ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Metadata: meta, Generation: raw}, w); err != nil {
		t.Fatal(err)
	}
	got, err := db.Step(t.Context(), chat.Ref{ID: "s"})
	if err != nil || fmt.Sprint(got.Metadata) != fmt.Sprint(meta) || string(got.Generation) != string(raw) {
		t.Errorf("%v %s, %v", got.Metadata, got.Generation, err)
	}
}
