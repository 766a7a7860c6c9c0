package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/store/memory"
)

func newService(t testing.TB, files chat.Files) *chat.Service {
	s := chat.NewService(memory.Open().Chat(), chat.Options{Files: files})
	t.Cleanup(func() { s.Close() })
	return s
}

func bearer(token string) string { return "Authorization: Bearer " + token }

func TestScopes(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use)
	read, write, admin := token(t, file, "", keys.Read), token(t, file, "", keys.Write), token(t, file, "", keys.Admin)
	for _, c := range []struct {
		method, path, body string
		read, write, admin int
	}{
		{"PUT", "/v1/steps/s", `{"threadId":"t","type":"tool","input":"hidden"}`, 403, 200, 200},
		{"GET", "/v1/steps/s", "", 200, 403, 200},
		{"HEAD", "/v1/steps/s", "", 200, 403, 200},
		{"GET", "/v1/steps/s?raw=true", "", 403, 403, 200},
		{"GET", "/v1/threads/t?raw=1", "", 403, 403, 200},
		{"GET", "/v1/favorites?userId=u&raw=true", "", 403, 403, 200},
		{"GET", "/v1/threads", "", 403, 403, 200},
		{"GET", "/v1/threads?userId=u", "", 200, 403, 200},
		{"GET", "/metrics", "", 200, 403, 200},
		{"PUT", "/v1/objects/k", "x", 403, 200, 200},
		{"GET", "/v1/objects/k", "", 200, 403, 200},
		{"DELETE", "/v1/objects/k", "", 403, 204, 404},
		{"DELETE", "/v1/steps/s", "", 403, 204, 404},
	} {
		for _, as := range []struct {
			token string
			want  int
		}{{read, c.read}, {write, c.write}, {admin, c.admin}} {
			if r := b.send(c.method, c.path, c.body, asJSON, bearer(as.token)); r.status != as.want {
				t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, r.status, as.want, r.body)
			}
		}
	}
}

