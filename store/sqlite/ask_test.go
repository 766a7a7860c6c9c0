package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

// asked is a database with a little in it, and who answers about it.
func asked(t *testing.T) *analytics.Service {
	t.Helper()
	ctx := t.Context()
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "varve.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Secret(ctx, "cursors"); err != nil {
		t.Fatal(err)
	}
	svc := state.NewService(s.State(), state.Options{})
	r, err := svc.Declare(ctx, state.Schema{Name: "todos", Key: []string{"id"}, Columns: []state.Column{
		{Name: "id", Type: state.Text}, {Name: "n", Type: state.Integer}, {Name: "due", Type: state.Time}, {Name: "data", Type: state.Bytes}}})
	if err != nil {
		t.Fatal(err)
	}
	due := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, row := range []state.Row{{"id": "a", "n": 1, "due": due}, {"id": "a", "n": 2}, {"id": "b", "n": 3}} {
		if _, err := r.Put(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := chat.NewService(s.Chat(), chat.Options{}).PutStep(ctx, chat.Step{ID: "s1", ThreadID: "t1", Type: "user_message", Output: "hello"}); err != nil {
		t.Fatal(err)
	}
	return analytics.NewService(analytics.Options{Open: s.Asker})
}

func question(ctx context.Context, s *analytics.Service, sql string, args ...any) ([][]any, error) {
	rows, err := s.Query(ctx, analytics.Question{SQL: sql, Args: args, Limits: analytics.Limits{Time: 500 * time.Millisecond}})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Slice()
}

func TestQuestionsWithoutDuckDB(t *testing.T) {
	s := asked(t)
	for sql, want := range map[string][][]any{
		`SELECT id, n, due FROM todos ORDER BY id`:                                                     {{"a", int64(2), "2026-01-02 03:04:05.000006"}, {"b", int64(3), nil}},
		`SELECT id, n, _version, _op FROM todos_history ORDER BY _seq`:                                 {{"a", int64(1), int64(1), "append"}, {"a", int64(2), int64(2), "update"}, {"b", int64(3), int64(1), "append"}},
		`SELECT output, (SELECT count(*) FROM todos) FROM steps`:                                       {{"hello", int64(2)}},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t WHERE i<3) SELECT sum(i) FROM t`: {{int64(6)}},
	} {
		got, err := question(t.Context(), s, sql)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", sql, err, diff)
		}
	}
	got, err := question(t.Context(), s, `SELECT ?, ?, ?, ?`, int64(1), 1.5, "x", nil)
	if diff := cmp.Diff([][]any{{int64(1), 1.5, "x", nil}}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// As of a position and as of a time are what was there then, deletions and all.
func TestThePastWithoutDuckDB(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "varve.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	svc := state.NewService(s.State(), state.Options{Now: func() time.Time { return now }})
	r, err := svc.Declare(t.Context(), state.Schema{Name: "Todos", Key: []string{"id"}, Columns: []state.Column{{Name: "id", Type: state.Text}, {Name: "n", Type: state.Integer}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, write := range []func() error{
		func() error { _, err := r.Append(t.Context(), state.Row{"id": "a", "n": 1}); return err },
		func() error { _, err := r.Append(t.Context(), state.Row{"id": "b", "n": 2}); return err },
		func() error { _, err := r.Update(t.Context(), state.Row{"id": "a", "n": 3}); return err },
		func() error { _, err := r.Delete(t.Context(), "b"); return err },
	} {
		now = time.Date(2026, 11, 21, 12, i, 0, 0, time.UTC)
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	q := analytics.NewService(analytics.Options{Open: s.Asker})
	const first, both, second, last = "a=1", "a=1 b=2", "a=3 b=2", "a=3"
	for point, want := range map[any]string{
		int64(0): "", int64(1): first, int64(2): both, int64(3): second, int64(4): last, int64(1000): last, "2": both, " 3 ": second,
		"2026-11-21": "", "2026-11-21 11:59": "", "2026-11-21 12:00": first, "2026-11-21 12:00:59.999999": first, "2026-11-21T12:01:00Z": both,
		"2026-11-21 14:02+02:00": second, "2026-11-21 12:03": last, "2030-01-01": last, time.Date(2026, 11, 21, 12, 1, 30, 0, time.UTC): both,
	} {
		got, err := question(t.Context(), q, `SELECT coalesce(group_concat(id||'='||n, ' ' ORDER BY id), '') FROM todos_as_of(?)`, point)
		if err != nil || got[0][0] != want {
			t.Errorf("as of %v: %v, %v, want %q", point, got, err, want)
		}
	}
	// Two of them at once, and against the table as it is.
	got, err := question(t.Context(), q, `SELECT was.n, t.n, now.n, was._at FROM todos_as_of(2) was JOIN todos_as_of(3) now USING (id) JOIN todos t USING (id)`)
	if diff := cmp.Diff([][]any{{int64(1), int64(3), int64(3), "2026-11-21 12:00:00.000000"}}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, wrong := range []any{"yesterday", "", nil, 1.5} {
		if _, err := question(t.Context(), q, `SELECT * FROM todos_as_of(?)`, wrong); !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "as of what?") {
			t.Errorf("as of %v: %v", wrong, err)
		}
	}
	if _, err := r.Compact(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if _, err := question(t.Context(), q, `SELECT * FROM todos_as_of(2)`); !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "3 is the first position") {
		t.Errorf("compacted away: %v", err)
	}
	if got, err := question(t.Context(), q, `SELECT id, n FROM todos_as_of(3) ORDER BY id`); err != nil || !cmp.Equal([][]any{{"a", int64(3)}, {"b", int64(2)}}, got) {
		t.Errorf("at the horizon: %v, %v", got, err)
	}
}

// Each is refused, soon, with one of the kinds; nothing of it stays.
func TestHostileStatementsWithoutDuckDB(t *testing.T) {
	s := asked(t)
	file := filepath.Join(t.TempDir(), "hostile.db")
	for sql, kinds := range map[string][]errs.Kind{
		`DELETE FROM todos`: {errs.Forbidden, errs.Invalid}, `DELETE FROM steps`: {errs.Forbidden}, `UPDATE varve_log_todos SET n=0`: {errs.Forbidden},
		`INSERT INTO steps DEFAULT VALUES`: {errs.Forbidden}, `DROP TABLE steps`: {errs.Forbidden}, `CREATE TABLE x (i)`: {errs.Forbidden},
		`CREATE TEMP TABLE x (i)`: {errs.Forbidden}, `CREATE VIEW x AS SELECT 1`: {errs.Forbidden}, `ALTER TABLE steps ADD COLUMN x`: {errs.Forbidden},
		`REINDEX`: {errs.Forbidden, errs.Invalid}, `ANALYZE`: {errs.Forbidden, errs.Invalid}, `VACUUM`: {errs.Forbidden, errs.Invalid},
		`VACUUM INTO '` + file + `'`: {errs.Forbidden, errs.Invalid}, `ATTACH '` + file + `' AS x`: {errs.Forbidden}, `DETACH main`: {errs.Forbidden},
		`BEGIN`: {errs.Forbidden}, `COMMIT`: {errs.Forbidden}, `SAVEPOINT x`: {errs.Forbidden}, `PRAGMA query_only=OFF`: {errs.Forbidden},
		`PRAGMA journal_mode`: {errs.Forbidden}, `SELECT * FROM pragma_database_list`: {errs.Forbidden, errs.Invalid},
		`SELECT * FROM pragma_table_info('steps')`: {errs.Forbidden, errs.Invalid}, `SELECT load_extension('x')`: {errs.Forbidden, errs.Invalid},
		`SELECT * FROM varve_meta`: {errs.Forbidden}, `SELECT (SELECT value FROM varve_meta LIMIT 1)`: {errs.Forbidden}, `SELECT * FROM varve_tombstone`: {errs.Forbidden},
		`SELECT * FROM varve_change`: {errs.Forbidden}, `SELECT * FROM sqlite_master`: {errs.Forbidden}, `SELECT * FROM sqlite_temp_master`: {errs.Forbidden},
		`SELECT readfile('/etc/passwd')`: {errs.Invalid}, `SELECT writefile('` + file + `', 'x')`: {errs.Invalid}, `SELECT fts3_tokenizer('x')`: {errs.Forbidden, errs.Invalid},
		`CREATE VIRTUAL TABLE temp.x USING statement((SELECT 1))`: {errs.Forbidden}, `SELECT * FROM statement`: {errs.Invalid, errs.Forbidden},
		`SELECT * FROM statement('(SELECT * FROM varve_meta)')`: {errs.Invalid, errs.Forbidden}, `SELECT * FROM todos_as_of((SELECT value FROM varve_meta))`: {errs.Forbidden},
		`SELECT * FROM fsdir('/etc')`: {errs.Invalid}, `SELECT edit('x')`: {errs.Invalid},
		`SELECT 1; SELECT 2`: {errs.Invalid}, `SELECT 1; DROP TABLE steps`: {errs.Invalid}, `;`: {errs.Invalid}, `-- nothing`: {errs.Invalid},
		`/* SELECT */ DROP TABLE steps`: {errs.Forbidden}, `SELECT 'x`: {errs.Invalid}, `SELECT ?`: {errs.Invalid}, `SELECT 1)`: {errs.Invalid},
		`WITH a AS (SELECT 1) DELETE FROM steps`: {errs.Forbidden}, `SELECT * FROM nobody`: {errs.Invalid}, `SELECT nothing FROM todos`: {errs.Invalid},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t) SELECT count(*) FROM t`:            {errs.TooLarge},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION SELECT i+1 FROM t) SELECT count(*) FROM t`:                {errs.TooLarge},
		`WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s||s FROM t) SELECT sum(length(s)) FROM t`:   {errs.TooLarge},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t) SELECT * FROM t`:                   {errs.TooLarge},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t) SELECT group_concat(i) FROM t`:     {errs.TooLarge},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t) SELECT randomblob(1000000) FROM t`: {errs.TooLarge},
		`WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t) SELECT i FROM t ORDER BY -i`:       {errs.TooLarge},
		`SELECT zeroblob(1000000000)`: {errs.TooLarge}, `SELECT printf('%1000000000d', 1)`: {errs.TooLarge, ""}, `SELECT hex(randomblob(60000000))`: {errs.TooLarge},
		`SELECT replace(hex(zeroblob(20000)), '0', hex(zeroblob(20000)))`:                {errs.TooLarge},
		`SELECT ` + strings.Repeat("(", 20000) + `1` + strings.Repeat(")", 20000):        {errs.Invalid, errs.TooLarge},
		`SELECT 1` + strings.Repeat("+1", 5000):                                          {errs.Invalid},
		strings.Repeat("SELECT * FROM (", 3000) + `SELECT 1` + strings.Repeat(")", 3000): {errs.Invalid, errs.TooLarge},
		`SELECT json('` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `')`: {errs.Invalid},
	} {
		began := time.Now()
		_, err := question(t.Context(), s, sql)
		refused := false
		for _, kind := range kinds {
			refused = refused || kind != "" && errors.Is(err, kind) || kind == "" && err == nil
		}
		if !refused {
			t.Errorf("%s: %v, want %v", sql[:min(len(sql), 70)], err, kinds)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: answered after %s", sql[:min(len(sql), 70)], took)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a statement wrote a file")
	}
	if got, err := question(t.Context(), s, `SELECT count(*) FROM steps`); err != nil || got[0][0] != int64(1) {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}
