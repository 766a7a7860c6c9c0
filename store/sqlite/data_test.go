package sqlite_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

func column(name, kind string) query.Column {
	t, err := query.ParseType(kind)
	if err != nil {
		panic(err)
	}
	return query.Column{Name: name, Type: t, Required: name == "id"}
}

func all(t testing.TB, q query.Store, name string, where query.Cond) [][]any {
	t.Helper()
	table, err := q.Table(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	p := &query.Plan{Tables: []query.Source{{Table: &table}}, Where: where}
	for i, c := range table.Columns {
		p.Columns = append(p.Columns, query.Ref{Column: i, Type: c.Type})
		if c.Name == table.Key {
			p.Order = []query.Sort{{Ref: query.Ref{Column: i, Type: c.Type}}}
		}
	}
	var rows [][]any
	for row, err := range q.Select(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows
}

var everything = query.Cond{Op: query.And}

func create(t testing.TB, q query.Store, table query.Table) query.Table {
	t.Helper()
	if err := q.Create(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	found, err := q.Table(t.Context(), table.Name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// foreign is a file that another program made.
func foreign(t *testing.T, sql string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	if out, err := exec.Command("sqlite3", path, sql).CombinedOutput(); err != nil {
		t.Fatalf("sqlite3 (scripts/need sqlite3 installs it): %v\n%s", err, out)
	}
	return path
}

func TestTablesOfOthersAreReadAsTheyAre(t *testing.T) {
	path := foreign(t, `CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(20) COLLATE NOCASE NOT NULL, price DECIMAL(8,2), done BOOLEAN, at DATETIME, meta JSON, code UUID, raw BLOB, kind TEXT NOT NULL DEFAULT 'plain');
CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a,b));
CREATE VIEW dear AS SELECT * FROM item WHERE price>5;
INSERT INTO item (name,price,done,at,meta,code,raw) VALUES ('A',1.5,1,'2026-01-02 03:04:05','{"a": [1, 2.50]}','0007',x'01');
INSERT INTO item (name,price,done,at) VALUES ('b',9,0,'2026-01-02T03:04:05.25+01:00');`)
	s := open(t, path)
	q := s.Query()
	tables, err := q.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range tables {
		names = append(names, table.Name)
	}
	if want := []string{"dear", "elements", "feedbacks", "item", "pair", "steps", "threads", "users"}; !slices.Equal(names, want) {
		t.Errorf("tables %q, want %q", names, want)
	}
	item, _ := q.Table(t.Context(), "item")
	var types []string
	for _, c := range item.Columns {
		types = append(types, c.Type.String())
	}
	if want := "integer text real boolean time json text bytes text"; strings.Join(types, " ") != want || item.Key != "id" || !item.Generated || item.Created {
		t.Errorf("types %q of %+v", types, item)
	}
	rows := all(t, q, "item", everything)
	want := []any{int64(1), "A", 1.5, true, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), json.RawMessage(`{"a":[1,2.50]}`), "7", []byte{1}, "plain"}
	if !reflect.DeepEqual(rows[0], want) {
		t.Errorf("row %v, want %v", rows[0], want)
	}
	at := query.Cond{Op: query.Equal, Ref: query.Ref{Column: 4, Type: item.Columns[4].Type}, Value: time.Date(2026, 1, 2, 2, 4, 5, 250000000, time.UTC)}
	if rows := all(t, q, "item", at); len(rows) != 1 || rows[0][1] != "b" {
		t.Errorf("by time: %v", rows)
	}
	name := query.Cond{Op: query.Equal, Ref: query.Ref{Column: 1, Type: item.Columns[1].Type}, Value: "a"}
	if rows := all(t, q, "item", name); len(rows) != 0 {
		t.Errorf("case does not count: %v", rows)
	}
	keys, err := q.Insert(t.Context(), query.Write{Table: &item, Now: time.Now()}, [][]any{
		{nil, "c", 2.0, nil, nil, json.RawMessage(`{"x":1.0}`), nil, nil, nil}, {int64(9), "d", nil, nil, nil, nil, nil, nil, "odd"}, {nil, "e", nil, nil, nil, nil, nil, nil, nil}})
	if err != nil || !slices.Equal(keys, []string{"3", "9", "10"}) {
		t.Errorf("keys %q, %v", keys, err)
	}
	if rows := all(t, q, "item", everything); rows[2][8] != "plain" || rows[3][8] != "odd" || string(rows[2][5].(json.RawMessage)) != `{"x":1.0}` {
		t.Errorf("rows %v", rows)
	}
	_, err = q.Insert(t.Context(), query.Write{Table: &item}, [][]any{{nil, "f", nil, nil, nil, nil, "0008", nil, nil}})
	if !errors.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), "UUID") {
		t.Errorf("a type that is not known: %v", err)
	}
	pair, _ := q.Table(t.Context(), "pair")
	if _, err := q.Insert(t.Context(), query.Write{Table: &pair}, [][]any{{int64(1), int64(1)}}); !errors.Is(err, errs.Unsupported) {
		t.Errorf("without a key: %v", err)
	}
	if q.Features().Changes {
		t.Error("changes are noted before there is a place for notes")
	}
	mine := create(t, q, query.Table{Name: "mine", Key: "id", Columns: []query.Column{column("id", "text")}})
	if _, err := q.Insert(t.Context(), query.Write{Table: &mine, Now: time.Now()}, [][]any{{"a"}}); err != nil {
		t.Error(err)
	}
	if head, err := s.Head(t.Context()); err != nil || head == 0 || !q.Features().Changes {
		t.Errorf("after a table was made the log is at %d, %v", head, err)
	}
	if err := q.Drop(t.Context(), "item"); !errors.Is(err, errs.Forbidden) {
		t.Errorf("Drop of another's table: %v", err)
	}
}

func TestATableThatChangesIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "varve.db")
	s := open(t, path)
	q := s.Query()
	docs := create(t, q, query.Table{Name: "docs", Key: "id", Columns: []query.Column{column("id", "text"), column("v", "vector[2]"), column("j", "json")}})
	if !docs.Created || docs.Columns[1].Type.String() != "vector[2]" {
		t.Fatalf("made %+v", docs)
	}
	rows := [][]any{{"a", []float32{1, 2}, json.RawMessage(`{"n":1.50}`)}}
	if _, err := q.Insert(t.Context(), query.Write{Table: &docs, Now: time.Now()}, rows); err != nil {
		t.Fatal(err)
	}
	if got := all(t, q, "docs", everything); !reflect.DeepEqual(got, rows) {
		t.Errorf("rows %v, want %v", got, rows)
	}
	if out, err := exec.Command("sqlite3", path, `ALTER TABLE docs ADD COLUMN extra INT`).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := q.Insert(t.Context(), query.Write{Table: &docs, Now: time.Now()}, [][]any{{"b", nil, nil}}); !errors.Is(err, errs.Conflict) {
		t.Errorf("a plan of yesterday: %v", err)
	}
	if now, err := q.Table(t.Context(), "docs"); err != nil || len(now.Columns) != 4 || now.Columns[1].Type.String() != "vector[2]" {
		t.Errorf("now %+v, %v", now, err)
	}
}