func TestAListForAUserNeedsNoAdmin(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use)
	if r := b.send("GET", "/v1/threads", "", bearer(token(t, file, "", keys.Read)), "Varve-User: ada"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestAKeyBelongsToOneDatabase(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use, func(o *server.Options) {
		o.Databases = append(o.Databases, server.Database{Name: "other", Chat: newService(t, nil)})
	})
	mine := b.client(b.url, client.Options{APIKey: token(t, file, "", keys.Admin)}).Chat()
	other := b.client(b.url, client.Options{APIKey: token(t, file, "other", keys.Admin)}).Chat()
	lost := b.client(b.url, client.Options{APIKey: token(t, file, "nowhere", keys.Admin)}).Chat()
	ctx := t.Context()
	if _, err := other.PutStep(ctx, chat.Step{ID: "s", ThreadID: "t", Type: "run"}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Step(ctx, chat.Ref{ID: "s"}); err != nil {
		t.Errorf("its own database: %v", err)
	}
	if _, err := mine.Step(ctx, chat.Ref{ID: "s"}); errs.KindOf(err) != errs.NotFound {
		t.Errorf("another database shows: %v", err)
	}
	if _, err := lost.Step(ctx, chat.Ref{ID: "s"}); errs.KindOf(err) != errs.NotFound {
		t.Errorf("a database that is not here: %v", err)
	}
	key := token(t, file, "", keys.Admin)
	b.want(b.send("GET", "/v1/steps/s", "", bearer(key), "Varve-Database: other"), 403, errs.Forbidden)
	b.want(b.send("GET", "/v1/objects/k", "", bearer(token(t, file, "other", keys.Read))), 501, errs.Unsupported)
	// The socket may choose.
	s := b.client("unix:"+b.socket, client.Options{Database: "other"}).Chat()
	if _, err := s.Step(ctx, chat.Ref{ID: "s"}); err != nil {
		t.Errorf("by name: %v", err)
	}
}

func TestWrongKeysAreRefused(t *testing.T) {
	clock := newClock()
	file, use := withKeys(t, clock.now)
	b := start(t, use)
	key, good, err := file.Create(keys.Spec{Scopes: []keys.Scope{keys.Read}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ok := func() bool { return b.send("GET", "/v1/threads?userId=u", "", bearer(good)).status == 200 }
	if !ok() {
		t.Fatal("a good key is refused")
	}
	for _, header := range []string{"", "Authorization: Bearer ", "Authorization: Bearer varve_x_y", "Authorization: Basic " + good,
		"Authorization: " + good, bearer(good + "x"), bearer(strings.ToUpper(good))} {
		headers := []string{asJSON}
		if header != "" {
			headers = append(headers, header)
		}
		r := b.send("GET", "/v1/threads?userId=u", "", headers...)
		b.want(r, 401, errs.Unauthenticated)
		if r.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: no WWW-Authenticate", header)
		}
	}
	clock.advance(2 * time.Hour)
	if ok() {
		t.Error("an expired key passes")
	}
	clock.advance(-2 * time.Hour)
	if err := file.Revoke(key.ID); err != nil {
		t.Fatal(err)
	}
	if ok() {
		t.Error("a revoked key passes")
	}
	b.want(b.send("GET", "/v1/threads", ""), 401, errs.Unauthenticated)
}

func TestTheFirstKeyClosesTheDoor(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use)
	if r := b.send("GET", "/v1/threads", ""); r.status != 200 {
		t.Fatalf("before: %d", r.status)
	}
	token(t, file, "", keys.Read)
	b.want(b.send("GET", "/v1/threads", ""), 401, errs.Unauthenticated)
	for _, open := range []string{"/healthz", "/readyz", "/openapi.json"} {
		if r := b.send("GET", open, ""); r.status != 200 {
			t.Errorf("%s: %d", open, r.status)
		}
	}
}

func TestIDsOfUsersAreForAdmins(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use)
	body := `{"id":"chosen","createdAt":"2020-01-01T00:00:00Z"}`
	r := b.send("PUT", "/v1/users/a", body, asJSON, bearer(token(t, file, "", keys.Write)))
	if r.status != 200 || strings.Contains(r.body, "chosen") || strings.Contains(r.body, "2020") {
		t.Errorf("write: %d %s", r.status, r.body)
	}
	r = b.send("PUT", "/v1/users/b", body, asJSON, bearer(token(t, file, "", keys.Admin)))
	if r.status != 200 || !strings.Contains(r.body, "chosen") || !strings.Contains(r.body, "2020-01-01T00:00:00.000000Z") {
		t.Errorf("admin: %d %s", r.status, r.body)
	}
}

func TestTheLogHasNoSecrets(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use)
	key := token(t, file, "", keys.Admin)
	put := b.send("PUT", "/v1/objects/hush-key", "hush-content", "Content-Type: text/plain", bearer(key))
	_, query, _ := strings.Cut(put.body, "signature=")
	signature, _, _ := strings.Cut(query, `"`)
	if signature == "" {
		t.Fatalf("no signature in %s", put.body)
	}
	b.send("GET", "/v1/objects/hush-key?signature="+signature, "")
	b.send("PUT", "/v1/steps/s", `{"threadId":"t","output":"hush-body"}`, asJSON, bearer(key))
	b.send("PUT", "/v1/steps/s", `{"threadId":"t","output":["hush-body"]}`, asJSON, bearer(key))
	b.send("GET", "/v1/threads?search=hush-search", "", bearer(key))
	b.send("GET", "/v1/threads", "", bearer("varve_hush_hush"))
	log := b.log.String()
	if !strings.Contains(log, "PUT /v1/steps/{stepId}") {
		t.Fatalf("no access log: %s", log)
	}
	secret := key[strings.LastIndex(key, "_")+1:]
	for _, hush := range []string{"hush", secret, signature} {
		if strings.Contains(log, hush) {
			t.Errorf("the log tells %q:\n%s", hush, log)
		}
	}
}
