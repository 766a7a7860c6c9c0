package dynamodb_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/dynamodb"
)

// chainlitWrote are the items of a thread as Chainlit's layer writes them.
func chainlitWrote(thread, user string, n int) []attributes {
	at := fmt.Sprintf("2026-01-02T03:04:%02d.000000Z", n)
	step := attributes{"PK": s("THREAD#" + thread), "SK": s("STEP#s"), "id": s("s"), "threadId": s(thread), "createdAt": s(at), "type": s("user_message"), "output": s("hi")}
	if n%2 == 0 {
		step["metadata"] = &types.AttributeValueMemberM{Value: attributes{"favorite": &types.AttributeValueMemberBOOL{Value: true}}}
	}
	if n%3 == 0 {
		step["feedback"] = &types.AttributeValueMemberM{Value: attributes{"forId": s("s"), "value": &types.AttributeValueMemberN{Value: fmt.Sprint(n % 2)},
			"id": s("THREAD#" + thread + "::STEP#s"), "threadId": s(thread), "comment": &types.AttributeValueMemberNULL{Value: true}}}
	}
	return []attributes{step, {"PK": s("THREAD#" + thread), "SK": s("THREAD"), "id": s(thread), "name": s("n"), "createdAt": s(at), "userId": s(user), "userIdentifier": s(user),
		"UserThreadPK": s("USER#" + user), "UserThreadSK": s("TS#" + at), "metadata": &types.AttributeValueMemberM{Value: attributes{}}}}
}

func ids(t *testing.T, c chat.Store, user string) (favorites, down, up string) {
	t.Helper()
	steps, err := c.Favorites(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	var starred []string
	for _, s := range steps {
		starred = append(starred, s.ThreadID)
	}
	var judged [2][]string
	for verdict := range judged {
		found, err := c.Threads(t.Context(), chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: user, Feedback: &verdict}, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			judged[verdict] = append(judged[verdict], f.ID)
		}
	}
	return strings.Join(starred, " "), strings.Join(judged[0], " "), strings.Join(judged[1], " ")
}

