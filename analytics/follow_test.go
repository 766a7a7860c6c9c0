//go:build cgo && !no_duckdb

package analytics_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// Every question sees what was written before it: rows that are new, changed,
// deleted, taken back and cleared, few and many.
func TestAQuestionSeesWhatWasWrittenBefore(t *testing.T) {
	everywhere(t, func(p *place) {
		p.answers(`SELECT 1`, []any{int64(1)})
		r := p.declare(todos)
		p.answers(`SELECT count(*) FROM todos`, []any{int64(0)})
		due := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		p.put(r, state.Row{"id": "a", "owner": "ada", "n": 1, "x": 0.5, "done": true, "due": due, "raw": []byte("bytes"), "labels": []any{"x", "y,z"}})
		p.put(r, state.Row{"id": "b"})
		p.answers(`SELECT id, n, x, done, due, labels->>1 FROM todos ORDER BY id`,
			[]any{"a", int64(1), 0.5, true, due, "y,z"}, []any{"b", nil, nil, nil, nil, nil})
		p.put(r.By("someone"), state.Row{"id": "a", "n": 2})
		_, err := r.Delete(p.ctx, "b")
		p.must(err)
		p.answers(`SELECT id, n, _version, _actor FROM todos`, []any{"a", int64(2), int64(2), "someone"})
		p.answers(`SELECT id, _op, _source FROM todos_history ORDER BY _seq`, []any{"a", "append", nil}, []any{"b", "append", nil}, []any{"a", "update", nil}, []any{"b", "delete", nil})
		_, err = r.Undo(p.ctx, "b")
		p.must(err)
		_, err = r.Restore(p.ctx, 1, "a")
		p.must(err)
		p.answers(`SELECT id, n FROM todos ORDER BY id`, []any{"a", int64(1)}, []any{"b", nil})
		p.answers(`SELECT _source FROM todos_history WHERE _op='restore' AND id='a'`, []any{int64(1)})
		p.many(r, 7000)
		p.same("many", r.All, "todos")
		p.must(p.state.Clear(p.ctx))
		p.answers(`SELECT (SELECT count(*) FROM todos), (SELECT count(*) FROM todos_history)`, []any{int64(0), int64(0)})
		p.put(r, state.Row{"id": "z"})
		p.answers(`SELECT id FROM todos_history`, []any{"z"})
	})
}

// What another program writes and declares is seen as one's own.
func TestAnotherProgramsWritesAreSeen(t *testing.T) {
	everywhere(t, func(p *place) {
		r := p.declare(todos)
		p.put(r, state.Row{"id": "a"})
		p.answers(`SELECT id FROM todos`, []any{"a"})
		other := p.again()
		theirs := state.NewService(other.State(), state.Options{})
		for i := range 5 {
			same, err := theirs.Open(p.ctx, "todos")
			p.must(err)
			p.put(same, state.Row{"id": "a", "n": i})
			p.answers(`SELECT n FROM todos`, []any{int64(i)})
		}
		things, err := theirs.Declare(p.ctx, state.Schema{Name: "things", Key: []string{"id"}, Columns: []state.Column{{Name: "id", Type: state.Integer}}})
		p.must(err)
		p.put(things, state.Row{"id": 7})
		p.answers(`SELECT things.id, todos.id FROM things, todos`, []any{int64(7), "a"})
		users := chat.NewService(other.Chat(), chat.Options{})
		for i := range 3 {
			_, err := users.PutUser(p.ctx, chat.User{Identifier: fmt.Sprint("user", i)})
			p.must(err)
			p.answers(`SELECT count(*) FROM users`, []any{int64(i + 1)})
		}
	})
}

