package server_test

import (
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
)

// What a web page can make a browser send without asking first: forms of three
// types, and requests with the headers a page may set.
func TestAPageOfAnotherOriginCannotWrite(t *testing.T) {
	b := start(t)
	form := "--b\r\nContent-Disposition: form-data; name=\"element\"\r\n\r\n{\"type\":\"file\"}\r\n--b--\r\n"
	attacks := []struct {
		about, method, path, body string
		headers                   []string
	}{
		{"a form of text/plain", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{"Content-Type: text/plain", "Origin: https://evil.example"}},
		{"the same without an origin", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{"Content-Type: text/plain"}},
		{"no type at all", "PUT", "/v1/steps/s", `{"threadId":"t"}`, nil},
		{"a urlencoded form", "PUT", "/v1/users/u", `{"metadata":{}}`, []string{"Content-Type: application/x-www-form-urlencoded", "Origin: null"}},
		{"a multipart form", "PUT", "/v1/threads/t/elements/e", form, []string{"Content-Type: multipart/form-data; boundary=b", "Origin: https://evil.example"}},
		{"a multipart form without an origin", "PUT", "/v1/threads/t/elements/e", form, []string{"Content-Type: multipart/form-data; boundary=b"}},
		{"JSON, had it passed a preflight", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{asJSON, "Origin: https://evil.example"}},
		{"JSON from a page at another port", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{asJSON, "Origin: http://127.0.0.1:1"}},
		{"JSON that says where it comes from", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{asJSON, "Sec-Fetch-Site: cross-site"}},
		{"a type that only looks like JSON", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{"Content-Type: text/plain; application/json"}},
		{"a delete", "DELETE", "/v1/threads/t", "", []string{"Origin: https://evil.example", "Varve-Client: x"}},
		{"a delete without anything", "DELETE", "/v1/threads/t", "", nil},
		{"bytes", "PUT", "/v1/objects/k", "x", []string{"Content-Type: text/plain"}},
		{"a rebound name", "PUT", "/v1/steps/s", `{"threadId":"t"}`, []string{asJSON, "Host: evil.example"}},
		{"a rebound name, reading", "GET", "/v1/threads", "", []string{"Host: evil.example:8484"}},
		{"a name that begins like ours", "GET", "/v1/threads", "", []string{"Host: localhost.evil.example"}},
		{"an address that is not loopback", "GET", "/v1/threads", "", []string{"Host: 192.168.0.1"}},
		{"a page reading", "GET", "/v1/threads", "", []string{"Origin: https://evil.example"}},
		{"somebody behind a proxy on this machine", "GET", "/v1/threads", "", []string{"X-Forwarded-For: 203.0.113.7"}},
		{"a page reading metrics", "GET", "/metrics", "", []string{"Origin: https://evil.example"}},
	}
	for _, a := range attacks {
		r := b.send(a.method, a.path, a.body, a.headers...)
		if r.status != 403 || r.kind() != errs.Forbidden {
			t.Errorf("%s: %d %s", a.about, r.status, r.body)
		}
		if r.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: the page may read the answer", a.about)
		}
	}
	if r := b.send("OPTIONS", "/v1/steps/s", "", "Origin: https://evil.example", "Access-Control-Request-Method: PUT"); r.status < 400 || r.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("a preflight passes: %d", r.status)
	}
	if r := b.send("GET", "/v1/threads", ""); !strings.Contains(r.body, `"data":[]`) {
		t.Errorf("something was written: %s", r.body)
	}
}

func TestThisMachineMayCallAnOpenServer(t *testing.T) {
	b := start(t)
	port := b.url[strings.LastIndex(b.url, ":"):]
	for _, host := range []string{"localhost" + port, "LOCALHOST", "app.localhost" + port, "127.0.0.1", "127.9.9.9" + port, "[::1]" + port, "localhost."} {
		if r := b.send("GET", "/v1/threads", "", "Host: "+host); r.status != 200 {
			t.Errorf("Host %s: %d %s", host, r.status, r.body)
		}
	}
	for _, headers := range [][]string{{asJSON}, {"Content-Type: application/json; charset=utf-8"}, {"Varve-Client: curl"},
		{asJSON, "Origin: " + b.url}, {asJSON, "Sec-Fetch-Site: same-origin"}} {
		if r := b.send("PUT", "/v1/steps/s", `{"threadId":"t"}`, headers...); r.status != 200 {
			t.Errorf("%v: %d %s", headers, r.status, r.body)
		}
	}
}

