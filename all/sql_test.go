//go:build cgo && !no_duckdb

package all_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/todo"
)

// The question of the README, over conversations, to-dos and files, answered
// on every database that keeps versioned tables, twice: after the first write
// and after what came since.
func TestOneQuestionOverEverything(t *testing.T) {
	question := fromREADME(t)
	for name, url := range map[string]string{
		"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "varve.db"), "memory": "memory:", "postgres": pgtest.New(t),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			db, err := all.Open(ctx, url, &varve.Options{Data: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			check(t, db.Chat().PutUser, chat.User{Identifier: "ada"})
			ada, err := db.Chat().User(ctx, "ada")
			if err != nil {
				t.Fatal(err)
			}
			check(t, db.Chat().UpdateThread, chat.ThreadPatch{ID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", UserID: ada.ID})
			check(t, db.Todo().As("ada").Append, todo.Item{ID: "read", Body: chat.Ptr("read the paper")})
			if _, err := db.Lake().As("ada").Put(ctx, lake.File{Path: chat.Ptr("papers"), Filename: "a.txt"}, strings.NewReader("the paper")); err != nil {
				t.Fatal(err)
			}
			answer(t, db, question, [][]any{{"ada", int64(0), int64(1), int64(9)}})

			check(t, db.Chat().PutStep, chat.Step{ID: "9b2d5a3e-6c0f-4c8e-9a53-0a8b8f1c7e11", ThreadID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", Type: "user_message", Output: "hello"})
			answer(t, db, question, [][]any{{"ada", int64(1), int64(1), int64(9)}})
		})
	}
}

func check[In, Out any](t *testing.T, call func(context.Context, In) (Out, error), in In) {
	t.Helper()
	if _, err := call(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func answer(t *testing.T, db *varve.DB, sql string, want [][]any) {
	t.Helper()
	rows, err := db.SQL(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got, err := rows.Slice()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// fromREADME finds the statement that the README gives to varve sql.
func fromREADME(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "$ varve sql \"")
	statement, _, end := strings.Cut(rest, "\"\n")
	if !ok || !end {
		t.Fatal("the README has no statement")
	}
	return statement
}
