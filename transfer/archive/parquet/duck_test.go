//go:build cgo && !no_duckdb

package parquet_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/internal/duck"
)

// Another's engine reads the tables as they are, with types and not with texts.
func TestDuckDBReadsTheTables(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tables")
	write(t, folder, difficult())
	db, err := duck.Open("", 1<<28, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func(sql string) (got [][]any) {
		t.Helper()
		rows, err := c.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for {
			block, err := rows.Next()
			if err != nil {
				t.Fatal(err)
			}
			if block == nil {
				return got
			}
			got = append(got, block...)
		}
	}
	table := func(name string) string {
		return "read_parquet(" + duck.Text(filepath.Join(folder, name+".parquet")) + ")"
	}
	for _, q := range []struct {
		sql  string
		want [][]any
	}{
		{`SELECT id, "createdAt" = TIMESTAMPTZ '2026-02-03 04:05:07.000001+00', "end", "isError", tags[1], metadata, other FROM ` + table("steps") + ` ORDER BY id`,
			[][]any{
				{"child", nil, nil, nil, nil, `{}`, `{"createdAt":"some day"}`},
				{"root", true, nil, true, "t", `{"big":123456789012345678901234567890}`, `{"unknown":{"k":[1,2.5,null]}}`},
			}},
		{`SELECT typeof("createdAt"), typeof(tags), typeof("isError"), typeof(metadata) FROM ` + table("steps") + ` LIMIT 1`,
			[][]any{{"TIMESTAMP WITH TIME ZONE", "VARCHAR[]", "BOOLEAN", "VARCHAR"}}},
		{`SELECT u.identifier, t.name, e.sha256, e.bytes, e.page, f.value FROM ` + table("threads") + ` t JOIN ` + table("users") +
			` u ON u.id = t."userId" JOIN ` + table("elements") + ` e ON e."threadId" = t.id JOIN ` + table("feedbacks") + ` f ON f."forId" = 'root'`,
			[][]any{{"ana", "naïve \n", "ab", int64(2), int64(3), int64(1)}}},
	} {
		if diff := cmp.Diff(q.want, ask(q.sql)); diff != "" {
			t.Errorf("%s\n%s", q.sql, diff)
		}
	}
}

// What another engine made of the tables is read again.
func TestTablesThatDuckDBWrote(t *testing.T) {
	folder, through := filepath.Join(t.TempDir(), "tables"), t.TempDir()
	write(t, folder, difficult())
	want, err := read(t, folder)
	if err != nil {
		t.Fatal(err)
	}
	db, err := duck.Open("", 1<<28, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for table, order := range map[string]string{"users": "identifier", "threads": "id", "steps": `"threadId", "createdAt" NULLS LAST`, "elements": `"threadId"`, "feedbacks": `"threadId"`} {
		from, to := filepath.Join(folder, table+".parquet"), filepath.Join(through, table+".parquet")
		err := c.Exec(t.Context(), `COPY (FROM read_parquet(`+duck.Text(from)+`) ORDER BY `+order+`) TO `+duck.Text(to)+` (FORMAT parquet)`)
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := read(t, through)
	if err != nil || got != want {
		t.Errorf("%v\n%s\nis not\n%s", err, got, want)
	}
}
