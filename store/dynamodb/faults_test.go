package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/dynamotest"
	"github.com/varvedb/varve/store/dynamodb"
)

// sparing has a table do one item of each batch and leave the others undone.
func sparing(r *http.Request, operation string, _ int) (*http.Response, error) {
	undone := map[string]string{"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}[operation]
	if undone == "" {
		return nil, nil
	}
	var in struct {
		RequestItems map[string]json.RawMessage
		More         map[string]any `json:"-"`
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	rest := map[string]any{}
	for name, items := range in.RequestItems {
		var some []json.RawMessage
		var ask map[string]json.RawMessage
		list := items
		if operation == "BatchGetItem" {
			if err := json.Unmarshal(items, &ask); err != nil {
				return nil, err
			}
			list = ask["Keys"]
		}
		if err := json.Unmarshal(list, &some); err != nil {
			return nil, err
		}
		one, _ := json.Marshal(some[:1])
		if operation == "BatchGetItem" {
			ask["Keys"] = one
			one, _ = json.Marshal(ask)
			if len(some) > 1 {
				rest[name] = map[string]any{"Keys": some[1:]}
			}
		} else if len(some) > 1 {
			rest[name] = some[1:]
		}
		in.RequestItems[name] = one
	}
	body, _ := json.Marshal(map[string]any{"RequestItems": in.RequestItems})
	sent := r.Clone(r.Context())
	sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := http.DefaultTransport.RoundTrip(sent)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return nil, err
	}
	out[undone] = rest
	body, _ = json.Marshal(out)
	return said(http.StatusOK, string(body)), nil
}

func said(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func TestWhatABatchLeavesUndoneIsDoneAgain(t *testing.T) {
	w, c := wired(t)
	ctx, now := t.Context(), chat.Write{Now: time.Now()}
	if _, err := c.PutUser(ctx, chat.User{Identifier: "ada"}, now); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := c.ApplyThread(ctx, chat.ThreadPatch{ID: fmt.Sprint("t", i), UserID: "ada"}, now); err != nil {
			t.Fatal(err)
		}
		if err := c.ApplyStep(ctx, chat.Step{ID: fmt.Sprint("m", i), ThreadID: "t0", CreatedAt: "2026-01-02T03:04:05.000000Z"}, now); err != nil {
			t.Fatal(err)
		}
	}
	w.answer, w.asked = sparing, nil
	found, err := c.Threads(ctx, chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada"}, Limit: 10})
	if err != nil || len(found) != 4 {
		t.Errorf("%d threads, %v", len(found), err)
	}
	if got := strings.Join(w.asked, " "); got != "Query BatchGetItem BatchGetItem BatchGetItem BatchGetItem" {
		t.Errorf("asked %s", got)
	}
	if err := c.DeleteThread(ctx, "t0", now); err != nil {
		t.Fatal(err)
	}
	w.answer = nil
	if left := items(t, w.url, "THREAD#t0"); len(left) != 1 {
		t.Errorf("%d items are left besides the tombstone", len(left)-1)
	}
}

// away is a DynamoDB that answers every request alike.
type away func(operation string) *http.Response

func (a away) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return a(operation), nil
}

func TestATableThatStaysBusyIsUnavailable(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "varve")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "varve")
	const throttled = `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"m"}`
	for name, answer := range map[string]away{
		"a request that is refused": func(string) *http.Response { return said(400, throttled) },
		"a batch that is never done": func(operation string) *http.Response {
			if operation != "BatchGetItem" {
				return said(400, throttled)
			}
			return said(200, `{"Responses":{},"UnprocessedKeys":{"table":{"Keys":[{"PK":{"S":"THREAD#t"},"SK":{"S":"THREAD"}}]}}}`)
		},
		"a transaction that is refused": func(operation string) *http.Response {
			if operation != "TransactWriteItems" {
				return said(200, `{"Responses":{},"UnprocessedKeys":{}}`)
			}
			return said(400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"m","CancellationReasons":[{"Code":"ThrottlingError"},{"Code":"None"}]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, err := dynamodb.Open(t.Context(), "dynamodb://table?region=eu-central-1&endpoint=http://127.0.0.1:1",
					dynamodb.Options{HTTP: &http.Client{Transport: answer}, Examine: true})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				err = db.Chat().ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t"}, chat.Write{Now: start})
				if errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "use on-demand billing") {
					t.Errorf("%s: %v", errs.KindOf(err), err)
				}
				if waited := time.Since(start); waited < 500*time.Millisecond || waited > time.Minute {
					t.Errorf("gave up after %v", waited)
				}
			})
		})
	}
}