// Conversations and tables meet in one question.
func TestConversationsAndTablesInOneQuestion(t *testing.T) {
	everywhere(t, func(p *place) {
		u, err := p.chat.PutUser(p.ctx, chat.User{Identifier: "ada"})
		p.must(err)
		_, err = p.chat.UpdateThread(p.ctx, chat.ThreadPatch{ID: "t1", UserID: u.ID})
		p.must(err)
		_, err = p.chat.PutStep(p.ctx, chat.Step{ID: "s1", ThreadID: "t1", Type: "user_message", Output: "hello"})
		p.must(err)
		p.put(p.declare(todos), state.Row{"id": "a", "owner": "ada"})
		const sql = `SELECT todos.id, s.output FROM todos JOIN users u ON u.identifier=todos.owner JOIN threads t ON t."userId"=u.id JOIN steps s ON s."threadId"=t.id`
		p.answers(sql, []any{"a", "hello"})
		_, err = p.chat.PutStep(p.ctx, chat.Step{ID: "s1", ThreadID: "t1", Type: "user_message", Output: "again"})
		p.must(err)
		p.answers(sql, []any{"a", "again"})
		p.must(p.chat.DeleteThread(p.ctx, "t1"))
		p.answers(sql)
	})
}

// As of every position and time the mirror has the rows that the table had.
func TestTheMirrorAsOfEveryPoint(t *testing.T) {
	everywhere(t, func(p *place) {
		r := p.declare(todos)
		var points []state.Record
		for i := range 30 {
			switch id := fmt.Sprint(i % 4); {
			case i%7 == 6:
				rec, err := r.Delete(p.ctx, fmt.Sprint((i+3)%4))
				if errs.KindOf(err) == errs.NotFound {
					continue
				}
				p.must(err)
				points = append(points, rec)
			default:
				points = append(points, p.put(r, state.Row{"id": id, "n": i, "owner": fmt.Sprint(i % 3)}))
			}
			if i%10 == 0 {
				p.ask(`SELECT 1`) // some of it comes before, some behind
			}
		}
		for i, rec := range points {
			p.same(fmt.Sprint("position ", i), r.AsOf(state.AtPosition(rec.Seq)).All, fmt.Sprintf("todos_as_of(%d)", rec.Seq))
			at := rec.At.Format("2006-01-02 15:04:05.000000")
			p.same("at "+at, r.AsOf(state.AtTime(rec.At)).All, "todos_as_of('"+at+"')")
		}
		p.answers(`SELECT * FROM todos_as_of('2001-01-01')`)
		p.same("now", r.All, "todos_as_of(1000000)")
	})
}

// A declaration that adds, renames and widens columns is the mirror's at once,
// and what was written under older ones reads as it does in the table.
func TestDeclarationsThatChange(t *testing.T) {
	everywhere(t, func(p *place) {
		id := state.Column{Name: "id", Type: state.Text}
		declare := func(columns ...state.Column) *state.Rows {
			return p.declare(state.Schema{Name: "things", Key: []string{"id"}, Columns: append([]state.Column{id}, columns...)})
		}
		r := declare(state.Column{Name: "n", Type: state.Integer}, state.Column{Name: "m", Type: state.Integer})
		p.put(r, state.Row{"id": "a", "n": 7, "m": 8})
		p.answers(`SELECT id, n, m FROM things`, []any{"a", int64(7), int64(8)})
		declare(state.Column{Name: "n", Type: state.Integer}, state.Column{Name: "m", Type: state.Integer}, state.Column{Name: "more", Type: state.JSON})
		p.answers(`SELECT id, n, more FROM things`, []any{"a", int64(7), nil})
		r = declare(state.Column{Name: "count", Type: state.Integer, Was: []string{"n"}}, state.Column{Name: "m", Type: state.Integer})
		p.answers(`SELECT id, count FROM things`, []any{"a", int64(7)})
		p.put(r, state.Row{"id": "b", "count": 1})
		r = declare(state.Column{Name: "count", Type: state.Real}, state.Column{Name: "m", Type: state.Text})
		p.answers(`SELECT id, count, m FROM things ORDER BY id`, []any{"a", 7.0, "8"}, []any{"b", 1.0, nil})
		p.put(r, state.Row{"id": "b", "count": 1.5, "m": "text"})
		p.answers(`SELECT id, count, m FROM things_history ORDER BY _seq`, []any{"a", 7.0, "8"}, []any{"b", 1.0, nil}, []any{"b", 1.5, "text"})
		if _, err := r.Delete(p.ctx, "a"); err != nil {
			p.Fatal(err)
		}
		p.answers(`SELECT id, count, m FROM things_as_of((SELECT max(_seq) - 1 FROM things_history)) ORDER BY id`, []any{"a", 7.0, "8"}, []any{"b", 1.5, "text"})
	})
}

