package server_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/componenttest"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
)

// rooms are in memory, with the bucket that their artifacts lie in.
func rooms() (componenttest.Rooms, *artifacttest.Bucket, store.Store) {
	st, bucket := memory.Open(), &artifacttest.Bucket{}
	kept := artifact.New(bucket, st.Artifacts(), artifact.Options{})
	return componenttest.Rooms{Components: component.New(st.Components(), component.Options{Artifacts: kept, Name: "test"}), Artifacts: kept}, bucket, st
}

func TestWhatAKeyMayDoWithComponents(t *testing.T) {
	file, use := withKeys(t, nil)
	all, _, _ := rooms()
	b, ctx := start(t, use, withRooms(all)), t.Context()
	as := func(user string, scopes ...keys.Scope) *client.Client {
		return b.client(b.url, client.Options{APIKey: token(t, file, "", scopes...), User: user})
	}
	m := &component.Model{Base: component.Base{Identifier: "m"}, Kind: "hash"}
	w := component.Newest("model", "m")
	read, write, admin := as("", keys.Read), as("", keys.Read, keys.Write), as("", keys.Admin)
	if _, err := admin.Components().Apply(ctx, m); err != nil {
		t.Fatal(err)
	}
	info, err := write.Artifacts().Put(ctx, strings.NewReader("x"), "")
	if err != nil {
		t.Fatal(err)
	}
	large := &component.Model{Base: component.Base{Identifier: "l"}, Artifacts: map[string]component.Bytes{"w": {Data: make([]byte, 1<<20)}}}
	for name, call := range map[string]func(*client.Client) error{
		"plan":     func(c *client.Client) error { _, err := c.Components().Plan(ctx, m); return err },
		"foresee":  func(c *client.Client) error { _, err := c.Components().Plan(ctx, large); return err },
		"list":     func(c *client.Client) error { _, err := c.Components().List(ctx, "", false); return err },
		"versions": func(c *client.Client) error { _, err := c.Components().Versions(ctx, "model", "m", false); return err },
		"load":     func(c *client.Client) error { _, err := c.Components().Load(ctx, w); return err },
		"parents":  func(c *client.Client) error { _, err := c.Components().Parents(ctx, w); return err },
		"stat":     func(c *client.Client) error { _, err := c.Artifacts().Stat(ctx, info.Digest); return err },
		"users":    func(c *client.Client) error { _, err := c.Components().Users(ctx, info.Digest); return err },
	} {
		if err := call(read); err != nil {
			t.Errorf("who reads may not %s: %v", name, err)
		}
		if err := call(as("ann", keys.Admin)); errs.KindOf(err) != errs.Forbidden {
			t.Errorf("who acts for a user may %s: %v", name, err)
		}
	}
	for name, call := range map[string]func(*client.Client) error{
		"apply":   func(c *client.Client) error { _, err := c.Components().Apply(ctx, m); return err },
		"replace": func(c *client.Client) error { _, err := c.Components().Replace(ctx, m, true); return err },
		"remove": func(c *client.Client) error {
			_, err := c.Components().Remove(ctx, w, component.RemoveOptions{DryRun: true})
			return err
		},
		"unhide": func(c *client.Client) error { _, err := c.Components().Unhide(ctx, w); return err },
		"purge":  func(c *client.Client) error { _, err := c.Components().Purge(ctx, component.Which{}); return err },
		"drop":   func(c *client.Client) error { return c.Components().Drop(ctx, component.DropOptions{Confirm: "test"}) },
	} {
		for who, c := range map[string]*client.Client{"reads": read, "writes": write, "acts for a user": as("ann", keys.Admin)} {
			if err := call(c); errs.KindOf(err) != errs.Forbidden {
				t.Errorf("who %s may %s: %v", who, name, err)
			}
		}
		if name == "drop" {
			continue // it would be gone for the others
		}
		if err := call(admin); err != nil {
			t.Errorf("the administrator may not %s: %v", name, err)
		}
	}
	if _, err := read.Artifacts().Put(ctx, strings.NewReader("y"), ""); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("who reads puts: %v", err)
	}
	if _, err := as("ann", keys.Admin).Artifacts().Put(ctx, strings.NewReader("y"), ""); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("who acts for a user puts: %v", err)
	}
	if err := admin.Components().Drop(ctx, component.DropOptions{Confirm: "test"}); err != nil {
		t.Errorf("the administrator may not drop: %v", err)
	}
}

