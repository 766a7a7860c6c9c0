package dynamodb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/dynamodb"
)

// noise is a text that cannot be made much shorter.
func noise(size int) string {
	seed := sha256.Sum256([]byte(fmt.Sprint(size)))
	r, b := rand.NewChaCha8(seed), make([]byte, size*3/4+3)
	r.Read(b)
	return base64.StdEncoding.EncodeToString(b)[:size]
}

func TestTextsOfAnyLengthComeBackWhole(t *testing.T) {
	url := table(t)
	c := open(t, url, dynamodb.Options{}).Chat()
	now := chat.Write{Now: time.Now()}
	sizes := []int{300 << 10, 349 << 10, 400_000, 400 << 10, 410 << 10, 1 << 20, 5 << 20, 50 << 20}
	if testing.Short() {
		sizes = sizes[:len(sizes)-1]
	}
	for _, size := range sizes {
		id := fmt.Sprint(size)
		long := noise(size)
		if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: id, Output: long}, now); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		// A patch of something else carries the text over.
		if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: id, Name: "n"}, now); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		step, err := c.Step(t.Context(), chat.Ref{ID: "m", ThreadID: id})
		if err != nil || step.Output != long || step.Name != "n" {
			t.Errorf("%d bytes became %d, %v", size, len(step.Output), err)
		}
		thread, err := c.Thread(t.Context(), id)
		if err != nil || len(thread.Steps) != 1 || thread.Steps[0].Output != long {
			t.Errorf("%d bytes are not whole in their thread, %v", size, err)
		}
		if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: id, Output: "short"}, now); err != nil {
			t.Fatal(err)
		}
		if left := items(t, url, "THREAD#"+id); len(left) != 2 {
			t.Errorf("%d bytes leave %d items beside the thread and the step", size, len(left)-2)
		}
	}
	if left := items(t, url, "VARVE#ORPHAN"); len(left) != 0 {
		t.Errorf("%d marks stay", len(left))
	}
}

func TestWhatIsLongCompresses(t *testing.T) {
	url := table(t)
	c := open(t, url, dynamodb.Options{}).Chat()
	long := strings.Repeat("the quick brown fox. ", 100_000)
	if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t", Output: long}, chat.Write{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, i := range items(t, url, "THREAD#t") {
		if b, ok := i["part"].(*types.AttributeValueMemberB); ok {
			size += len(b.Value)
		}
	}
	if size == 0 || size > len(long)/50 {
		t.Errorf("%d bytes take %d", len(long), size)
	}
}

func TestALongTextThatBreaksOffShowsNothing(t *testing.T) {
	for _, f := range []struct {
		name, operation string
		nth, size       int
	}{
		{"at the second batch of its chunks", "BatchWriteItem", 2, 12 << 20},
		{"at the write that names them", "TransactWriteItems UpdateItem", 1, 1 << 20},
	} {
		t.Run(f.name, func(t *testing.T) {
			w, c := wired(t)
			now := chat.Write{Now: time.Now()}
			if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "old", Output: "before"}, now); err != nil {
				t.Fatal(err)
			}
			long := noise(f.size)
			for _, thread := range []string{"old", "new"} {
				seen := 0
				w.answer = func(_ *http.Request, operation string, _ int) (*http.Response, error) {
					if strings.Contains(f.operation, operation) {
						if seen++; seen >= f.nth {
							return answered(400, "AccessDeniedException"), nil
						}
					}
					return nil, nil
				}
				if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: thread, Output: long}, now); err == nil {
					t.Fatal("no error")
				}
			}
			w.answer = nil
			if got, err := c.Thread(t.Context(), "old"); err != nil || len(got.Steps) != 1 || got.Steps[0].Output != "before" {
				t.Errorf("the old text is not whole: %v", err)
			}
			if _, err := c.Thread(t.Context(), "new"); err == nil {
				t.Error("half a thread is there")
			}
			// What was laid is taken away, once no write can be waiting to name it.
			if _, err := c.Orphans(t.Context(), time.Now(), 10); err != nil {
				t.Fatal(err)
			}
			if left := items(t, w.url, "THREAD#new"); len(left) < 2 {
				t.Errorf("taken away too early: %d items are left", len(left))
			}
			for _, mark := range items(t, w.url, "VARVE#ORPHAN") {
				mark["at"] = &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(-time.Hour).UnixNano())}
				put(t, w.url, mark)
			}
			if _, err := c.Orphans(t.Context(), time.Now(), 10); err != nil {
				t.Fatal(err)
			}
			if old, fresh, marks := items(t, w.url, "THREAD#old"), items(t, w.url, "THREAD#new"), items(t, w.url, "VARVE#ORPHAN"); len(old) != 2 || len(fresh)+len(marks) != 0 {
				t.Errorf("%d, %d and %d items are left", len(old), len(fresh), len(marks))
			}
		})
	}
}

// A try whose answer is lost may have worked: its chunks stay.
func TestALongTextWhoseAnswerIsLostIsWhole(t *testing.T) {
	w, c := wired(t)
	lost := false
	w.answer = func(r *http.Request, operation string, _ int) (*http.Response, error) {
		if operation != "UpdateItem" || lost {
			return nil, nil
		}
		lost = true
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
			err = errors.New("the answer is lost")
		}
		return nil, err
	}
	long := noise(1 << 20)
	metadata := chat.Object{"long": long}
	now := chat.Write{Now: time.Now()}
	if err := c.ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, now); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyThread(t.Context(), chat.ThreadPatch{ID: "t", Metadata: metadata}, now); err != nil {
		t.Fatal(err)
	}
	got, err := c.Thread(t.Context(), "t")
	if err != nil || got.Metadata["long"] != long || !lost {
		t.Errorf("%v, lost %v", err, lost)
	}
}

