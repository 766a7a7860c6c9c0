//go:build cgo && !no_duckdb

package server_test

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/analytics/duckdb"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

// answering gives the server a table of three numbers and an engine.
func answering(t *testing.T) func(*server.Options) {
	t.Helper()
	st := memory.Open()
	rows, err := state.NewService(st.State(), state.Options{}).Declare(t.Context(), state.Schema{Name: "numbers", Key: []string{"n"},
		Columns: []state.Column{{Name: "n", Type: state.Integer}, {Name: "name", Type: state.Text}}})
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range []string{"zero", "one", "two"} {
		if _, err := rows.Append(t.Context(), state.Row{"n": n, "name": name}); err != nil {
			t.Fatal(err)
		}
	}
	svc := analytics.NewService(analytics.Options{Open: func(ctx context.Context) (analytics.Engine, error) {
		return duckdb.Open(ctx, duckdb.Sources{State: st.State(), Chat: st.Chat(), Changes: st, ID: "test"}, duckdb.Options{})
	}})
	t.Cleanup(func() {
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(o *server.Options) { o.Databases[0].SQL = svc }
}

func TestQuestionsOverHTTP(t *testing.T) {
	b := start(t, answering(t))
	c := b.client(b.url, client.Options{})
	got, err := c.SQL(t.Context(), `SELECT n, name FROM numbers WHERE n > ? AND name <> ? ORDER BY n`, 0, "two")
	if diff := cmp.Diff([]map[string]any{{"n": 1.0, "name": "one"}}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	// An argument is what it was: large numbers, moments, nothing.
	at := time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)
	got, err = c.SQL(t.Context(), `SELECT CAST(? AS VARCHAR) AS large, CAST(CAST(? AS TIMESTAMP) AS VARCHAR) AS at, ? IS NULL AS nothing, ? AS yes`,
		int64(math.MaxInt64), at, nil, true)
	want := []map[string]any{{"large": "9223372036854775807", "at": "2026-11-21 12:00:00.123456", "nothing": true, "yes": true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestFormsOverHTTP(t *testing.T) {
	b := start(t, answering(t))
	c := b.client(b.url, client.Options{})
	const sql = `SELECT n, name FROM numbers WHERE n < 2 ORDER BY n`
	for format, want := range map[string]string{
		"":     "[\n{\"n\":0,\"name\":\"zero\"},\n{\"n\":1,\"name\":\"one\"}\n]\n",
		"json": "[\n{\"n\":0,\"name\":\"zero\"},\n{\"n\":1,\"name\":\"one\"}\n]\n",
		"csv":  "n,name\n0,zero\n1,one\n",
	} {
		if got := askAll(t, c, client.Question{SQL: sql, Format: format}); got != want {
			t.Errorf("%q: %q", format, got)
		}
	}
	for format, begins := range map[string]string{"parquet": "PAR1", "arrow-file": "ARROW1", "table": "n  name"} {
		if got := askAll(t, c, client.Question{SQL: sql, Format: format}); !strings.HasPrefix(got, begins) {
			t.Errorf("%q: %q", format, got)
		}
	}
	r, err := ipc.NewReader(strings.NewReader(askAll(t, c, client.Question{SQL: sql, Format: "arrow"})))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() || r.RecordBatch().NumRows() != 2 || r.RecordBatch().Column(1).ValueStr(1) != "one" {
		t.Errorf("Arrow: %v", r.Err())
	}

	body := `{"sql":"SELECT 1 AS one"}`
	for accept, kind := range map[string]string{
		"application/vnd.apache.arrow.stream":          "application/vnd.apache.arrow.stream",
		"text/html, Text/CSV; q=0.5, */*":              "text/csv; charset=utf-8",
		"*/*":                                          "application/json",
		"application/vnd.apache.parquet, text/csv":     "application/vnd.apache.parquet",
		"application/vnd.apache.arrow.file;q=1, */*":   "application/vnd.apache.arrow.file",
		"application/octet-stream, application/banana": "application/json",
	} {
		got := b.send("POST", "/v1/sql", body, asJSON, "Accept: "+accept)
		if got.status != 200 || got.header.Get("Content-Type") != kind || !strings.HasPrefix(got.header.Get("Varve-Engine"), "DuckDB v") {
			t.Errorf("%s: %d, %v", accept, got.status, got.header)
		}
	}
	// The body goes before the header.
	if got := b.send("POST", "/v1/sql", `{"sql":"SELECT 1 AS one","format":"csv"}`, asJSON, "Accept: application/json"); got.body != "one\n1\n" {
		t.Errorf("%q", got.body)
	}
}

func askAll(t *testing.T, c *client.Client, q client.Question) string {
	t.Helper()
	a, err := c.Ask(t.Context(), q)
	if err != nil {
		t.Fatalf("%q: %v", q.Format, err)
	}
	defer a.Close()
	raw, err := io.ReadAll(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhoMayAskAndHowMuch(t *testing.T) {
	file, withFile := withKeys(t, nil)
	b := start(t, answering(t), withFile)
	admin := b.client(b.url, client.Options{APIKey: token(t, file, "default", keys.Admin)})
	for name, try := range map[string]struct {
		client *client.Client
		q      client.Question
		want   errs.Kind
	}{
		"no key":              {b.client(b.url, client.Options{}), client.Question{SQL: "SELECT 1"}, errs.Unauthenticated},
		"a key that reads":    {b.client(b.url, client.Options{APIKey: token(t, file, "default", keys.Read)}), client.Question{SQL: "SELECT 1"}, errs.Forbidden},
		"for a user":          {b.client(b.url, client.Options{APIKey: token(t, file, "default", keys.Admin), User: "ada"}), client.Question{SQL: "SELECT 1"}, errs.Forbidden},
		"nothing":             {admin, client.Question{}, errs.Invalid},
		"a write":             {admin, client.Question{SQL: "DELETE FROM numbers"}, errs.Invalid},
		"another form":        {admin, client.Question{SQL: "SELECT 1", Format: "yaml"}, errs.Invalid},
		"a list for a value":  {admin, client.Question{SQL: "SELECT ?", Args: []any{[]int{1}}}, errs.Invalid},
		"more than it may":    {admin, client.Question{SQL: "SELECT * FROM range(10)", Rows: 3}, errs.TooLarge},
		"more rows of Arrow":  {admin, client.Question{SQL: "SELECT * FROM range(10)", Rows: 3, Format: "arrow"}, errs.TooLarge},
		"more of Parquet":     {admin, client.Question{SQL: "SELECT * FROM range(10)", Rows: 3, Format: "parquet"}, errs.TooLarge},
		"too many allowed":    {admin, client.Question{SQL: "SELECT 1", Rows: 1_000_001}, errs.Invalid},
		"too long allowed":    {admin, client.Question{SQL: "SELECT 1", Time: time.Hour}, errs.Invalid},
		"too long":            {admin, client.Question{SQL: "SELECT count(*) FROM range(1000000) a, range(1000000) b", Time: time.Second}, errs.TooLarge},
		"too many bytes":      {admin, client.Question{SQL: "SELECT repeat('x', 70_000_000)", Format: "csv"}, errs.TooLarge},
		"too many, as Arrow":  {admin, client.Question{SQL: "SELECT repeat('x', 70_000_000)", Format: "arrow"}, errs.TooLarge},
		"what Arrow has none": {admin, client.Question{SQL: "SELECT '101'::BIT", Format: "arrow"}, errs.Unsupported},
	} {
		if a, err := try.client.Ask(t.Context(), try.q); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
			if err == nil {
				a.Close()
			}
		}
	}
	if got := askAll(t, admin, client.Question{SQL: "SELECT count(*) AS n FROM numbers", Format: "csv"}); got != "n\n3\n" {
		t.Errorf("afterwards: %q", got)
	}
}
