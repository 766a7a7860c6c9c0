package dynamodb_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/dynamodb"
)

// set does what Chainlit's layer does to an item: it sets attributes without
// looking.
func set(t *testing.T, address string, key attributes, name, text string) {
	t.Helper()
	db, table := raw(t, address)
	_, err := db.UpdateItem(t.Context(), &sdk.UpdateItemInput{TableName: table, Key: key, UpdateExpression: aws.String("SET #n = :v"),
		ExpressionAttributeNames: map[string]string{"#n": name}, ExpressionAttributeValues: attributes{":v": s(text)}})
	if err != nil {
		t.Fatal(err)
	}
}

// What a write rests on was seen earlier: nothing that others did since is lost.
func TestWhatOthersWroteSinceIsKept(t *testing.T) {
	url := table(t)
	c, other := open(t, url, dynamodb.Options{}).Chat(), open(t, url, dynamodb.Options{}).Chat()
	ctx, now := t.Context(), chat.Write{Now: time.Now()}
	apply := func(c chat.Store, s chat.Step) {
		t.Helper()
		s.ID, s.ThreadID = "m", "t"
		if err := c.ApplyStep(ctx, s, now); err != nil {
			t.Fatal(err)
		}
	}
	step := func() chat.Step {
		t.Helper()
		got, err := c.Step(ctx, chat.Ref{ID: "m", ThreadID: "t"})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	apply(c, chat.Step{Type: "run", Output: "ours", CreatedAt: "2026-01-02T03:04:05.000000Z"})

	at := attributes{"PK": s("THREAD#t"), "SK": s("STEP#m")}
	set(t, url, at, "output", "Chainlit's")
	apply(c, chat.Step{Name: "n"})
	if got := step(); got.Output != "Chainlit's" || got.Name != "n" {
		t.Errorf("after a change of Chainlit's: %+v", got)
	}
	set(t, url, at, "output", "Chainlit's again")
	apply(c, chat.Step{Output: "Chainlit's"})
	if got := step(); got.Output != "Chainlit's" {
		t.Errorf("the last writer does not win: %q", got.Output)
	}
	put(t, url, attributes{"PK": at["PK"], "SK": at["SK"], "id": s("m"), "threadId": s("t"), "createdAt": s("2026-01-02T03:04:06.000000Z"), "type": s("run"), "output": s("anew")})
	apply(c, chat.Step{Name: "n2"})
	if got := step(); got.Output != "anew" || got.Name != "n2" || got.CreatedAt != "2026-01-02T03:04:06.000000Z" {
		t.Errorf("after Chainlit wrote it anew: %+v", got)
	}
	apply(other, chat.Step{Metadata: chat.Object{"k": "v"}, Extra: nil})
	if _, err := other.ApplyFeedback(ctx, chat.Feedback{ID: "f", ForID: "m", ThreadID: "t", Value: 1}, now); err != nil {
		t.Fatal(err)
	}
	apply(c, chat.Step{Output: "done"})
	if got := step(); got.Output != "done" || got.Metadata["k"] != "v" || got.Feedback == nil {
		t.Errorf("after another process: %+v", got)
	}

	// A name that Chainlit gave stays; metadata that it emptied stay empty.
	if err := c.ApplyThread(ctx, chat.ThreadPatch{ID: "t", Name: chat.Ptr("ours"), Metadata: chat.Object{"a": "1"}}, now); err != nil {
		t.Fatal(err)
	}
	head := attributes{"PK": s("THREAD#t"), "SK": s("THREAD")}
	set(t, url, head, "name", "Chainlit's")
	set(t, url, head, "UserThreadSK", "TS#2099-01-01T00:00:00.000000Z")
	if err := c.ApplyThread(ctx, chat.ThreadPatch{ID: "t", Metadata: chat.Object{"b": "2"}}, now); err != nil {
		t.Fatal(err)
	}
	thread, err := c.Thread(ctx, "t")
	if err != nil || thread.Name != "Chainlit's" || len(thread.Metadata) != 2 || thread.LastActivity != "2099-01-01T00:00:00.000000Z" {
		t.Errorf("%+v, %v", thread, err)
	}

	// What an actor may do is looked at in the write itself.
	for _, user := range []string{"ada", "bob"} {
		if _, err := c.PutUser(ctx, chat.User{Identifier: user}, now); err != nil {
			t.Fatal(err)
		}
	}
	asAda := chat.Write{Now: now.Now, Actor: "ada"}
	if err := c.ApplyThread(ctx, chat.ThreadPatch{ID: "t", UserID: "ada"}, now); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyStep(ctx, chat.Step{ID: "m", ThreadID: "t", Output: "hers"}, asAda); err != nil {
		t.Fatal(err)
	}
	if err := other.ApplyThread(ctx, chat.ThreadPatch{ID: "t", UserID: "bob"}, now); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyStep(ctx, chat.Step{ID: "m", ThreadID: "t", Output: "his"}, asAda); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("a write to another's thread: %v", err)
	}

	if err := other.DeleteThread(ctx, "t", now); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyStep(ctx, chat.Step{ID: "late", ThreadID: "t"}, now); errs.KindOf(err) != errs.Gone {
		t.Errorf("a thread that another process deleted: %v", err)
	}
	if left := items(t, url, "THREAD#t"); len(left) != 1 {
		t.Errorf("%d items are left", len(left))
	}
}