const asYAML = "Content-Type: application/yaml"

func TestDeclarationsInBodies(t *testing.T) {
	all, _, _ := rooms()
	b := start(t, withRooms(all), func(o *server.Options) { o.MaxBody = 1 << 16 })
	for _, c := range []struct {
		method, path, header, body string
		status                     int
		has                        string
	}{
		{"POST", "/v1/plan", asYAML, "type_id: model\nidentifier: m\nkind: hash\n", 200, `"created":[{"type_id":"model","identifier":"m","version":0}]`},
		{"POST", "/v1/apply", asYAML, "type_id: model\nidentifier: m\nkind: hash\n---\n- {type_id: metric, identifier: a}\n", 200, `"jobs":[]`},
		{"POST", "/v1/apply", asJSON, `{"type_id":"model","identifier":"m","kind":"hash"}`, 200, `"created":[],"updated":[],"unchanged":[{"type_id":"model"`},
		{"POST", "/v1/apply?policy=always", asJSON, `[{"type_id":"model","identifier":"m","kind":"hash"}]`, 200, `"version":1`},
		{"POST", "/v1/apply?policy=never", asJSON, `[]`, 400, `"field":"policy"`},
		{"POST", "/v1/apply", asJSON, `[{"type_id":"model","identifier":"m"},{"type_id":"listener","identifier":"l","keey":1}]`, 400, `"field":"[1].keey"`},
		{"POST", "/v1/apply", asYAML, "type_id: model\nidentifier: m\nkind: [\n", 400, `"kind":"invalid"`},
		{"POST", "/v1/apply", asJSON, ``, 400, `"kind":"invalid"`},
		{"POST", "/v1/apply", asJSON, `{"type_id":"dataset","identifier":"d","select":{"select":{"from":"t"}},"raw_data":"&:blob:../../etc/passwd"}`, 400, `"field":"raw_data"`},
		{"POST", "/v1/apply", asJSON, `{"type_id":"model","identifier":"p","artifacts":{"w":"file:///etc/passwd"}}`, 200, `"identifier":"p"`},
		{"POST", "/v1/apply", asJSON, `{"type_id":"model","identifier":"x","config":{"password":"hush"}}`, 400, `"field":"model/x.config.password"`},
		{"GET", "/v1/components/model/p/newest", "", "", 200, `"artifacts":{"w":"file:///etc/passwd"}`},
		{"POST", "/v1/fill", asJSON, `{"template":{"type_id":"template","identifier":"t","template":{"type_id":"model","identifier":"<var:n>","config":{"d":"<var:d>"}}},"values":{"n":"m","d":12345678901234567890}}`,
			200, `"config":{"d":12345678901234567890}`},
		{"POST", "/v1/fill", asJSON, `{"template":{"type_id":"template","identifier":"t","template":{"type_id":"model","identifier":"<var:n>"}}}`, 400, `"field":"n"`},
		{"POST", "/v1/fill", asJSON, `{"template":{"type_id":"model","identifier":"m"},"values":{}}`, 400, `"field":"template"`},
		{"POST", "/v1/fill", asJSON, `{"template":{"type_id":"template","identifier":"t","template":{}},"vals":{}}`, 400, `"kind":"invalid"`},
		{"POST", "/v1/fill", asJSON, `{}`, 400, `"kind":"invalid"`},
		{"PUT", "/v1/components/model/other", asJSON, `{"type_id":"model","identifier":"m"}`, 400, `"field":"identifier"`},
		{"PUT", "/v1/components/model/none", asJSON, `{"type_id":"model","identifier":"none"}`, 404, `"kind":"not_found"`},
		{"PUT", "/v1/components/model/none?upsert=true", asJSON, `{"type_id":"model","identifier":"none"}`, 200, `"version":0`},
		{"GET", "/v1/components/model/m/last", "", "", 400, `"field":"version"`},
		{"GET", "/v1/components/model/m/7", "", "", 404, `"kind":"not_found"`},
		{"GET", "/v1/components/model/m/0?form=half", "", "", 400, `"field":"form"`},
		{"GET", "/v1/components/-/0123", "", "", 404, `"field":"uuid"`},
		{"GET", "/v1/components?first=1", "", "", 200, `"hasNextPage":true`},
		{"GET", "/v1/components?cursor=v1.x", "", "", 400, `"field":"cursor"`},
		{"POST", "/v1/purge", asJSON, `{"identifer":"m"}`, 400, `"kind":"invalid"`},
		{"POST", "/v1/drop", asJSON, `{"confirm":"default"}`, 400, `\"test\"`},
		{"DELETE", "/v1/components/model/m/newest", "Varve-Client: t", "", 200, `"removed":[{"type_id":"model","identifier":"m","version":1`},
		{"DELETE", "/v1/components/model/m?dry_run=true", "Varve-Client: t", "", 400, `"field":"dry_run"`},
		{"DELETE", "/v1/components/model/m/newest?dryrun=true", "Varve-Client: t", "", 400, `"field":"dryrun"`},
		{"POST", "/v1/apply?polcy=always", asJSON, `{"type_id":"model","identifier":"m"}`, 400, `"field":"polcy"`},
		{"DELETE", "/v1/components/model/m?dryRun=maybe", "Varve-Client: t", "", 400, `"field":"dryRun"`},
		{"DELETE", "/v1/components/model/m", "Varve-Client: t", "", 200, `"version":0`},
	} {
		var headers []string
		if c.header != "" {
			headers = append(headers, c.header)
		}
		r := b.send(c.method, c.path, c.body, headers...)
		if r.status != c.status || !strings.Contains(r.body, c.has) || strings.Contains(r.body, "hush") {
			t.Errorf("%s %s %.80s\nis answered by %d %s, want %d with %s", c.method, c.path, c.body, r.status, r.body, c.status, c.has)
		}
		document(t).check(t, "0: "+c.method+" "+c.path, c.method, r)
	}
}