func TestWhatChainlitWroteIsFoundWithAndWithoutTheIndex(t *testing.T) {
	url := table(t)
	for n := range 30 {
		put(t, url, chainlitWrote(fmt.Sprint("t", n), "ada", n)...)
	}
	const favorites, down, up = "t28 t26 t24 t22 t20 t18 t16 t14 t12 t10 t8 t6 t4 t2 t0", "t24 t18 t12 t6 t0", "t27 t21 t15 t9 t3"
	check := func(address, want string) {
		t.Helper()
		w := &wire{}
		c := open(t, address, dynamodb.Options{HTTP: &http.Client{Transport: w}}).Chat()
		w.asked = nil
		f, d, u := ids(t, c, "ada")
		if f != favorites || d != down || u != up {
			t.Errorf("favourites %s; down %s; up %s", f, d, u)
		}
		if got := strings.Join(w.asked, " "); want != "" && got != want {
			t.Errorf("asks %q, want %q", got, want)
		}
	}
	alone := url + "&shared=false"
	check(url, "")
	check(alone, "") // the doctor was not there yet

	doctor := open(t, alone, dynamodb.Options{Examine: true})
	found, err := doctor.Examine(t.Context())
	if err != nil || len(found.Findings) != 1 || !strings.Contains(found.Findings[0].What, "not marked") {
		t.Fatalf("%+v, %v", found, err)
	}
	if err := doctor.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err = doctor.Examine(t.Context()); err != nil || len(found.Findings) != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	check(alone, "Query BatchGetItem Query BatchGetItem Query BatchGetItem")

	// Chainlit's list shows nothing of it, and what it writes counts where the
	// table is shared.
	put(t, url, chainlitWrote("t30", "ada", 30)...)
	c := open(t, url, dynamodb.Options{}).Chat()
	if f, d, _ := ids(t, c, "ada"); f != "t30 "+favorites || d != "t30 "+down {
		t.Errorf("favourites %s; down %s", f, d)
	}
	listed, err := c.Threads(t.Context(), chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada"}, Limit: 100})
	if err != nil || len(listed) != 31 {
		t.Errorf("%d threads, %v", len(listed), err)
	}
}

func TestMarksFollowTheThread(t *testing.T) {
	c := own(t).Chat()
	ctx, now := t.Context(), chat.Write{Now: time.Now()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(user, favorites, down, up string) {
		t.Helper()
		if f, d, u := ids(t, c, user); f != favorites || d != down || u != up {
			t.Errorf("%s has favourites %q, down %q, up %q; want %q, %q, %q", user, f, d, u, favorites, down, up)
		}
	}
	for _, user := range []string{"ada", "bob"} {
		_, err := c.PutUser(ctx, chat.User{Identifier: user}, now)
		must(err)
	}
	star := chat.Step{ID: "s", ThreadID: "t", CreatedAt: "2026-01-02T03:04:05.000000Z", Metadata: chat.Object{"favorite": true}}
	must(c.ApplyStep(ctx, star, now))
	_, err := c.ApplyFeedback(ctx, chat.Feedback{ID: "f", ForID: "s", ThreadID: "t", Value: 1}, now)
	must(err)
	_, err = c.ApplyFeedback(ctx, chat.Feedback{ID: "g", ForID: "later", ThreadID: "t"}, now)
	must(err)
	want("ada", "", "", "")
	must(c.ApplyThread(ctx, chat.ThreadPatch{ID: "t", UserID: "ada"}, now))
	want("ada", "t", "t", "t")
	must(c.ApplyThread(ctx, chat.ThreadPatch{ID: "t", UserID: "bob"}, now))
	want("ada", "", "", "")
	want("bob", "t", "t", "t")
	must(c.DeleteFeedback(ctx, chat.Ref{ID: "f", ThreadID: "t"}, now))
	want("bob", "t", "t", "")
	must(c.ApplyStep(ctx, chat.Step{ID: "later", ThreadID: "t", CreatedAt: "2026-01-02T03:04:06.000000Z"}, now))
	want("bob", "t", "t", "")
	star.Metadata = chat.Object{"favorite": false}
	must(c.ApplyStep(ctx, star, now))
	want("bob", "", "t", "")
	_, err = c.ApplyFeedback(ctx, chat.Feedback{ID: "f", ForID: "s", ThreadID: "t", Value: 1}, now)
	must(err)
	want("bob", "", "t", "t")
	must(c.DeleteStep(ctx, chat.Ref{ID: "s", ThreadID: "t"}, now))
	want("bob", "", "t", "")
	must(c.DeleteThread(ctx, "t", now))
	want("bob", "", "", "")
	left, err := c.Orphans(ctx, time.Now(), 10)
	if must(err); len(left) != 0 {
		t.Errorf("%q", left)
	}
}

func TestThreadsThatAreMovedHereAreMarked(t *testing.T) {
	c := own(t).Chat()
	ctx, now := t.Context(), chat.Write{Now: time.Now()}
	if _, err := c.PutUser(ctx, chat.User{Identifier: "ada"}, now); err != nil {
		t.Fatal(err)
	}
	at := "2026-01-02T03:04:05.000000Z"
	moved := chat.Thread{ID: "t", CreatedAt: at, UserID: "ada", UserIdentifier: "ada", Metadata: chat.Object{},
		Steps: []chat.Step{{ID: "s", ThreadID: "t", CreatedAt: at, Metadata: chat.Object{"favorite": true}, Feedback: &chat.Feedback{ID: "f", ForID: "s", ThreadID: "t", Value: 1}}},
		Loose: []chat.Feedback{{ID: "g", ForID: "later", ThreadID: "t"}}}
	for range 2 {
		if err := c.(chat.Mover).Load(ctx, []chat.Thread{moved}, now); err != nil {
			t.Fatal(err)
		}
		if f, d, u := ids(t, c, "ada"); f != "t" || d != "t" || u != "t" {
			t.Errorf("favourites %q, down %q, up %q", f, d, u)
		}
	}
	whole, err := c.(chat.Mover).Whole(ctx, []string{"t"})
	if err != nil || len(whole) != 1 || len(whole[0].Loose) != 1 || len(whole[0].Steps) != 1 {
		t.Errorf("%+v, %v", whole, err)
	}
}
