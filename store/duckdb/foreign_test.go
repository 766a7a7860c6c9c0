//go:build cgo && !no_duckdb

package duckdb_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/duckdb"
)

// another is a file that another program made.
func another(t *testing.T, sql string) string {
	t.Helper()
	path := filepath.Join(scratch(t), "app.duckdb")
	run(t, path, sql)
	return path
}

// run is another program for a moment.
func run(t *testing.T, path, sql string) {
	t.Helper()
	db, err := duck.Open(path, 256<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, db *query.Service, q query.Question) []query.Row {
	t.Helper()
	r, err := db.Execute(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.All()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func is(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func isKind(t *testing.T, what string, err error, want errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func TestTablesOfOthersAreReadAsTheyAre(t *testing.T) {
	path := another(t, `CREATE SEQUENCE ids START 3;
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TABLE item (id INTEGER PRIMARY KEY DEFAULT nextval('ids'), name VARCHAR NOT NULL, price DECIMAL(8,2), exact DECIMAL(38,10), huge HUGEINT, done BOOLEAN, "at" TIMESTAMPTZ, day DATE,
 meta JSON, code UUID, raw BLOB, colour colour, list INTEGER[], pair STRUCT(a INTEGER, b VARCHAR), v FLOAT[2], small TINYINT, kind VARCHAR DEFAULT 'plain');
CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
CREATE VIEW dear AS SELECT * FROM item WHERE price > 5;
INSERT INTO item VALUES (1, 'A', 1.5, 12345678901234567890.0123456789, 170141183460469231731687303715884105727, true, '2026-01-02 03:04:05+01', '2026-01-02', '{"a": [1, 2.50]}',
 '00000000-0000-4000-8000-000000000001', 'x', 'red', [1, 2], {'a': 1, 'b': 'x'}, [0.1, 2], 5, 'odd'), (2, 'b', 9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);`)
	s := open(t, path)
	db := query.NewService(s.Query(), query.Options{})
	item, err := db.Describe(t.Context(), "item")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, c := range item.Columns {
		types = append(types, c.Type.String())
	}
	is(t, "types", strings.Join(types, " "), "integer text real text text boolean time text json text bytes text json json vector[2] integer text")
	is(t, "key", []any{item.Key, item.Generated, item.Created}, []any{"id", true, false})
	is(t, "row", ask(t, db, query.From("item").Where(query.Eq("id", 1))), []query.Row{{"id": int64(1), "name": "A", "price": 1.5, "exact": "12345678901234567890.0123456789",
		"huge": "170141183460469231731687303715884105727", "done": true, "at": time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC), "day": "2026-01-02", "meta": json.RawMessage(`{"a":[1,2.50]}`),
		"code": "00000000-0000-4000-8000-000000000001", "raw": []byte("x"), "colour": "red", "list": json.RawMessage(`[1,2]`), "pair": json.RawMessage(`{"a":1,"b":"x"}`),
		"v": []float32{0.1, 2}, "small": int64(5), "kind": "odd"}})
	for _, e := range []query.Expr{query.Eq("code", "00000000-0000-4000-8000-000000000001"), query.Eq("colour", "red"), query.Lt("price", 2), query.Eq("day", "2026-01-02"),
		query.Eq("at", time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)), query.Eq("small", 5), query.Eq("pair.b", "x"), query.Containing("list", 2)} {
		is(t, e.Column, len(ask(t, db, query.From("item").Where(e))), 1)
	}
	is(t, "view", len(ask(t, db, query.From("dear"))), 1)
	if head, err := s.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("reading noted something: %d, %v", head, err)
	}
	r, err := db.Execute(t.Context(), query.Into("item").Rows(query.Row{"name": "c", "price": 2, "code": "00000000-0000-4000-8000-000000000002", "v": []float32{1, 2}, "meta": map[string]any{"x": 1}},
		query.Row{"id": 9, "name": "d", "kind": "other"}, query.Row{"name": "e"}))
	if err != nil {
		t.Fatal(err)
	}
	is(t, "keys", r.IDs, []string{"3", "9", "4"})
	is(t, "kinds", ask(t, db, query.From("item").Where(query.Gt("id", 2)).Select("id", "kind")), []query.Row{{"id": int64(3), "kind": "plain"}, {"id": int64(4), "kind": "plain"}, {"id": int64(9), "kind": "other"}})
	for _, row := range []query.Row{{"name": "f", "exact": "1.5"}, {"name": "f", "list": []int{1}}, {"name": "f", "colour": "green"}} {
		_, err := db.Execute(t.Context(), query.Into("item").Rows(row))
		isKind(t, "a type that is only read", err, errs.Unsupported)
	}
	_, err = db.Execute(t.Context(), query.Into("item").Rows(query.Row{"name": "g", "id": 100}, query.Row{"id": 9, "name": "again"}))
	isKind(t, "a key that is taken", err, errs.Exists)
	_, err = db.Execute(t.Context(), query.Into("pairs").Rows(query.Row{"a": 1, "b": 1}))
	isKind(t, "without a key", err, errs.Unsupported)
	isKind(t, "Drop", db.DropTable(t.Context(), "item"), errs.Forbidden)
	events, err := s.Changes(t.Context(), 0, 10)
	if err != nil || len(events) != 1 || events[0].Key != "3" || events[0].Last != "9" {
		t.Errorf("notes %+v, %v", events, err)
	}
}

// A file of others is as it was until Varve writes to it; what was noted beside
// keeps its position.
func TestAFileOfOthersIsChangedByItsFirstChangeOnly(t *testing.T) {
	path := another(t, `CREATE TABLE item (id VARCHAR PRIMARY KEY)`)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	db := query.NewService(s.Query(), query.Options{})
	is(t, "rows", len(ask(t, db, query.From("item"))), 0)
	put(t, s, "ada")
	early, err := s.Changes(t.Context(), 0, 10)
	if err != nil || len(early) == 0 {
		t.Fatalf("notes %v, %v", early, err)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("reading changed the file: %v", err)
	}
	if _, err := db.Execute(t.Context(), query.Into("item").Rows(query.Row{"id": "a"})); err != nil {
		t.Fatal(err)
	}
	put(t, s, "bob")
	late, err := s.Changes(t.Context(), 0, 10)
	if err != nil || len(late) != len(early)+2 {
		t.Fatalf("notes %v, %v", late, err)
	}
	is(t, "early notes", late[:len(early)], early)
	is(t, "tables", []string{late[len(late)-2].Table, late[len(late)-1].Table}, []string{"item", early[0].Table})
}

func TestWhatIsNoFileOfDuckDBsIsLeftAlone(t *testing.T) {
	dir := scratch(t)
	for name, content := range map[string]string{"text": "a text that is long enough", "short": "x"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
		isKind(t, name, err, errs.Invalid)
		if raw, err := os.ReadFile(path); err != nil || string(raw) != content {
			t.Errorf("%s is %q, %v", name, raw, err)
		}
	}
	path := another(t, `CREATE TABLE varve_meta (colour VARCHAR)`)
	_, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
	isKind(t, "a table with a name of Varve's", err, errs.Invalid)
	run(t, path, `SELECT colour FROM varve_meta`)
}

func TestOneProcessHasTheFile(t *testing.T) {
	path := filepath.Join(scratch(t), "docs.duckdb")
	s := open(t, path)
	_, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
	isKind(t, "a second one", err, errs.Unavailable)
	if !strings.Contains(err.Error(), "its server") {
		t.Errorf("no remedy: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
	if _, err := query.NewService(s.Query(), query.Options{}).Execute(t.Context(), query.Into("docs").Rows(query.Row{"n": 1})); err != nil {
		t.Errorf("the first one: %v", err)
	}
}

func TestWhatWasWrittenIsThereAgain(t *testing.T) {
	path := filepath.Join(scratch(t), "main.duckdb") // a name of the engine's, too
	s, err := duckdb.Open(t.Context(), path, beside, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db := query.NewService(s.Query(), query.Options{})
	row := query.Row{"id": "a", "v": []float32{0.5, 1}, "j": json.RawMessage(`{"big":12345678901234567890123.4500,"e":1e400,"a":[1.0]}`)}
	if _, err := db.Execute(t.Context(), query.Into("docs").Rows(row)); err != nil {
		t.Fatal(err)
	}
	head, err := s.Head(t.Context())
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	db = query.NewService(again.Query(), query.Options{})
	is(t, "rows", ask(t, db, query.From("docs").Select("id", "v", "j")), []query.Row{row})
	is(t, "a number that no double holds", len(ask(t, db, query.From("docs").Where(query.Gt("j.e", 0)))), 0)
	is(t, "a number that one does", len(ask(t, db, query.From("docs").Where(query.Gt("j.big", 1e22)))), 1)
	if now, err := again.Head(t.Context()); err != nil || now != head || head == 0 {
		t.Errorf("the log is at %d, was at %d, %v", now, head, err)
	}
	t0, err := db.Describe(t.Context(), "docs")
	if err != nil || !t0.Created || t0.Columns[t0.Index("v")].Type.String() != "vector[2]" {
		t.Errorf("%+v, %v", t0, err)
	}
}
