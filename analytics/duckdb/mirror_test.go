//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

// base is a database with what a mirror of it is made from.
type base struct {
	store store.Store
	state *state.Service
	chat  *chat.Service
	dir   string
}

func newBase(t *testing.T) *base {
	t.Helper()
	dir := t.TempDir()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "varve.db"), sqlite.Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return &base{st, state.NewService(st.State(), state.Options{}), chat.NewService(st.Chat(), chat.Options{}), dir}
}

func (b *base) sources() Sources {
	return Sources{State: b.store.State(), Chat: b.store.Chat(), Changes: b.store, ID: "test"}
}

func (b *base) mirror(t *testing.T, path string) *Mirror {
	t.Helper()
	m, err := Open(t.Context(), b.sources(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func (b *base) todos(t *testing.T) *state.Rows {
	t.Helper()
	r, err := b.state.Declare(t.Context(), state.Schema{Name: "todos", Key: []string{"id"}, Owner: "user_id", Columns: []state.Column{
		{Name: "id", Type: state.Text}, {Name: "user_id", Type: state.Text}, {Name: "body", Type: state.Text},
		{Name: "priority", Type: state.Integer}, {Name: "score", Type: state.Real}, {Name: "done", Type: state.Boolean},
		{Name: "due", Type: state.Time}, {Name: "labels", Type: state.JSON}, {Name: "data", Type: state.Bytes}}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask(t *testing.T, m *Mirror, sql string, args ...any) [][]any {
	t.Helper()
	rows, err := query(t.Context(), m, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func query(ctx context.Context, m *Mirror, sql string, args ...any) (all [][]any, err error) {
	s := analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return m, nil }})
	rows, err := s.Query(ctx, analytics.Question{SQL: sql, Args: args})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Slice()
}

func put(t *testing.T, r *state.Rows, row state.Row) state.Record {
	t.Helper()
	rec, err := r.Put(t.Context(), row)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestLatestHistoryAndAsOf(t *testing.T) {
	b := newBase(t)
	r := b.todos(t)
	m := b.mirror(t, "")
	first := put(t, r, state.Row{"id": "a", "body": "one", "priority": 1, "labels": []any{"x", "y,z"}, "data": []byte("bytes")})
	put(t, r, state.Row{"id": "b", "body": "two, which is a longer text", "done": true, "score": 1.5})
	second := put(t, r, state.Row{"id": "a", "body": "one again"})
	if _, err := r.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	check := func(want [][]any, sql string, args ...any) {
		t.Helper()
		if diff := cmp.Diff(want, ask(t, m, sql, args...)); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
	check([][]any{{"a", "one again", int64(2)}}, `SELECT id, body, _version FROM todos`)
	check([][]any{{"a", "one"}, {"b", "two, which is a longer text"}, {"a", "one again"}, {"b", nil}}, `SELECT id, body FROM todos_history ORDER BY _seq`)
	check([][]any{{"append", int64(2)}, {"delete", int64(1)}, {"update", int64(1)}}, `SELECT _op, count(*) FROM history.todos GROUP BY 1 ORDER BY 1`)
	check([][]any{{"one"}}, fmt.Sprintf(`SELECT body FROM todos_as_of(%d)`, first.Seq))
	check([][]any{{"one"}}, fmt.Sprintf(`SELECT body FROM todos_as_of('%s')`, first.At.Format("2006-01-02 15:04:05.000000")))
	check([][]any{{"one again"}, {"two, which is a longer text"}}, fmt.Sprintf(`SELECT body FROM todos_as_of('%s') ORDER BY 1`, second.At.Format("2006-01-02T15:04:05.000000Z")))
	check([][]any{}, `SELECT body FROM todos_as_of(0)`)
	check([][]any{{"y,z"}}, `SELECT labels->>1 FROM todos_as_of(?)`, first.Seq)
	check([][]any{}, `SELECT column_name FROM duckdb_columns() WHERE table_name='todos' AND column_name='data'`)
	for _, sql := range []string{`SELECT * FROM todos_as_of('yesterday')`, `SELECT * FROM nobody`, `SELECT nothing FROM todos`} {
		if _, err := query(t.Context(), m, sql); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// What is declared, renamed, widened and cleared after the mirror was made is
// seen by the next question.
func TestTablesThatChange(t *testing.T) {
	b := newBase(t)
	m := b.mirror(t, "")
	if got := ask(t, m, "SELECT 1"); got[0][0] != int64(1) {
		t.Fatal(got)
	}
	declare := func(cols ...state.Column) *state.Rows {
		r, err := b.state.Declare(t.Context(), state.Schema{Name: "things", Key: []string{"id"}, Columns: cols})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	id := state.Column{Name: "id", Type: state.Text}
	r := declare(id, state.Column{Name: "n", Type: state.Integer})
	put(t, r, state.Row{"id": "a", "n": 7})
	check := func(sql string, want [][]any) {
		t.Helper()
		if diff := cmp.Diff(want, ask(t, m, sql)); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
	check(`SELECT id, n FROM things`, [][]any{{"a", int64(7)}})
	r = declare(id, state.Column{Name: "amount", Type: state.Real, Was: []string{"n"}}, state.Column{Name: "order", Type: state.Text})
	check(`SELECT id, amount, "order" FROM things`, [][]any{{"a", 7.0, nil}})
	put(t, r, state.Row{"id": "b", "amount": 0.5, "order": "x"})
	check(`SELECT id, amount, "order" FROM things ORDER BY id`, [][]any{{"a", 7.0, nil}, {"b", 0.5, "x"}})
	if err := b.state.Clear(t.Context(), "things"); err != nil {
		t.Fatal(err)
	}
	check(`SELECT count(*) FROM things_history`, [][]any{{int64(0)}})
	put(t, r, state.Row{"id": "c"})
	check(`SELECT id FROM things_history`, [][]any{{"c"}})
	// A table that has the name of conversations goes before them.
	u, err := b.state.Declare(t.Context(), state.Schema{Name: "Users", Key: []string{"id"}, Columns: []state.Column{id}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, u, state.Row{"id": "mine"})
	m.opt.Now = func() time.Time { return time.Now().Add(2 * unlisted) }
	check(`SELECT id FROM users`, [][]any{{"mine"}})
	check(`SELECT count(*) FROM chat.users`, [][]any{{int64(0)}})
}

func TestConversationsAreFollowed(t *testing.T) {
	b := newBase(t)
	m := b.mirror(t, "")
	ctx := t.Context()
	u, err := b.chat.PutUser(ctx, chat.User{Identifier: "ada", Metadata: chat.Object{"role": "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.chat.UpdateThread(ctx, chat.ThreadPatch{ID: "t1", UserID: u.ID, Tags: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	step := func(id, output string) {
		t.Helper()
		if _, err := b.chat.PutStep(ctx, chat.Step{ID: id, ThreadID: "t1", Type: "user_message", Name: "n", Output: output, CreatedAt: "2026-01-02T03:04:05Z"}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(sql string, want [][]any) {
		t.Helper()
		if diff := cmp.Diff(want, ask(t, m, sql)); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
	step("s1", "hello")
	check(`SELECT u.identifier, t.id, s.output, u.metadata->>'role', t.tags->>0, s."createdAt" = TIMESTAMP '2026-01-02 03:04:05'
FROM users u JOIN threads t ON t."userId"=u.id JOIN steps s ON s."threadId"=t.id`, [][]any{{"ada", "t1", "hello", "admin", "a", true}})
	step("s2", "world")
	step("s1", "hello again")
	comment := "good"
	if _, err := b.chat.PutFeedback(ctx, chat.Feedback{ID: "f1", ForID: "s2", Value: 1, Comment: &comment}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.chat.PutElement(ctx, chat.Element{ID: "e1", ThreadID: "t1", ForID: "s2", Name: "plot", Type: "image", Display: "inline"}, nil); err != nil {
		t.Fatal(err)
	}
	check(`SELECT s.id, s.output, f.value, f.comment, e.name FROM steps s LEFT JOIN feedbacks f ON f."forId"=s.id LEFT JOIN elements e ON e."forId"=s.id ORDER BY 1`,
		[][]any{{"s1", "hello again", nil, nil, nil}, {"s2", "world", int64(1), "good", "plot"}})
	if err := b.chat.DeleteFeedback(ctx, chat.Ref{ID: "f1"}); err != nil {
		t.Fatal(err)
	}
	if err := b.chat.DeleteStep(ctx, chat.Ref{ID: "s1"}); err != nil {
		t.Fatal(err)
	}
	check(`SELECT (SELECT count(*) FROM feedbacks), (SELECT count(*) FROM steps), (SELECT count(*) FROM elements)`, [][]any{{int64(0), int64(1), int64(1)}})
	if err := b.chat.DeleteThread(ctx, "t1"); err != nil {
		t.Fatal(err)
	}
	check(`SELECT (SELECT count(*) FROM threads), (SELECT count(*) FROM steps), (SELECT count(*) FROM elements), (SELECT count(*) FROM users)`,
		[][]any{{int64(0), int64(0), int64(0), int64(1)}})
	if rows := ask(t, m, `SELECT table_name FROM duckdb_tables() WHERE table_name ILIKE '%secret%' OR table_name ILIKE '%key%' OR table_name ILIKE '%tombstone%'`); len(rows) > 0 {
		t.Errorf("mirrored: %v", rows)
	}
}