// What is compacted away behind the mirror's back is gone from it, too, and a
// state that nobody can tell any more is refused.
func TestCompactionBehindTheMirror(t *testing.T) {
	everywhere(t, func(p *place) {
		r := p.declare(todos)
		var recs []state.Record
		for i := range 40 {
			recs = append(recs, p.put(r, state.Row{"id": fmt.Sprint(i % 3), "n": i}))
		}
		p.answers(`SELECT count(*) FROM todos_history`, []any{int64(40)})
		_, err := r.Compact(p.ctx, recs[29].Seq)
		p.must(err)
		p.answers(`SELECT count(*), min(n) FROM todos_history`, []any{int64(13), int64(27)})
		p.same("now", r.All, "todos")
		p.same("at the horizon", r.AsOf(state.AtPosition(recs[29].Seq)).All, fmt.Sprintf("todos_as_of(%d)", recs[29].Seq))
		for _, point := range []string{fmt.Sprint(recs[28].Seq), "0", "'2001-01-01'"} {
			if _, err := p.query(p.ctx, question(`SELECT * FROM todos_as_of(`+point+`)`)); errs.KindOf(err) != errs.Invalid {
				p.Errorf("as of %s: %v", point, err)
			}
		}
		_, err = r.Retain(p.ctx, state.Retention{Positions: 1})
		p.must(err)
		p.answers(`SELECT count(*) FROM todos_history`, []any{int64(3)})
		p.put(r, state.Row{"id": "0", "n": 100})
		p.answers(`SELECT max(n), count(*) FROM todos_history`, []any{int64(100), int64(4)})
	})
}

// A second look that forgets what the first one kept of each row leaves the
// horizon where it is, and the mirror hears of it all the same.
func TestCompactionThatLeavesTheHorizon(t *testing.T) {
	everywhere(t, func(p *place) {
		r := p.declare(todos)
		for i := range 12 {
			p.put(r, state.Row{"id": fmt.Sprint(i / 6), "n": i}) // one row's versions, then the other's
		}
		_, err := r.Retain(p.ctx, state.Retention{Versions: 3})
		p.must(err)
		p.answers(`SELECT count(*) FROM todos_history`, []any{int64(6)})
		horizon := r.Table().Horizon
		gone, err := r.Compact(p.ctx, horizon)
		p.must(err)
		if gone == 0 || r.Table().Horizon != horizon {
			p.Fatalf("%d went, and the horizon is %d after %d: nothing is tried", gone, r.Table().Horizon, horizon)
		}
		p.answers(`SELECT count(*) FROM todos_history`, []any{6 - gone})
	})
}

// Those who ask while others write see whole writes, each once, and never
// fewer than before.
func TestReadersWhileTheMirrorFollows(t *testing.T) {
	everywhere(t, func(p *place) {
		r := p.declare(todos)
		const rows = 25
		writes := 40
		if testing.Short() {
			writes = 8
		}
		var all sync.WaitGroup
		all.Go(func() {
			for n := range writes {
				var changes []state.Change
				for i := range rows {
					changes = append(changes, state.Change{Op: state.OpPut, Row: state.Row{"id": fmt.Sprint(i), "n": n + 1}})
				}
				if _, err := r.Write(p.ctx, changes...); err != nil {
					p.Error(err)
					return
				}
			}
		})
		for range 4 {
			all.Go(func() {
				for last := int64(0); last < int64(writes); {
					got, err := p.query(p.ctx, question(`SELECT count(*), coalesce(min(n), 0), coalesce(max(n), 0), (SELECT count(*) FROM todos_history), (SELECT count(DISTINCT _seq) FROM todos_history) FROM todos`))
					if err != nil {
						p.Error(err)
						return
					}
					n := got[0][1].(int64)
					if n < last || got[0][2] != n || got[0][3] != n*rows || got[0][4] != n*rows || n > 0 && got[0][0] != int64(rows) {
						p.Errorf("after %d: %v", last, got)
						return
					}
					last = n
				}
			})
		}
		all.Wait()
	})
}