// A version as it is told in its three forms. What another Varve stored that
// must not be shown is in none of them.
func TestFormsOfAComponent(t *testing.T) {
	all, _, db := rooms()
	b := start(t, withRooms(all))
	theirs := component.Record{Ref: component.Ref{Name: component.Name{Type: "model", Identifier: "theirs"}, UUID: strings.Repeat("0", 32)}, Status: component.Ready,
		Body: component.Raw(`{"type_id":"model","identifier":"theirs","config":{"password":"hush","url":"x://u:hush@h"}}`)}
	if err := db.Components().Commit(t.Context(), component.Batch{At: b.clock.now(), Create: []component.Record{theirs}}); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"record", "whole", "parts"} {
		if r := b.send("GET", "/v1/components/model/theirs/newest?form="+form, ""); r.status != 200 || strings.Contains(r.body, "hush") {
			t.Errorf("%s: %d %s", form, r.status, r.body)
		}
	}
	b.want(b.send("POST", "/v1/apply", `{"type_id":"listener","identifier":"l","key":"x","model":{"type_id":"model","identifier":"m","kind":"hash"}}`, asJSON), 200, "")
	for form, has := range map[string]string{
		"record": `"model":"&:component:model:m"`,
		"whole":  `"model":{"identifier":"m","kind":"hash","type_id":"model"`,
		"parts":  `"children":{"model":"`,
	} {
		r := b.send("GET", "/v1/components/listener/l/newest?form="+form, "")
		if r.status != 200 || !strings.Contains(r.body, has) {
			t.Errorf("%s: %d %s", form, r.status, r.body)
		}
		if form == "whole" {
			b.want(b.send("POST", "/v1/plan", r.body, asJSON), 200, "")
			if again := b.send("POST", "/v1/plan", r.body, asJSON); !strings.Contains(again.body, `"created":[],"updated":[]`) {
				t.Errorf("what was told whole is no declaration of it: %s", again.body)
			}
		}
	}
}