func TestBytesThatChainlitsElementNamesStay(t *testing.T) {
	url := table(t)
	c, now := open(t, url, dynamodb.Options{}).Chat(), chat.Write{Now: time.Now()}
	const key = "ada/theirs/e"
	put(t, url, attributes{"PK": s("THREAD#theirs"), "SK": s("ELEMENT#e"), "id": s("e"), "objectKey": s(key)})
	if err := c.ApplyElement(t.Context(), chat.Element{ID: "x", ThreadID: "ours", ObjectKey: key}, now); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteThread(t.Context(), "ours", now); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Orphans(t.Context(), time.Now(), 10); err != nil || len(found) != 0 {
		t.Errorf("%q, %v", found, err)
	}
	if err := c.DeleteElement(t.Context(), chat.Ref{ID: "e", ThreadID: "theirs"}, now); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Orphans(t.Context(), time.Now(), 10); err != nil || len(found) != 1 {
		t.Errorf("%q, %v", found, err)
	}
}

func TestTheLogSaysWhatWasAskedAndNothingOfWhatWasSaid(t *testing.T) {
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := open(t, table(t), dynamodb.Options{Log: log}).Chat()
	const secret = "canary-in-the-text"
	now := chat.Write{Now: time.Now()}
	if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t", Output: secret, Metadata: chat.Object{secret: secret}}, now); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Thread(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(lines.String(), secret) {
		t.Error("the log tells what was written")
	}
	for _, want := range []string{"operation=BatchGetItem", "operation=TransactWriteItems", "operation=Query"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("no %s in\n%s", want, lines.String())
		}
	}
	for line := range strings.Lines(lines.String()) {
		if !strings.Contains(line, "capacity=") || strings.Contains(line, "capacity=0\n") && strings.Contains(line, "TransactWrite") {
			t.Errorf("without what it consumed: %s", line)
		}
	}
}

func TestIdsAndNumbersOfAnyForm(t *testing.T) {
	url := table(t)
	c, now := open(t, url, dynamodb.Options{}).Chat(), chat.Write{Now: time.Now()}
	for _, id := range []string{"#", "THREAD#", "DEADBEEF-T", "THREAD#a#STEP#b", "STEP#", "a::STEP#b", "ELEMENT#ä", "VARVE#TOMBSTONE", "TS#1"} {
		user := "USER#" + id
		if _, err := c.PutUser(t.Context(), chat.User{Identifier: user}, now); err != nil {
			t.Fatal(err)
		}
		if err := c.ApplyThread(t.Context(), chat.ThreadPatch{ID: id, UserID: user, Name: chat.Ptr(id)}, now); err != nil {
			t.Fatal(err)
		}
		if err := c.ApplyStep(t.Context(), chat.Step{ID: id, ThreadID: id, Metadata: chat.Object{"favorite": true}}, now); err != nil {
			t.Fatal(err)
		}
		if err := c.ApplyElement(t.Context(), chat.Element{ID: id, ThreadID: id, Name: id}, now); err != nil {
			t.Fatal(err)
		}
		f, err := c.ApplyFeedback(t.Context(), chat.Feedback{ID: "THREAD#" + id + "::STEP#" + id, ForID: id, ThreadID: id, Value: 1}, now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Thread(t.Context(), id)
		if err != nil || got.ID != id || got.UserID != user || len(got.Steps) != 1 || got.Steps[0].ID != id ||
			got.Steps[0].Feedback == nil || len(got.Elements) != 1 || got.Elements[0].ID != id {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
		verdict := 1
		for _, filter := range []chat.ThreadFilter{{UserID: user}, {UserID: user, Search: id}, {UserID: user, Feedback: &verdict}} {
			found, err := c.Threads(t.Context(), chat.ThreadQuery{ThreadFilter: filter, Limit: 2})
			if err != nil || len(found) != 1 || found[0].ID != id {
				t.Errorf("%s: %+v lists %+v, %v", id, filter, found, err)
			}
		}
		if found, err := c.Favorites(t.Context(), user); err != nil || len(found) != 1 || found[0].ID != id || found[0].ThreadID != id {
			t.Errorf("%s: favourites %+v, %v", id, found, err)
		}
		if err := c.DeleteFeedback(t.Context(), chat.Ref{ID: f, ThreadID: id}, now); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	const exact = `{"big":123456789012345678901234567890123456789012345678,"deep":{"f":[0.1,1e-7,1.50,2.5E+3,-0.0,1e400]},"max":9007199254740993}`
	var metadata chat.Object
	decoder := json.NewDecoder(strings.NewReader(exact))
	decoder.UseNumber()
	if err := decoder.Decode(&metadata); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyThread(t.Context(), chat.ThreadPatch{ID: "n", Metadata: metadata}, now); err != nil {
		t.Fatal(err)
	}
	got, err := c.Thread(t.Context(), "n")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(got.Metadata); err != nil || string(text) != exact {
		t.Errorf("got  %s, %v\nwant %s", text, err, exact)
	}
}
