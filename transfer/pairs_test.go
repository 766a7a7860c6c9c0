package transfer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/dynamotest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dynamodb"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/mysql"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
	"github.com/varvedb/varve/transfer"
)

// kinds are the databases that conversations are copied between.
var kinds = []struct {
	name string
	open func(t *testing.T) store.Store
}{
	{"memory", func(*testing.T) store.Store { return memory.Open() }},
	{"sqlite", openSQLite},
	{"postgres", func(t *testing.T) store.Store { return openPostgres(t, pgtest.New(t)) }},
	{"official", func(t *testing.T) store.Store { return openPostgres(t, pgtest.New(t)+"&schema=official") }},
	{"documented", openDocumented},
	{"mysql", openMySQL},
	{"dynamodb", openDynamoDB},
}

func openSQLite(t *testing.T) store.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "varve.db"), sqlite.Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func openPostgres(t *testing.T, url string) store.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func openMySQL(t *testing.T) store.Store {
	t.Helper()
	st, err := mysql.Open(t.Context(), mytest.New(t), mysql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// openDocumented is a database that Chainlit made, with ids of any text, as it
// was found.
func openDocumented(t *testing.T) store.Store {
	t.Helper()
	sql, err := os.ReadFile("../store/postgres/testdata/text.sql")
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.New(t)
	pgtest.Exec(t, url, string(sql))
	return openPostgres(t, url)
}

func openDynamoDB(t *testing.T) store.Store {
	t.Helper()
	st, err := dynamodb.Open(t.Context(), dynamotest.Missing(t), dynamodb.Options{Examine: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

func files(t *testing.T) *blob.Bucket {
	t.Helper()
	b, err := blob.OpenFolder(t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func side(t *testing.T, name string, st store.Store) transfer.Side {
	t.Helper()
	return transfer.Side{Name: name, Store: st.Chat(), Files: files(t)}
}

// TestPairs copies the same difficult conversations between every two kinds of
// database, and on to memory, where they must be what they were.
func TestPairs(t *testing.T) {
	for _, from := range kinds {
		for _, to := range kinds {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				a, b := side(t, "a", from.open(t)), side(t, "b", to.open(t))
				fill(t, a)
				move(t, a, b)
				c := side(t, "c", memory.Open())
				move(t, b, c)
				same(t, a, c)
			})
		}
	}
}

// move copies and verifies, twice: the second time changes nothing.
func move(t *testing.T, a, b transfer.Side) {
	t.Helper()
	for range 2 {
		c := transfer.Copy{From: a, To: b}
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.Refusals != 0 || c.Missing != 0 || c.Done.Threads == 0 || c.Done.Files == 0 {
			t.Fatalf("%+v", c)
		}
		same(t, a, b)
	}
}

func same(t *testing.T, a, b transfer.Side) {
	t.Helper()
	v, err := transfer.Verify(t.Context(), a, b, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if v.Different != 0 || v.FromHash != v.ToHash || v.From != v.To || v.More != 0 {
		raw, _ := json.MarshalIndent(v, "", " ")
		t.Fatalf("%s", raw)
	}
}

const chars = "naïve \u2028 \\N \t \"quoted\" \n\r {} 🙂 \x7f"

// fill writes what copies have gone wrong over.
func fill(t *testing.T, s transfer.Side) {
	t.Helper()
	ctx, w := t.Context(), chat.Write{Now: time.Date(2026, 3, 4, 5, 6, 7, 891234000, time.UTC)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ana, err := s.Store.PutUser(ctx, chat.User{ID: "u-ana", Identifier: "ana@example.org", CreatedAt: "2020-01-02T03:04:05.000006Z",
		Metadata: chat.Object{"n": json.Number("12345678901234567890"), "deep": map[string]any{"null": nil}}}, w)
	must(err)
	_, err = s.Store.PutUser(ctx, chat.User{ID: "u-zoe", Identifier: "zoë", CreatedAt: "2020-01-02T03:04:05.000007Z", Metadata: chat.Object{}}, w)
	must(err)
	var whole []chat.Thread
	for i := range 30 {
		th := chat.Thread{ID: fmt.Sprintf("thread %02d", i), CreatedAt: chat.FormatTime(w.Now.Add(time.Duration(i) * time.Minute)), Metadata: chat.Object{}}
		for j := range i % 5 {
			th.Steps = append(th.Steps, chat.Step{ID: fmt.Sprintf("s%d.%d", i, j), ThreadID: th.ID, Type: "run", Name: "n", Streaming: chat.Ptr(false),
				CreatedAt: th.CreatedAt, Output: fmt.Sprint("out ", j), Metadata: chat.Object{}})
		}
		whole = append(whole, th)
	}
	whole = append(whole, difficult(ana.ID))
	whole = append(whole, chat.Thread{ID: "STEP#THREAD#x/y %2F", CreatedAt: "2026-01-01T00:00:00.000000Z", Metadata: chat.Object{},
		Loose: []chat.Feedback{{ID: "THREAD#STEP#THREAD#x/y %2F::STEP#gone", ForID: "gone", ThreadID: "STEP#THREAD#x/y %2F", Value: 1}}})
	m, err := chat.MoverOf(s.Store.(chat.Store))
	must(err)
	must(m.Load(ctx, whole, w))
	for _, key := range []string{"u/e1/picture.png", "u/é2/emptiness"} {
		content := bytes.Repeat([]byte(key), 10_000)
		if key == "u/é2/emptiness" {
			content = nil
		}
		_, err := s.Files.Write(ctx, key, bytes.NewReader(content), "image/png")
		must(err)
	}
}

func difficult(owner string) chat.Thread {
	id := "difficult"
	return chat.Thread{ID: id, CreatedAt: "2026-02-03T04:05:06.123456Z", Name: chars, UserID: owner, Tags: []string{"a", `b "c", {d}`, "NULL", ""},
		Metadata: chat.Object{"name": "not its name", "kept": nil, "list": []any{json.Number("1"), "x", nil}, "": "empty key"},
		Steps: []chat.Step{
			{ID: "root", ThreadID: id, Type: "user_message", Name: chars, Input: chars, Output: chars, CreatedAt: "2026-02-03T04:05:07.000001Z",
				Streaming: chat.Ptr(true), WaitForAnswer: chat.Ptr(false), IsError: chat.Ptr(true), Metadata: chat.Object{"favorite": true, "big": json.Number("123456789012345678901234567890")},
				Tags: []string{"t"}, Start: "2026-02-03T04:05:07.000002Z", End: "2026-02-03T04:05:07.000003Z", ShowInput: "false", Language: "python", Command: "c", Icon: "i",
				Generation: json.RawMessage(`{"prompt":"p","tokens":12}`), Modes: json.RawMessage(`{"m":"n"}`), DefaultOpen: chat.Ptr(true), AutoCollapse: chat.Ptr(false),
				Extra:    map[string]json.RawMessage{"unknown": json.RawMessage(`{"k":[1,2.5,null]}`)},
				Feedback: &chat.Feedback{ID: "THREAD#difficult::STEP#root", ForID: "root", ThreadID: id, Value: 0, Comment: chat.Ptr(chars)}},
			{ID: "child", ThreadID: id, ParentID: "root", Type: "tool", Name: "tool", Streaming: chat.Ptr(false), CreatedAt: "2026-02-03T04:05:08.000001Z", Metadata: chat.Object{}},
			{ID: "lost child", ThreadID: id, ParentID: "no such step", Type: "tool", Streaming: chat.Ptr(false), CreatedAt: "2026-02-03T04:05:09.000001Z", Metadata: chat.Object{}},
		},
		Elements: []chat.Element{
			{ID: "e1", ThreadID: id, ForID: "root", Type: "image", Name: "picture.png", Display: "inline", ObjectKey: "u/e1/picture.png", MIME: "image/png", URL: "/v1/threads/difficult/elements/e1/content",
				Size: "large", Language: "l", Page: chat.Ptr(int64(3)), ChainlitKey: "ck"},
			{ID: "é2", ThreadID: id, ForID: "no such step", Type: "file", Name: "emptiness", Display: "side", ObjectKey: "u/é2/emptiness", MIME: "image/png", Props: chat.Object{"p": map[string]any{"q": json.Number("2")}}},
			{ID: "e3", ThreadID: id, Type: "file", Name: "elsewhere", URL: "https://example.org/x?y=1"},
		}}
}