func TestArtifactsAsTheyAreSent(t *testing.T) {
	all, bucket, db := rooms()
	b := start(t, withRooms(all), func(o *server.Options) { o.MaxContent, o.MaxBody = 1<<20, 1<<10 })
	const mine = "Varve-Client: t"
	b.want(b.send("POST", "/v1/artifacts", "x", "Content-Type: text/plain"), 403, errs.Forbidden) // a page could send it
	large := strings.Repeat("0123456789abcdef", 1<<15)
	d, _, err := artifact.Sum(t.Context(), strings.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	at := "/v1/artifacts/" + string(d)
	b.want(b.send("PUT", at, large[1:], mine), 400, errs.Invalid)
	b.want(b.send("GET", at, ""), 404, errs.NotFound)
	b.want(b.send("PUT", at, large, mine, "Content-Type: text/html"), 200, "")
	b.want(b.send("GET", "/v1/artifacts/..%2F..%2Fetc%2Fpasswd", ""), 400, errs.Invalid)
	b.want(b.send("GET", "/v1/artifacts/"+strings.ToUpper(string(d)), ""), 400, errs.Invalid)
	r := b.send("GET", at, "", "Range: bytes=1-2")
	if r.status != 200 || r.body != large || r.header.Get("Accept-Ranges") != "none" || r.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") || !strings.Contains(r.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the bytes come as %d, %d of them, %v", r.status, len(r.body), r.header)
	}
	if r := b.send("HEAD", at, ""); r.status != 200 || r.header.Get("Content-Length") != "524288" || r.header.Get("Varve-Media-Type") != "text/html" {
		t.Errorf("HEAD tells %d %v", r.status, r.header)
	}
	if r := b.send("GET", at, "", "If-None-Match: "+r.header.Get("ETag")); r.status != 304 || r.body != "" {
		t.Errorf("what did not change is sent again: %d", r.status)
	}
	if r := b.send("GET", "/v1/artifacts", ""); !strings.Contains(r.body, `"digest":"`+string(d)) {
		t.Errorf("the list is %s", r.body)
	}

	bucket.Harm(t, d, db.Artifacts(), func(all []byte) []byte { all[0] ^= 1; return all })
	res, err := http.Get(b.url + at)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got strings.Builder
	if err := res.Write(&got); err == nil {
		t.Error("bytes that were tampered with come whole")
	}
	if err := b.server.Stop(); err != nil { // when every request has its line
		t.Error(err)
	}
	if line := b.log.String(); !strings.Contains(line, "are damaged") || !strings.Contains(line, `"level":"ERROR"`) {
		t.Errorf("the log does not say what is wrong: %s", line)
	}
}

func TestASmallArtifactThatWasTamperedWith(t *testing.T) {
	all, bucket, db := rooms()
	b := start(t, withRooms(all))
	small, err := all.Artifacts.Put(t.Context(), strings.NewReader("small"), "")
	if err != nil {
		t.Fatal(err)
	}
	bucket.Harm(t, small.Digest, db.Artifacts(), func([]byte) []byte { return []byte("smell") })
	r := b.send("GET", "/v1/artifacts/"+string(small.Digest), "")
	b.want(r, 500, errs.Internal)
	if strings.Contains(r.body, "smell") || r.header.Get("Etag") != "" {
		t.Errorf("%v %s", r.header, r.body)
	}
}