func TestAClockThatIsWrongIsCorrected(t *testing.T) {
	w, c := wired(t)
	w.answer = func(r *http.Request, _ string, _ int) (*http.Response, error) {
		server := time.Now().Add(time.Hour)
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			return nil, err
		}
		if off := server.Sub(signed); off > -5*time.Minute && off < 5*time.Minute {
			return nil, nil
		}
		resp := answered(400, "InvalidSignatureException")
		resp.Header.Set("Date", server.UTC().Format(http.TimeFormat))
		return resp, nil
	}
	if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t"}, chat.Write{Now: time.Now()}); err != nil {
		t.Error(err)
	}
}

func TestWithoutCredentialsOneSentenceSaysWhatToDo(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := dynamodb.Open(t.Context(), "dynamodb://table?region=eu-central-1&endpoint=http://127.0.0.1:1", dynamodb.Options{})
	const want = "this machine has no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with AWS_PROFILE, or give it a role"
	if errs.KindOf(err) != errs.Unauthenticated || err.Error() != want {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
}

// The library's errors list every caller, and some answers repeat the request.
func TestAnErrorTellsWhatWasAnsweredAndNoMore(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "varve")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "varve")
	refusing := away(func(string) *http.Response {
		return said(400, `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The token is invalid.\n\nThe Canonical String for this request was\nhidden"}`)
	})
	_, err := dynamodb.Open(t.Context(), "dynamodb://table?region=eu-central-1&endpoint=http://127.0.0.1:1",
		dynamodb.Options{HTTP: &http.Client{Transport: refusing}})
	if errs.KindOf(err) != errs.Unauthenticated || !strings.HasSuffix(err.Error(), "its clock is right: UnrecognizedClientException: The token is invalid.") {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
}

func TestANameThatNoTableHas(t *testing.T) {
	for _, name := range []string{"t", "a%20b%20c"} {
		_, err := dynamodb.Open(t.Context(), "dynamodb://"+name+"?region=eu-central-1", dynamodb.Options{})
		if errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %s: %v", name, errs.KindOf(err), err)
		}
	}
}

func TestAnotherRegionHasNoSuchTable(t *testing.T) {
	elsewhere := strings.Replace(table(t), dynamotest.Region, "us-west-2", 1)
	_, err := dynamodb.Open(t.Context(), elsewhere, dynamodb.Options{})
	if errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "us-west-2") || !strings.Contains(err.Error(), "check") {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
}

// cutting is a way to DynamoDB Local that breaks off.
type cutting struct {
	net.Listener
	// requests and answers are how many connections break off once a request
	// is half sent, or once it was done.
	requests, answers atomic.Int64
}

func cut(t *testing.T, url string) (through string, c *cutting) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = &cutting{Listener: l}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn, dynamotest.Endpoint(t))
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return strings.Replace(url, dynamotest.Endpoint(t), l.Addr().String(), 1), c
}

