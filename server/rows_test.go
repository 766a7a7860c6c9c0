package server_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/store/memory"
)

// rowsBench is a server of a database in memory that gives its rows.
func rowsBench(t *testing.T, change ...func(*server.Options)) (*bench, *client.Rows, *chattest.Files) {
	t.Helper()
	files := chattest.NewFiles()
	db := memory.Open()
	svc := chat.NewService(db.Chat(), chat.Options{Files: files, ElementURL: func(thread, element string) string { return "/at/" + thread + "/" + element }})
	t.Cleanup(func() { svc.Close(); db.Close() })
	b := start(t, append(change, func(o *server.Options) { o.Databases[0].Chat, o.Databases[0].Rows = svc, svc.Rows() })...)
	rows, err := b.client(b.url, client.Options{}).Rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b, rows, files
}

func TestWholeThreadsCrossTheWire(t *testing.T) {
	_, rows, files := rowsBench(t)
	ctx := t.Context()
	if !rows.Features().AnyID || rows.Files() == nil {
		t.Errorf("%+v", rows.Features())
	}
	u, err := rows.PutUser(ctx, chat.User{ID: "u1", Identifier: "ana", CreatedAt: "2026-01-02T03:04:05.000000Z"}, chat.Write{})
	if err != nil || u.ID != "u1" || u.CreatedAt != "2026-01-02T03:04:05.000000Z" {
		t.Fatalf("%+v %v", u, err)
	}
	if n, err := rows.Files().Write(ctx, "k/ü ?&#", strings.NewReader("bytes"), "text/plain"); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	var threads []chat.Thread
	for i := range 5 {
		threads = append(threads, chat.Thread{ID: fmt.Sprintf("t%d", i), UserID: "u1", CreatedAt: fmt.Sprintf("2026-01-0%dT00:00:00.000000Z", i+1),
			Steps:    []chat.Step{{ID: fmt.Sprintf("s%d", i), Type: "tool", Input: "<hidden>", Output: "x"}},
			Elements: []chat.Element{{ID: fmt.Sprintf("e%d", i), Name: "n", ObjectKey: "k/ü ?&#", URL: "/elsewhere"}},
			Loose:    []chat.Feedback{{ID: fmt.Sprintf("f%d", i), ForID: fmt.Sprintf("gone%d", i), Value: 1}}})
	}
	if err := rows.Load(ctx, threads, chat.Write{}); err != nil {
		t.Fatal(err)
	}
	var all []string
	for after := ""; ; {
		ids, next, err := rows.ThreadIDs(ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids...)
		if after = next; after == "" {
			break
		}
	}
	found, err := rows.Whole(ctx, append(all, "missing"))
	if err != nil || len(found) != 5 {
		t.Fatal(all, len(found), err)
	}
	for _, f := range found {
		if f.Steps[0].Input != "<hidden>" || f.UserIdentifier != "ana" || len(f.Loose) != 1 || f.Elements[0].URL != "/at/"+f.ID+"/"+f.Elements[0].ID {
			t.Errorf("%+v", f)
		}
	}
	list, err := rows.Threads(ctx, chat.ThreadQuery{Limit: 2, After: &chat.Place{LastActivity: "2026-01-04T00:00:00.000000Z", ID: "t3"}})
	if err != nil || len(list) != 2 || list[0].ID != "t2" || list[0].UserIdentifier != "ana" || list[0].LastActivity != "2026-01-03T00:00:00.000000Z" {
		t.Errorf("%+v %v", list, err)
	}
	sums, err := rows.Files().Sums(ctx, []string{"k/ü ?&#", "none"})
	if err != nil || len(sums) != 1 || sums["k/ü ?&#"].Size != 5 {
		t.Errorf("%v %v", sums, err)
	}
	content, err := rows.Files().Open(ctx, "k/ü ?&#")
	if err != nil {
		t.Fatal(err)
	}
	defer content.Body.Close()
	if raw, err := io.ReadAll(content.Body); string(raw) != "bytes" || err != nil {
		t.Errorf("%q %v", raw, err)
	}
	if len(files.Keys()) != 1 {
		t.Errorf("%d files", len(files.Keys()))
	}
}

