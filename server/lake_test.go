package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

func withLake(o *server.Options) {
	tables := state.NewService(memory.Open().State(), state.Options{})
	o.Databases[0].State, o.Databases[0].Lake = tables, lake.New(tables, lake.Options{Now: o.Now})
}

// What a lake on the server's tables enters is made there, and only there.
func TestFilesAreEnteredAtTheServer(t *testing.T) {
	b := start(t, withLake, func(o *server.Options) { o.Databases[0].Files = signing{chattest.NewFiles(), nil, time.Now} })
	c := b.client(b.url, client.Options{})
	here := lake.New(state.NewService(c.State(), state.Options{}), lake.Options{Bucket: c.Objects(), Enter: c.EnterFile})
	ctx := t.Context()
	first, err := here.By("me").Append(ctx, lake.File{Path: new("a"), Filename: "b", Labels: []string{"x,y"}, Version: new(int64(7))}, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := here.Get(ctx, lake.At("a/b"))
	if diff := cmp.Diff(first, got); err != nil || diff != "" || got.Actor != "me" || got.Value.ID == "" {
		t.Errorf("%v %+v\n%s", err, got, diff)
	}
	if _, err := here.Append(ctx, lake.File{Filename: "a"}, strings.NewReader("x")); !errors.Is(err, errs.Exists) {
		t.Errorf("a file beside a folder: %v", err)
	}
	if hers, err := here.As("ada").Put(ctx, lake.File{Filename: "a"}, strings.NewReader("hers")); err != nil || *hers.Value.UserID != "ada" {
		t.Errorf("%+v, %v", hers, err)
	}
	if err := here.Remove(ctx, lake.At("a/b")); err != nil {
		t.Fatal(err)
	}
	if r, err := here.Undo(ctx, lake.At("a/b")); err != nil || r.Version != 3 || r.Value.Hash != first.Value.Hash {
		t.Errorf("%+v, %v", r, err)
	}

	hash := first.Value.Hash
	for _, try := range []struct {
		name, hash string
		want       int
		kind       errs.Kind
	}{{"new", hash, 200, ""}, {"new", hash, 409, errs.Exists}, {"..", hash, 400, errs.Invalid}, {"none", strings.Repeat("0", 64), 400, errs.Invalid}, {"none", "", 400, errs.Invalid}} {
		b.want(b.send("POST", "/v1/lake/entries", fmt.Sprintf(`{"file":{"filename":%q,"size":5,"hash":%q}}`, try.name, try.hash), asJSON), try.want, try.kind)
	}
	b.want(b.send("POST", "/v1/lake/entries", `{"file":{"filename":"x","hash":"`+hash+`"}}`, asJSON, "Varve-User: ada"), 403, errs.Forbidden)
}

func fileIn(t *testing.T, body string) (f wire.File) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f
}

func TestFilesOverHTTP(t *testing.T) {
	b := start(t, withLake)
	const file = "/v1/lake/file?filename=test.txt"
	call := func(want int, method, path, body string, headers ...string) string {
		t.Helper()
		r := b.send(method, path, body, append(headers, "Varve-Client: test")...)
		if r.status != want {
			t.Fatalf("%s %s: %d, want %d: %s", method, path, r.status, want, r.body)
		}
		return r.body
	}
	call(404, "PUT", file+"&mode=update", "x")
	first := fileIn(t, call(200, "PUT", file+"&mode=append&label=a,b&label=&version=7", "hello world"))
	if first.Path != nil || first.UserID != nil || first.Size != 11 || *first.Version != 7 || len(first.Labels) != 2 || first.Number != 1 {
		t.Errorf("%+v", first)
	}
	call(409, "PUT", file+"&mode=append", "x")
	call(400, "PUT", file+"&mode=other", "x")
	call(400, "PUT", "/v1/lake/file?filename=..", "x")
	second := fileIn(t, call(200, "PUT", file, "hello world!"))
	if second.ID != first.ID || second.Number != 2 || *second.Version != 7 {
		t.Errorf("put takes away what it does not give: %+v", second)
	}
	if f := fileIn(t, call(200, "PATCH", file+"&status=read", "")); f.Hash != second.Hash || *f.Status != "read" {
		t.Errorf("%+v", f)
	}
	if f := fileIn(t, call(200, "PUT", file+"&mode=replace", "")); f.Size != 0 || f.Version != nil || f.Status != nil || f.Labels != nil {
		t.Errorf("%+v", f)
	}
	for query, want := range map[string]string{"": "", "&version=1": "hello world", "&version=2": "hello world!"} {
		if got := call(200, "GET", strings.Replace(file, "file?", "file/content?", 1)+query, ""); got != want {
			t.Errorf("content%s: %q", query, got)
		}
	}
	if got := call(206, "GET", "/v1/lake/file/content?filename=test.txt&version=2", "", "Range: bytes=6-10"); got != "world" {
		t.Errorf("a range: %q", got)
	}
	call(304, "GET", "/v1/lake/file/content?filename=test.txt&version=2", "", `If-None-Match: "`+second.Hash+`"`)
	call(404, "GET", file+"&path=", "") // an empty path is another one
	var history struct{ Data []wire.File }
	if err := json.Unmarshal([]byte(call(200, "GET", "/v1/lake/file/history?filename=test.txt", "")), &history); err != nil || len(history.Data) != 4 {
		t.Errorf("%+v %v", history, err)
	}
	call(204, "DELETE", file, "")
	call(404, "GET", file, "")
}

