package varve_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/todo"
)

// Whoever acts for a user says so in the context, as for conversations, and
// then asks about the user's rows: in whatever way, and on tables of all rooms.
func TestAContextThatActsForAUserBoundsQuestions(t *testing.T) {
	for name, url := range map[string]string{"memory": "memory:", "sqlite": "sqlite:" + t.TempDir() + "/my.db", "folder": "csv:" + t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			db := open(t, url, varve.Options{Data: t.TempDir()})
			for _, user := range []string{"ada", "bob"} {
				talk(t, db, user)
			}
			if _, err := db.Execute(ctx, query.Into("docs").Rows(query.Row{"id": "1", "of": "bob"})); err != nil {
				t.Fatal(err)
			}
			as := chat.As(ctx, "ada")
			asked := func(what string, ask func(context.Context, query.Question) (*query.Result, error), ctx context.Context) {
				for question, column := range map[string]string{
					"threads": "userIdentifier",
					"steps":   "userIdentifier",
					"users":   "identifier",
					"todos":   "user_id",
					"docs join threads on of = threads.userIdentifier select threads.id as id": "id",
				} {
					q, err := query.Parse(question)
					if err != nil {
						t.Fatal(err)
					}
					got := told(t, ask, ctx, q, column)
					want := []string{"ada"}
					if question[:4] == "docs" {
						want = nil
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s: %s shows ada %q", what, question, got)
					}
				}
				if _, err := ask(ctx, query.SQL("select 1")); !errors.Is(err, errs.Forbidden) {
					t.Errorf("%s: a raw question of ada's is %v", what, err)
				}
				if _, err := ask(ctx, query.From("places")); !errors.Is(err, errs.Forbidden) {
					t.Errorf("%s: rows of nobody are %v", what, err)
				}
			}
			asked("Execute", db.Execute, as)
			asked("Query", db.Query().Execute, as)
			if db.Query().Features().Transactions {
				err := db.Update(as, func(ctx context.Context, tx *varve.Tx) error { asked("Update", tx.Execute, ctx); return nil })
				if err != nil {
					t.Error(err)
				}
			}
			tables, err := db.Query().Tables(as)
			if err != nil || slices.ContainsFunc(tables, func(t query.Table) bool { return t.Name == "places" }) {
				t.Errorf("ada is told of %v, %v", tables, err)
			}
			if _, err := db.Query().Describe(as, "places"); !errors.Is(err, errs.Forbidden) {
				t.Errorf("rows of nobody are described: %v", err)
			}
			if err := db.Query().DropTable(as, "docs"); !errors.Is(err, errs.Forbidden) {
				t.Errorf("ada drops a table: %v", err)
			}
			// Who was told by As acts for that user, whatever the context says.
			if got := told(t, db.Query().As("bob").Execute, as, query.From("threads").Query(), "userIdentifier"); !slices.Equal(got, []string{"bob"}) {
				t.Errorf("bob sees %q", got)
			}
			if got := told(t, db.Execute, ctx, query.From("threads").Query(), "userIdentifier"); len(got) != 2 {
				t.Errorf("the application sees %q", got)
			}
		})
	}
}

// talk stores a conversation and a task of a user's, and a place of nobody's.
func talk(t *testing.T, db *varve.DB, user string) {
	t.Helper()
	ctx := t.Context()
	if _, err := db.Chat().PutUser(ctx, chat.User{Identifier: user}); err != nil {
		t.Fatal(err)
	}
	stored, err := db.Chat().User(ctx, user)
	if err != nil {
		t.Fatal(err)
	}
	thread := map[string]string{"ada": "00000000-0000-4000-8000-000000000001", "bob": "00000000-0000-4000-8000-000000000002"}[user]
	if _, err := db.Chat().UpdateThread(ctx, chat.ThreadPatch{ID: thread, UserID: stored.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Chat().PutStep(ctx, chat.Step{ID: thread, ThreadID: thread, Type: "user_message", Output: "of " + user}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Todo().As(user).Append(ctx, todo.Item{ID: user, Body: chat.Ptr("read")}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.State().Declare(ctx, state.Schema{Name: "places", Key: []string{"x"}, Columns: []state.Column{{Name: "x", Type: state.Integer}}}); err != nil {
		t.Fatal(err)
	}
}

// told are the values of a column of an answer.
func told(t *testing.T, ask func(context.Context, query.Question) (*query.Result, error), ctx context.Context, q query.Query, column string) (out []string) {
	t.Helper()
	answer, err := ask(ctx, q)
	if err != nil {
		t.Errorf("%v", err)
		return nil
	}
	rows, err := answer.All()
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, row := range rows {
		text, _ := row[column].(string)
		out = append(out, text)
	}
	return out
}