// A refusal may come before all of the body has left, which a connection does
// not always survive: so these go without one.
func TestWhatIsTooLarge(t *testing.T) {
	all, _, _ := rooms()
	b := start(t, withRooms(all), func(o *server.Options) { o.MaxContent, o.MaxBody = 2000, 1000 })
	direct := func(path, body, header string, told bool) reply {
		name, value, _ := strings.Cut(header, ": ")
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.UnixAddr{}), "POST", path, strings.NewReader(body))
		r.Header.Set(name, value)
		if !told {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		b.server.Handler().ServeHTTP(w, r)
		return reply{w.Code, w.Header(), w.Body.String()}
	}
	for _, told := range []bool{true, false} {
		b.want(direct("/v1/apply", `{"type_id":"model","identifier":"m","description":"`+strings.Repeat("x", 1000)+`"}`, asJSON, told), 413, errs.TooLarge)
		b.want(direct("/v1/apply", strings.Repeat("# x\n", 300), asYAML, told), 413, errs.TooLarge)
		b.want(direct("/v1/plan", `[]`+strings.Repeat(" ", 998), asJSON, told), 200, "")
		b.want(direct("/v1/artifacts", strings.Repeat("x", 2001), "Content-Type: text/plain", told), 413, errs.TooLarge)
		b.want(direct("/v1/artifacts", strings.Repeat("x", 2000), "Content-Type: text/plain", told), 200, "")
	}
	if kept, err := all.Artifacts.List(t.Context(), "", 10); err != nil || len(kept) != 1 {
		t.Errorf("kept are %v, %v", kept, err)
	}
}

func TestFoldersOverHTTP(t *testing.T) {
	all, _, _ := rooms()
	b := start(t, withRooms(all))
	x, err := all.Artifacts.Put(t.Context(), strings.NewReader("x"), "")
	if err != nil {
		t.Fatal(err)
	}
	file := func(path string, d artifact.Digest) string {
		return `{"path":"` + path + `","digest":"` + string(d) + `"}`
	}
	good := b.send("POST", "/v1/artifacts/folders", `{"files":[`+file("b/c", x.Digest)+`,`+file("a", x.Digest)+`]}`, asJSON)
	b.want(good, 200, "")
	want, err := artifact.SumFolder(t.Context(), os.DirFS(folderOf(t, map[string]string{"a": "x", "b/c": "x"})))
	if err != nil || !strings.Contains(good.body, string(want.Digest)) {
		t.Errorf("the folder is %s, want %s, %v", good.body, want.Digest, err)
	}
	if r := b.send("GET", "/v1/artifacts/"+string(want.Digest)+"/files", ""); !strings.Contains(r.body, `{"path":"b/c","size":1,`) {
		t.Errorf("its files are %s", r.body)
	}
	b.want(b.send("GET", "/v1/artifacts/"+string(x.Digest)+"/files", ""), 400, errs.Invalid)
	for _, bad := range []string{file("../a", x.Digest), file("/a", x.Digest), file("a", x.Digest) + "," + file("a", x.Digest), file("a", want.Digest[:63]+"0"), file("a", "x")} {
		b.want(b.send("POST", "/v1/artifacts/folders", `{"files":[`+bad+`]}`, asJSON), 400, errs.Invalid)
	}
}

func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if at := strings.LastIndexByte(name, '/'); at > 0 {
			if err := os.MkdirAll(dir+"/"+name[:at], 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Where the rooms are not there it is said.
func TestComponentsThatThereAreNot(t *testing.T) {
	b := start(t)
	b.want(b.send("GET", "/v1/components", ""), 501, errs.Unsupported)
	b.want(b.send("GET", "/v1/artifacts", ""), 501, errs.Unsupported)
	b.want(b.send("POST", "/v1/apply", `[]`, asJSON), 501, errs.Unsupported)
}
