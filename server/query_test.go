package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

func withQuery(o *server.Options) {
	o.Databases[0].Query = query.NewService(memory.Open().Query(), query.Options{})
}

// The client satisfies the suite that the service satisfies.
func TestQueryOverHTTP(t *testing.T) {
	querytest.RunAPI(t, func(t *testing.T) querytest.API {
		b := start(t, withQuery)
		return b.client(b.url, client.Options{}).Query()
	})
}

func TestWhatAKeyMayAsk(t *testing.T) {
	file, use := withKeys(t, nil)
	b, ctx := start(t, use, withQuery), t.Context()
	as := func(scopes ...keys.Scope) *client.Query {
		return b.client(b.url, client.Options{APIKey: token(t, file, "", scopes...)}).Query()
	}
	insert := query.Into("docs").Rows(query.Row{"id": "a"})
	if _, err := as(keys.Read).Execute(ctx, insert); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("who reads inserts: %v", err)
	}
	if _, err := as(keys.Read, keys.Write).Execute(ctx, insert); err != nil {
		t.Errorf("who writes inserts: %v", err)
	}
	if r, err := as(keys.Read).Execute(ctx, query.From("docs")); err != nil {
		t.Errorf("who reads asks: %v", err)
	} else if rows, err := r.All(); err != nil || len(rows) != 1 {
		t.Errorf("who reads sees %v, %v", rows, err)
	}
	if _, err := as(keys.Read, keys.Write).Execute(ctx, query.SQL("select 1")); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("who writes asks in SQL: %v", err)
	}
	if err := as(keys.Read, keys.Write).DropTable(ctx, "docs"); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("who writes drops a table: %v", err)
	}
	if err := as(keys.Admin).DropTable(ctx, "docs"); err != nil {
		t.Errorf("the administrator drops a table: %v", err)
	}
}

// What the rooms keep from a key that acts for nobody and may not see
// everybody's, questions keep from it too.
func TestQuestionsShowNobodyElsesRows(t *testing.T) {
	file, use := withKeys(t, nil)
	db := memory.Open()
	b := start(t, use, func(o *server.Options) {
		d := &o.Databases[0]
		talks := chat.NewService(db.Chat(), chat.Options{})
		t.Cleanup(func() { talks.Close() })
		d.Chat, d.State = talks, state.NewService(db.State(), state.Options{})
		d.Lake, d.Query = lake.New(d.State, lake.Options{}), query.NewService(db.Query(), query.Options{})
	})
	key, admin := bearer(token(t, file, "", keys.Read, keys.Write)), bearer(token(t, file, "", keys.Admin))
	const user = "Varve-User: bob"
	if r := b.send("PUT", "/v1/users/bob", `{"id":"b"}`, asJSON, admin); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, c := range [][3]string{
		{"PATCH", "/v1/threads/t", `{"userId":"b"}`},
		{"PUT", "/v1/steps/s", `{"threadId":"t","type":"user_message","output":"bob's"}`},
		{"PUT", "/v1/lake/file?filename=a", `"bob's"`},
		{"PUT", "/v1/state/places", `{"columns":[{"name":"id","type":"text"}],"key":["id"]}`},
	} {
		if r := b.send(c[0], c[1], c[2], asJSON, key, user); r.status != 200 {
			t.Fatalf("%s: %d %s", c[1], r.status, r.body)
		}
	}
	ask := func(from string, headers ...string) reply {
		return b.send("POST", "/v1/execute", `{"select":{"from":"`+from+`"}}`, append(headers, asJSON)...)
	}
	for _, from := range []string{"users", "threads", "steps", "elements", "feedbacks", "lake", "lake_content"} {
		if r := ask(from, key); r.status != 403 || strings.Contains(r.body, "bob's") {
			t.Errorf("%s: %d %s", from, r.status, r.body)
		}
		if r := ask(from, admin); r.status != 200 {
			t.Errorf("an administrator asks %s: %d %s", from, r.status, r.body)
		}
	}
	for _, from := range []string{"places join steps on id = threadId", "places join lake_content on id = hash"} {
		q := `"` + from + `"`
		if r := b.send("POST", "/v1/execute", q, asJSON, key); r.status != 403 {
			t.Errorf("%s: %d %s", q, r.status, r.body)
		}
	}
	if r := ask("places", key); r.status != 200 {
		t.Errorf("rows of nobody: %d %s", r.status, r.body)
	}
	if r := ask("steps", key, user); r.status != 200 || !strings.Contains(r.body, "bob's") {
		t.Errorf("as bob: %d %s", r.status, r.body)
	}
	if r := b.send("GET", "/v1/tables", "", key); !strings.Contains(r.body, `"places"`) || strings.Contains(r.body, `"name":"steps"`) || strings.Contains(r.body, "lake") {
		t.Errorf("the list of tables: %s", r.body)
	}
}

// An answer that is not asked for line by line is one JSON value.
func TestAnAnswerAsOneValue(t *testing.T) {
	b := start(t, withQuery)
	for _, c := range [][2]string{
		{`{"insert": {"into": "docs", "rows": [{"id": "a", "n": 1}, {"id": "b", "n": 2}]}}`, `"ids":["a","b"]`},
		{`{"select": {"from": "docs", "columns": ["n"], "where": {"n": {">": 1}}}}`, `{"columns":[{"name":"n","type":"integer"}],"rows":[{"n":2}]}`},
		{`{"select": {"from": "docs", "where": {"n": 9}, "columns": ["n"]}}`, `"rows":[]`},
		{`"docs where n = 2 select n"`, `"rows":[{"n":2}]`},
		{`"docs where order = 'secret'"`, `"detail":"character 12: here`},
		{`{"select": {"from": "docs", "limt": 3}}`, `"field":"select.limt"`},
		{`{"select": {"from": "dogs"}}`, `"kind":"not_found"`},
		{`{"delete": {"from": "docs"}}`, `"kind":"invalid"`},
		{`{}`, `"kind":"invalid"`},
		{`{"update": {"table": "docs", "set": {"n": 5}, "where": {"id": "a"}}}`, `{"ids":["a"]}`},
		{`{"select": {"from": "docs", "like": {"document": {"n": 1}, "index": "i"}}}`, `"kind":"unsupported"`},
	} {
		response, err := http.Post(b.url+"/v1/execute", "application/json", strings.NewReader(c[0]))
		if err != nil {
			t.Fatal(err)
		}
		got := new(strings.Builder)
		if err := response.Write(got); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.String(), c[1]) {
			t.Errorf("%s\nis answered by %s", c[0], got)
		}
	}
}
