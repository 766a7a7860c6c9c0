package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/query/querytest"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
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