// What cannot be read to its end, or is larger than may be, leaves nothing.
func TestBytesAreStoredWholeOrNotAtAll(t *testing.T) {
	_, rows, files := rowsBench(t, func(o *server.Options) { o.MaxContent, o.MaxBody = 1000, 2000 })
	broken := errs.New(errs.Invalid, "the file was changed")
	_, err := rows.Files().Write(t.Context(), "k", io.MultiReader(strings.NewReader("half"), failing{broken}), "")
	if !errors.Is(err, broken) {
		t.Errorf("a source that breaks: %v", err)
	}
	if _, err := rows.Files().Write(t.Context(), "k", strings.NewReader(strings.Repeat("x", 1001)), ""); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("too many bytes: %v", err)
	}
	err = rows.Load(t.Context(), []chat.Thread{{ID: "t", Name: strings.Repeat("x", 2000)}}, chat.Write{})
	if errs.KindOf(err) != errs.TooLarge {
		t.Errorf("too large a thread: %v", err)
	}
	err = rows.Load(t.Context(), []chat.Thread{{ID: "fine"}, {ID: "t", UserID: "nobody"}}, chat.Write{})
	if errs.KindOf(err) != errs.Invalid {
		t.Errorf("an owner who is not there: %v", err)
	}
	if ids, _, err := rows.ThreadIDs(t.Context(), "", 10); len(ids) != 0 || err != nil || len(files.Keys()) != 0 {
		t.Errorf("left: %v, %d files, %v", ids, len(files.Keys()), err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestOnlyAdministratorsSeeRows(t *testing.T) {
	file, err := keys.Open(filepath.Join(t.TempDir(), "keys.json"), keys.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db := memory.Open()
	svc := chat.NewService(db.Chat(), chat.Options{Files: chattest.NewFiles()})
	t.Cleanup(func() { svc.Close(); db.Close() })
	b := start(t, func(o *server.Options) { o.Databases[0].Rows, o.Keys = svc.Rows(), file })
	admin := token(t, file, "default", keys.Admin)
	for call, body := range map[string]string{"GET /v1/rows": "", "GET /v1/rows/users": "", "GET /v1/rows/ids": "", "POST /v1/rows/list": `{}`,
		"POST /v1/rows/read": `{"ids":["t"]}`, "POST /v1/rows/write": `{"threads":[]}`, "POST /v1/rows/sums": `{"keys":[]}`,
		"PUT /v1/rows/bytes?key=k": "x", "GET /v1/rows/bytes?key=k": ""} {
		method, path, _ := strings.Cut(call, " ")
		b.want(b.send(method, path, body, asJSON, "Authorization: Bearer "+token(t, file, "default", keys.Read, keys.Write)), 403, errs.Forbidden)
		b.want(b.send(method, path, body, asJSON, "Authorization: Bearer "+admin, "Varve-User: ada"), 403, errs.Forbidden)
		b.want(b.send(method, path, body, asJSON), 401, errs.Unauthenticated)
	}
	for call, body := range map[string]string{"GET /v1/rows/ids?first=x": "", "GET /v1/rows/users?first=0": "", "POST /v1/rows/read": `{"ids":["` + strings.Repeat(`t","`, 1000) + `t"]}`,
		"POST /v1/rows/sums": `{"keys":["` + strings.Repeat(`k","`, 1000) + `k"]}`, "PUT /v1/rows/bytes": "x", "POST /v1/rows/write": `{"threads":[{"id":""}]}`} {
		method, path, _ := strings.Cut(call, " ")
		b.want(b.send(method, path, body, asJSON, "Authorization: Bearer "+admin), 400, errs.Invalid)
	}
	none := start(t)
	none.want(none.send("GET", "/v1/rows", ""), 501, errs.Unsupported)
}