func (c *cutting) serve(conn net.Conn, endpoint string) {
	defer conn.Close()
	server, err := net.Dial("tcp", endpoint)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if c.requests.Add(-1) >= 0 {
				server.Write(buf[:n/2])
				conn.Close()
				return
			}
			if _, werr := server.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if c.answers.Add(-1) >= 0 {
			return
		}
		if _, werr := conn.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func TestAConnectionThatIsCut(t *testing.T) {
	const forever = 1 << 30
	for _, f := range []struct {
		name              string
		requests, answers int64
		works             bool
	}{
		{"in a request, once", 1, 0, true},
		{"before an answer, once", 0, 1, true},
		{"in every request", forever, 0, false},
		{"before every answer", 0, forever, false},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			url := table(t)
			through, cutting := cut(t, url)
			c := open(t, through, dynamodb.Options{}).Chat()
			now := chat.Write{Now: time.Now()}
			if err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t", Output: "before"}, now); err != nil {
				t.Fatal(err)
			}
			long := strings.Repeat("after", 200<<10)
			cutting.requests.Store(f.requests)
			cutting.answers.Store(f.answers)
			err := c.ApplyStep(t.Context(), chat.Step{ID: "m", ThreadID: "t", Output: long}, now)
			if f.works && err != nil {
				t.Errorf("was not tried again: %v", err)
			}
			if !f.works && (errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "check the network")) {
				t.Errorf("%s: %v", errs.KindOf(err), err)
			}
			got, err := open(t, url, dynamodb.Options{}).Chat().Thread(t.Context(), "t")
			if err != nil || len(got.Steps) != 1 || got.Steps[0].Output != "before" && got.Steps[0].Output != long {
				t.Errorf("half of it is there: %v", err)
			}
		})
	}
}

// slower is overtaken by another doctor before it makes the table.
type slower struct{ other func() error }

func (s slower) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".CreateTable") {
		if err := s.other(); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestDoctorsAtTheSameTime(t *testing.T) {
	url, ctx := dynamotest.Missing(t), t.Context()
	other, err := dynamodb.Open(ctx, url, dynamodb.Options{Examine: true})
	if err != nil {
		t.Fatal(err)
	}
	doctor, err := dynamodb.Open(ctx, url, dynamodb.Options{Examine: true,
		HTTP: &http.Client{Transport: slower{func() error { return other.Mend(ctx) }}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := doctor.Mend(ctx); err != nil {
		t.Fatal(err)
	}
	if d, err := doctor.Examine(ctx); err != nil || len(d.Findings) > 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAMissingIndexIsAddedByTheDoctor(t *testing.T) {
	url := dynamotest.Missing(t)
	makeTable(t, url, func(in *sdk.CreateTableInput) {
		in.GlobalSecondaryIndexes, in.AttributeDefinitions = nil, in.AttributeDefinitions[:2]
	})
	_, err := dynamodb.Open(t.Context(), url, dynamodb.Options{})
	if errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "UserThread") || !strings.Contains(err.Error(), "varve doctor --apply") {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
	doctor := open(t, url, dynamodb.Options{Examine: true})
	found, err := doctor.Examine(t.Context())
	if err != nil || len(found.Findings) != 1 || !strings.Contains(found.Findings[0].What, "UserThread") {
		t.Fatalf("%+v, %v", found, err)
	}
	if err := doctor.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := open(t, url, dynamodb.Options{}).Chat()
	if _, err := c.Threads(t.Context(), chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: "ada"}, Limit: 1}); err != nil {
		t.Error(err)
	}
}

func TestATableOfAnotherKindIsRefused(t *testing.T) {
	url := dynamotest.Missing(t)
	makeTable(t, url, func(in *sdk.CreateTableInput) {
		in.GlobalSecondaryIndexes, in.AttributeDefinitions, in.KeySchema = nil, in.AttributeDefinitions[:1], in.KeySchema[:1]
	})
	_, err := dynamodb.Open(t.Context(), url, dynamodb.Options{})
	if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "other keys than PK and SK") {
		t.Errorf("%s: %v", errs.KindOf(err), err)
	}
	if err := open(t, url, dynamodb.Options{Examine: true}).Mend(t.Context()); errs.KindOf(err) != errs.Invalid {
		t.Errorf("the doctor mends it: %v", err)
	}
}
