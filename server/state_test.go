package server_test

import (
	"errors"
	"testing"

	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

var owned = state.Schema{Name: "todos", Key: []string{"id"}, Owner: "user_id", Columns: []state.Column{
	{Name: "id", Type: state.Text}, {Name: "user_id", Type: state.Text}, {Name: "body", Type: state.Text}}}

func withState(o *server.Options) {
	o.Databases[0].State = state.NewService(memory.Open().State(), state.Options{})
}

// Even a caller that asks the port itself sees and writes what the acting
// user may.
func TestAnActingUserIsHeldToTheirRows(t *testing.T) {
	b, ctx := start(t, withState), t.Context()
	all := b.client(b.url, client.Options{}).State()
	ada := b.client(b.url, client.Options{User: "ada"}).State()
	table, err := all.Declare(ctx, owned)
	if err != nil {
		t.Fatal(err)
	}
	row := func(op state.Op, id string, more map[string]any) []state.Write {
		values := map[string]any{"id": id}
		for k, v := range more {
			values[k] = v
		}
		return []state.Write{{Op: op, Key: id, Values: values}}
	}
	bob := map[string]any{"user_id": "bob"}
	if _, err := all.Write(ctx, "todos", row(state.OpAppend, "bob's", bob)); err != nil {
		t.Fatal(err)
	}
	made, err := ada.Write(ctx, "todos", row(state.OpAppend, "mine", nil))
	if err != nil || made[0].Values[1] != "ada" || made[0].Actor != "ada" {
		t.Fatalf("%+v %v", made, err)
	}
	owner := "bob" // what a caller says of itself counts for nothing
	for name, c := range map[string]struct {
		writes []state.Write
		want   errs.Kind
	}{
		"update":  {row(state.OpUpdate, "bob's", nil), errs.NotFound},
		"delete":  {[]state.Write{{Op: state.OpDelete, Key: "bob's", Owner: &owner}}, errs.NotFound},
		"restore": {[]state.Write{{Op: state.OpRestore, Key: "bob's", Source: 1}}, errs.NotFound},
		"put":     {row(state.OpPut, "bob's", nil), errs.Exists},
		"give":    {row(state.OpUpdate, "mine", bob), errs.Forbidden},
	} {
		if _, err := ada.Write(ctx, "todos", c.writes); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := ada.Get(ctx, &table, "bob's", 0); !errors.Is(err, errs.NotFound) {
		t.Errorf("get: %v", err)
	}
	if v, err := ada.History(ctx, &table, "bob's", 0, 10); err != nil || len(v) != 0 {
		t.Errorf("history: %v %v", v, err)
	}
	for name, read := range map[string]func() ([]state.Version, error){
		"scan": func() ([]state.Version, error) { return ada.Scan(ctx, &table, state.Scan{Limit: 10}) },
		"log":  func() ([]state.Version, error) { return ada.Log(ctx, &table, 0, 10) },
	} {
		if v, err := read(); err != nil || len(v) != 1 || v[0].Values[0] != "mine" {
			t.Errorf("%s: %v %v", name, v, err)
		}
	}
	for name, err := range map[string]error{
		"clear":   ada.Clear(ctx, []string{"todos"}),
		"compact": func() error { _, err := ada.Compact(ctx, &table, 1, 0); return err }(),
	} {
		if !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScopesOfTables(t *testing.T) {
	file, use := withKeys(t, nil)
	b := start(t, use, withState)
	read, write, admin := token(t, file, "", keys.Read), token(t, file, "", keys.Write), token(t, file, "", keys.Admin)
	const declared = `{"columns":[{"name":"id","type":"text"},{"name":"who","type":"text"}],"key":["id"],"owner":"who"}`
	for _, c := range []struct {
		method, path, body, user string
		read, write, admin       int
	}{
		{"PUT", "/v1/state/todos", declared, "", 403, 200, 200},
		{"GET", "/v1/state", "", "", 200, 403, 200},
		{"POST", "/v1/state/todos/scan", `{}`, "", 403, 403, 200},
		{"POST", "/v1/state/todos/scan", `{}`, "ada", 200, 403, 200},
		{"POST", "/v1/state/todos/versions", `{"writes":[]}`, "", 403, 403, 200},
		{"POST", "/v1/state/todos/versions", `{"writes":[]}`, "ada", 403, 200, 200},
		{"GET", "/v1/state/todos/row?key=x", "", "ada", 404, 403, 404},
		{"POST", "/v1/state/todos/compact", `{"horizon":1}`, "", 403, 403, 200},
		{"DELETE", "/v1/state?table=todos", "", "", 403, 403, 204},
	} {
		for _, as := range []struct {
			token string
			want  int
		}{{read, c.read}, {write, c.write}, {admin, c.admin}} {
			headers := []string{asJSON, bearer(as.token)}
			if c.user != "" {
				headers = append(headers, "Varve-User: "+c.user)
			}
			if r := b.send(c.method, c.path, c.body, headers...); r.status != as.want {
				t.Errorf("%s %s as %q: %d, want %d: %s", c.method, c.path, c.user, r.status, as.want, r.body)
			}
		}
	}
}