func TestAnAllowedOriginMayCall(t *testing.T) {
	b := start(t, func(o *server.Options) { o.CORSOrigins = []string{"https://app.example"} })
	r := b.send("OPTIONS", "/v1/steps/s", "", "Origin: https://app.example", "Access-Control-Request-Method: PUT")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "PUT") || !strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %d %v", r.status, r.header)
	}
	r = b.send("PUT", "/v1/steps/s", `{"threadId":"t"}`, asJSON, "Origin: https://app.example")
	if r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "https://app.example" || r.header.Get("Vary") != "Origin" {
		t.Errorf("write: %d %v", r.status, r.header)
	}
	b.want(b.send("PUT", "/v1/steps/s", `{"threadId":"t"}`, asJSON, "Origin: https://app.example.evil"), 403, errs.Forbidden)
}

func TestAStarOriginNeedsAKey(t *testing.T) {
	star := func(o *server.Options) { o.CORSOrigins = []string{"*"} }
	b := start(t, star)
	b.want(b.send("PUT", "/v1/steps/s", `{"threadId":"t"}`, asJSON, "Origin: https://any.example"), 403, errs.Forbidden)
	file, use := withKeys(t, nil)
	b = start(t, star, use)
	key := "Authorization: Bearer " + token(t, file, "", keys.Write)
	if r := b.send("PUT", "/v1/steps/s", `{"threadId":"t"}`, asJSON, "Origin: https://any.example", key); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestWithoutKeysOnlyLoopbackIsServed(t *testing.T) {
	files := signing{chattest.NewFiles(), nil, newClock().now}
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		s, err := server.New(server.Options{Listen: []string{address}, Databases: []server.Database{{Name: "default", Chat: newService(t, files)}}})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Start(t.Context())
		if err == nil {
			s.Stop()
			t.Fatalf("%s: it starts", address)
		}
		if errs.KindOf(err) == errs.Unavailable {
			continue // no IPv6 here
		}
		if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "varve keys create") {
			t.Errorf("%s: the error names no remedy: %v", address, err)
		}
	}
}

// A handler of its own, behind a connection that it knows nothing of, trusts
// nobody.
func TestAHandlerWithoutAConnectionTrustsNobody(t *testing.T) {
	b := start(t)
	w := httptest.NewRecorder()
	b.server.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/v1/threads", nil))
	if w.Code != 401 {
		t.Errorf("status %d", w.Code)
	}
}

func TestTheSocketIsPrivateAndOpen(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use)
	token(t, file, "", keys.Read)
	info, err := os.Stat(b.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	c := b.client("unix:"+b.socket, client.Options{})
	if _, err := c.Chat().Favorites(t.Context(), "u"); err != nil {
		t.Errorf("the socket is not open: %v", err)
	}
	b.want(b.send("GET", "/v1/threads", ""), 401, errs.Unauthenticated)
	// Whoever shows a key there is held to it.
	wrong := b.client("unix:"+b.socket, client.Options{APIKey: "varve_a_b"})
	if _, err := wrong.Chat().Favorites(t.Context(), "u"); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("a wrong key passes at the socket: %v", err)
	}
}

func TestASocketOfALivingServerIsNotTaken(t *testing.T) {
	b := start(t)
	again := func(path string) error {
		s, err := server.New(server.Options{Listen: []string{"unix:" + path}, Databases: []server.Database{b.database("default")}})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Start(t.Context())
		t.Cleanup(func() { s.Stop() })
		return err
	}
	if err := again(b.socket); errs.KindOf(err) != errs.Exists {
		t.Errorf("a living one: %v", err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := again(file); errs.KindOf(err) != errs.Exists {
		t.Errorf("a file: %v", err)
	}
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if err := again(stale); err != nil {
		t.Errorf("a stale one: %v", err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
	if err := again("/" + strings.Repeat("x", 200)); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a path too long: %v", err)
	}
}
