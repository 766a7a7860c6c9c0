package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Whatever a file that triggers keep is asked, it must not read whole tables
// or sort them: that is what makes a page cost what a page costs.
func TestNoQuestionReadsAWholeTable(t *testing.T) {
	s := openTest(t, Options{})
	c, ctx := s.Chat(), t.Context()
	if err := step(s, "s")(); err != nil {
		t.Fatal(err)
	}
	place := &chat.Place{LastActivity: "2026", ID: "x"}
	for _, user := range []string{"", "u"} {
		for _, after := range []*chat.Place{nil, place} {
			for _, q := range []chat.ThreadQuery{{}, {ThreadFilter: chat.ThreadFilter{Feedback: chat.Ptr(0)}}, {ThreadFilter: chat.ThreadFilter{Search: "x"}}} {
				q.UserID, q.After, q.Limit = user, after, 9
				if _, err := c.Threads(ctx, q); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, err := range []error{
		ignore(c.User(ctx, "u")), ignore(c.Head(ctx, "t")), ignore(c.Thread(ctx, "t")), ignore(c.Step(ctx, chat.Ref{ID: "s"})),
		ignore(c.Favorites(ctx, "u")), ignore(c.Element(ctx, chat.Ref{ID: "e"})), ignore(c.Orphans(ctx, time.Now(), 9)), ignore(s.Changes(ctx, 1, 9)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, conn := range append(s.readers.idle, s.writer.conn) {
		for sql := range conn.stmts {
			if !strings.HasPrefix(sql, "SELECT ") {
				continue
			}
			for _, line := range plan(t, s, sql) {
				n++
				if reason := slow(sql, line); reason != "" {
					t.Errorf("%s: %s\nin %s", reason, line, sql)
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d lines of plans were seen", n)
	}
}

// slow tells what is wrong with a line of a plan, "" when nothing is.
func slow(sql, line string) string {
	for _, table := range []string{"users", "threads", "steps", "elements", "feedbacks", "u", "t", "s", "e", "f", "n"} {
		if line == "SCAN "+table {
			return "a whole table is read"
		}
	}
	switch {
	case strings.Contains(sql, "AS varve_at") && strings.Contains(line, "TEMP B-TREE"):
		return "a listing is sorted"
	case strings.Contains(sql, "'favorite'") && strings.HasPrefix(line, "SEARCH s ") && !strings.Contains(line, "varve_steps_starred"):
		return "all steps of a user are read"
	}
	return ""
}

func ignore[T any](_ T, err error) error {
	if err != nil && strings.Contains(err.Error(), "there is no") {
		return nil
	}
	return err
}

func plan(t *testing.T, s *Store, sql string) (lines []string) {
	t.Helper()
	err := s.read(t.Context(), func(c *conn) error {
		return c.query("EXPLAIN QUERY PLAN "+sql, func(r sqlcore.Row) error {
			detail, _ := r.Text(3)
			lines = append(lines, detail)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// What is asked of versioned tables goes by an index as well.
func TestNoQuestionReadsAWholeVersionedTable(t *testing.T) {
	s := openTest(t, Options{})
	table, err := s.State().Declare(t.Context(), state.Schema{Name: "t", Key: []string{"k"}, Owner: "u",
		Columns: []state.Column{{Name: "k", Type: state.Text}, {Name: "u", Type: state.Text}}})
	if err != nil {
		t.Fatal(err)
	}
	v := s.statements(&table)
	asked := []string{v.Newest, v.AsOf, v.Source, v.History, v.Log, v.Last, v.Position, v.MoveHead, v.OwnHead, v.Compact, v.CompactBound}
	mine := state.Condition{Column: "u", Op: state.Equal, Value: "ada"}
	for _, q := range []state.Scan{{Where: []state.Condition{mine}}, {Where: []state.Condition{{Column: "u", Op: state.Equal}}},
		{After: []any{int64(7)}}, {After: []any{int64(7)}, At: 9}, {Where: []state.Condition{mine}, After: []any{int64(7)}}} {
		sql, _, err := v.Scan(&q)
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, sql)
	}
	for _, sql := range asked {
		lines := plan(t, s, sql)
		if len(lines) == 0 {
			t.Errorf("no plan of %s", sql)
		}
		for _, line := range lines {
			if whole := line == "SCAN e" || line == "SCAN l"; whole || strings.Contains(line, "TEMP B-TREE") {
				t.Errorf("%s\nin %s", line, sql)
			}
		}
	}
}