func TestRawIsConfined(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "varve.db"))
	q := s.Query()
	docs := create(t, q, query.Table{Name: "docs", Key: "id", Columns: []query.Column{column("id", "text"), column("n", "integer")}})
	var rows [][]any
	for i := range 10 {
		rows = append(rows, []any{fmt.Sprint(i), int64(i)})
	}
	if _, err := q.Insert(t.Context(), query.Write{Table: &docs, Now: time.Now()}, rows); err != nil {
		t.Fatal(err)
	}
	got, err := q.Raw(t.Context(), query.Raw{SQL: `select count(*) as c, max(id) from docs where n > ?`, Args: []any{int64(5)}}, false)
	if err != nil || !slices.Equal(got.Columns, []string{"c", "max(id)"}) {
		t.Fatalf("%v, %v", got.Columns, err)
	}
	for row := range got.Rows {
		if !reflect.DeepEqual(row, []any{int64(4), "9"}) {
			t.Errorf("row %v", row)
		}
	}
	for _, sql := range []string{`delete from docs`, `insert into docs values ('x',1)`, `attach 'x.db' as y`, `pragma user_version=3`, `drop table docs`,
		`select * from varve_meta`, `select * from varve_change`, `begin`, `commit`} {
		if _, err := q.Raw(t.Context(), query.Raw{SQL: sql}, false); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{`select 1; select 2`, ``, `selec 1`, `select ?`, `select x from nowhere`} {
		if _, err := q.Raw(t.Context(), query.Raw{SQL: sql}, false); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{`insert into varve_meta values ('a','b')`, `create view x as select * from varve_meta`, `drop table varve_change`, `select * from varve_meta`, `attach 'x.db' as y`, `commit`, `pragma journal_mode=delete`} {
		_, err := q.Raw(t.Context(), query.Raw{SQL: sql}, true)
		if strings.HasPrefix(sql, "create view") && err == nil {
			_, err = q.Raw(t.Context(), query.Raw{SQL: `select * from x`}, true)
		}
		if !errors.Is(err, errs.Forbidden) {
			t.Errorf("with write, %s: %v", sql, err)
		}
	}
	answer, err := q.Raw(t.Context(), query.Raw{SQL: `update docs set n=n+1 where n>? returning n`, Args: []any{int64(7)}}, true)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range answer.Rows {
		n++
	}
	if rows := all(t, q, "docs", everything); n != 2 || rows[9][1] != int64(10) {
		t.Errorf("%d rows, %v", n, rows[9])
	}
}

func TestConversationsAndVersionedTablesAreTables(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "varve.db"))
	q := s.Query()
	if rows := all(t, q, "steps", everything); len(rows) != 0 {
		t.Errorf("before there are any: %v", rows)
	}
	c := s.Chat()
	ann, err := c.PutUser(t.Context(), chat.User{ID: "u1", Identifier: "ann"}, write)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyThread(t.Context(), chat.ThreadPatch{ID: "t1", Name: chat.Ptr("first"), UserID: ann.ID, Tags: []string{"a"}}, write); err != nil {
		t.Fatal(err)
	}
	put(t, c, "s1", "t1", "out")
	rows := all(t, q, "threads", everything)
	if len(rows) != 1 || rows[0][2] != "first" || rows[0][4] != "ann" || string(rows[0][5].(json.RawMessage)) != `["a"]` || string(rows[0][6].(json.RawMessage)) != `{}` {
		t.Errorf("threads %v", rows)
	}
	steps, _ := q.Table(t.Context(), "steps")
	rows = all(t, q, "steps", everything)
	if len(rows) != 1 || rows[0][steps.Index("input")] != nil || rows[0][steps.Index("userIdentifier")] != "ann" || rows[0][steps.Index("streaming")] != false {
		t.Errorf("steps %v", rows)
	}
}
