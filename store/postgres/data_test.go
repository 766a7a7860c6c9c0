package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Tables that others made are read and written as they are, also where one has
// the name of one of Chainlit's, so that no conversations can be kept.
func TestTablesOfOthers(t *testing.T) {
	url := pgtest.New(t)
	pgtest.Exec(t, url, `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(50) NOT NULL, born DATE, at TIMESTAMP, score NUMERIC(8,2), small SMALLINT, meta JSONB, kind TEXT NOT NULL DEFAULT 'plain');
CREATE TABLE keyed (id UUID PRIMARY KEY, n INTEGER);
INSERT INTO users (email,born,at,score,small,meta) VALUES ('B','2000-01-02','2026-01-02 03:04:05.5',1.25,3,'{"a": [1, 2.50]}'),('a',NULL,NULL,NULL,NULL,NULL)`)
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
	if len(rows) != 2 || rows[0]["email"] != "B" || rows[0]["born"] != "2000-01-02" || rows[0]["score"] != 1.25 || rows[0]["small"] != int64(3) || fmt.Sprint(rows[0]["at"]) != "2026-01-02 03:04:05.5 +0000 UTC" {
		t.Errorf("rows %v", rows)
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
	const id = "0190a0b0-0000-7000-8000-00000000"
	var many []query.Row
	for i := range 30 { // more than go as parameters
		many = append(many, query.Row{"id": fmt.Sprintf("%s%04d", id, i), "n": i})
	}
	if _, err := db.Execute(t.Context(), query.Into("keyed").Rows(many...)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Execute(t.Context(), query.Into("keyed").Rows(many[3])); !errors.Is(err, errs.Exists) {
		t.Errorf("a key that is taken: %v", err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		_, err := db.In(tx.Query()).Execute(ctx, query.Change("keyed").Set("n", 100).Where(query.Eq("id", id+"0007")))
		return err
	})
	if rows := ask(query.From("keyed").Where(query.Gt("n", 28))); err != nil || len(rows) != 2 {
		t.Errorf("%v, %v", rows, err)
	}
}
