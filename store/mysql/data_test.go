package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Tables that others made are read and written as they are, also where one has
// the name of one of Chainlit's, so that no conversations can be kept.
func TestTablesOfOthers(t *testing.T) {
	url := mytest.New(t)
	beside := connect(t, url)
	exec(t, beside, "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(50) NOT NULL, born DATE, at DATETIME(3), score DECIMAL(8,2), small SMALLINT, on_ TINYINT(1), `who?` TEXT, kind VARCHAR(9) NOT NULL DEFAULT 'plain') DEFAULT CHARSET=latin1")
	exec(t, beside, "INSERT INTO users (email,born,at,score,small,on_,`who?`) VALUES ('B','2000-01-02','2026-01-02 03:04:05.5',1.25,3,1,'x'),('a ',NULL,NULL,NULL,NULL,0,NULL)")
	s := open(t, url)
	db := query.NewService(s.Query(), query.Options{})
	if _, err := s.Chat().Users(t.Context(), "", 1); !errors.Is(err, errs.Invalid) {
		t.Errorf("conversations beside another's users: %v", err)
	}
	ask := func(q query.Question) []query.Row {
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
	rows := ask(query.From("users").OrderBy("email"))
	if len(rows) != 2 || rows[0]["email"] != "B" || rows[0]["born"] != "2000-01-02" || rows[0]["score"] != 1.25 || rows[0]["on_"] != true || rows[0]["who?"] != "x" || fmt.Sprint(rows[0]["at"]) != "2026-01-02 03:04:05.5 +0000 UTC" {
		t.Errorf("rows %v", rows)
	}
	for text, want := range map[string]int{"B": 1, "b": 0, "a": 0, "a ": 1} {
		if rows := ask(query.From("users").Where(query.Eq("email", text))); len(rows) != want {
			t.Errorf("%q: %v", text, rows)
		}
	}
	r, err := db.Execute(t.Context(), query.Into("users").Rows(query.Row{"email": "c", "small": 4}, query.Row{"email": "d", "kind": "odd"}))
	if err != nil || !slices.Equal(r.IDs, []string{"3", "4"}) {
		t.Fatalf("%v, %v", r, err)
	}
	if rows := ask(query.From("users").Where(query.Ge("id", 3)).OrderBy("id")); rows[0]["kind"] != "plain" || rows[1]["kind"] != "odd" {
		t.Errorf("rows %v", rows)
	}
	if _, err := db.Execute(t.Context(), query.Into("users").Rows(query.Row{"email": "c", "born": "2000-01-01"})); !errors.Is(err, errs.Unsupported) {
		t.Errorf("a type that is not known: %v", err)
	}
	if _, err := db.Execute(t.Context(), query.Into("mine").Rows(query.Row{"n": 1})); err != nil {
		t.Errorf("a table made beside them: %v", err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Chat().Users(ctx, "", 1); !errors.Is(err, errs.Invalid) {
			t.Errorf("conversations inside: %v", err)
		}
		_, err := db.In(tx.Query()).Execute(ctx, query.Change("users").Set("small", 100).Where(query.Eq("id", 1)))
		return err
	})
	if rows := ask(query.From("users").Where(query.Gt("small", 50))); err != nil || len(rows) != 1 {
		t.Errorf("%v, %v", rows, err)
	}
}
