package mysql_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
)

func TestNothingOfAnErasedPersonIsLeft(t *testing.T) {
	url := mytest.New(t)
	beside := connect(t, url)
	chattest.Erasure(t, func(t *testing.T) store.Store { return open(t, url) },
		func(t *testing.T, _ store.Store, text string) []string { return tablesWith(t, beside, text) })
}

// tablesWith names the tables in whose rows a text is.
func tablesWith(t *testing.T, db *sql.DB, text string) (found []string) {
	t.Helper()
	for _, table := range values(t, db, `SELECT table_name FROM information_schema.tables WHERE table_schema=database()`) {
		all := strings.Join(values(t, db, `SELECT * FROM `+table), "\n")
		if strings.Contains(strings.ToLower(all), strings.ToLower(text)) {
			found = append(found, table)
		}
	}
	return found
}

// values are all values of an answer.
func values(t *testing.T, db *sql.DB, question string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range row {
			all = append(all, string(v))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