func TestLinksToFiles(t *testing.T) {
	now := newClock()
	b := start(t, func(o *server.Options) { o.Now = now.now }, withLake)
	b.send("PUT", "/v1/lake/file?filename=page.html", "<script>", "Varve-Client: test")
	r := b.send("POST", "/v1/lake/file/link?filename=page.html&ttl=60", "", "Varve-Client: test")
	var link struct{ URL string }
	if err := json.Unmarshal([]byte(r.body), &link); err != nil || r.status != 200 {
		t.Fatal(r.status, r.body)
	}
	got := b.send("GET", link.URL, "", "Origin: https://elsewhere.example")
	if got.status != 200 || got.body != "<script>" || !strings.Contains(got.header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	forged := link.URL[:len(link.URL)-4] + "AAAA"
	if r := b.send("GET", forged, ""); r.status != 403 {
		t.Errorf("a forged link: %d", r.status)
	}
	now.advance(61 * time.Second)
	if r := b.send("GET", link.URL, ""); r.status != 403 {
		t.Errorf("a link that is over: %d", r.status)
	}
}

func TestFilesAreTheirUsers(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use, withLake)
	key := bearer(token(t, file, "", keys.Read, keys.Write))
	send := func(method, path, user string) int {
		headers := []string{key, asJSON}
		if user != "" {
			headers = append(headers, "Varve-User: "+url.PathEscape(user))
		}
		body := "bytes of " + user
		if method == "POST" {
			body = "{}"
		}
		return b.send(method, path, body, headers...).status
	}
	const a = "/v1/lake/file?filename=a"
	for _, c := range []struct {
		method, path, user string
		want               int
	}{
		{"PUT", a, "", 403},
		{"PUT", a, "ada", 200},
		{"PUT", a, "bob", 200}, // another file
		{"PUT", a + "&user_id=ada", "bob", 403},
		{"GET", a + "&user_id=ada", "bob", 403},
		{"GET", a, "eve", 404},
		{"DELETE", a, "eve", 404},
		{"GET", "/v1/lake/files", "", 403},
		{"POST", "/v1/state/lake_content/scan", "ada", 403},
		{"GET", "/v1/state/LAKE_CONTENT/versions", "ada", 403},
		{"POST", "/v1/state/lake_content/scan", "", 403},
		{"POST", "/v1/state/lake_content/versions", "", 403},
		{"GET", "/v1/state/LAKE_CONTENT/versions", "", 403},
	} {
		if got := send(c.method, c.path, c.user); got != c.want {
			t.Errorf("%s %s as %q: %d, want %d", c.method, c.path, c.user, got, c.want)
		}
	}
	if r := b.send("GET", "/v1/lake/file/content?filename=a", "", key, "Varve-User: ada"); r.body != "bytes of ada" {
		t.Errorf("%q", r.body)
	}
}
