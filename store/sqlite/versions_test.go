package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/state/statetest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
)

var todos = state.Schema{Name: "Todos", Key: []string{"id"}, Owner: "user", Columns: []state.Column{
	{Name: "id", Type: state.Text}, {Name: "user", Type: state.Text}, {Name: "n", Type: state.Integer},
	{Name: "x", Type: state.Real}, {Name: "done", Type: state.Boolean}, {Name: "due", Type: state.Time},
	{Name: "raw", Type: state.Bytes}, {Name: "labels", Type: state.JSON},
}}

func declare(t testing.TB, s store.Tx, schema state.Schema) *state.Table {
	t.Helper()
	table, err := s.State().Declare(t.Context(), schema)
	must(t, err)
	return &table
}

// putRow writes a row of todos.
func putRow(t testing.TB, s store.Tx, op state.Op, id string, values map[string]any) state.Version {
	t.Helper()
	made, err := s.State().Write(t.Context(), "todos", []state.Write{row(op, id, values)})
	must(t, err)
	return made[0]
}

func row(op state.Op, id string, values map[string]any) state.Write {
	w := state.Write{Op: op, Key: id, Values: map[string]any{"id": id}, Now: write.Now}
	for name, v := range values {
		w.Values[name] = v
	}
	return w
}

func is(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func kind(t testing.TB, what string, err error, want errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	statetest.Run(t, func(t *testing.T) state.Store { return fresh(t).State() })
}

func TestStateAsStore(t *testing.T) {
	t.Parallel()
	statetest.RunStore(t, func(t *testing.T) store.Store { return fresh(t) })
}

func TestStateHistories(t *testing.T) {
	t.Parallel()
	statetest.Histories(t, 20, 100, func(*testing.T) state.Store { return memory.Open().State() },
		func(t *testing.T) state.Store { return fresh(t).State() })
}

func TestStateProcesses(t *testing.T) {
	statetest.Processes(t, filepath.Join(t.TempDir(), "varve.db"), func(ctx context.Context, path string) (store.Store, error) {
		return sqlite.Open(ctx, path, sqlite.Options{})
	})
}

func TestValuesOfAllTypesComeBack(t *testing.T) {
	s := fresh(t)
	table := declare(t, s, todos)
	values := map[string]any{"user": "ada", "n": int64(-1 << 63), "x": 0.1, "done": true, "due": time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
		"raw": []byte{}, "labels": json.RawMessage(`["a,b","é"]`)}
	wrote := putRow(t, s, state.OpAppend, "a", values)
	read, err := s.State().Get(t.Context(), table, "a", 0)
	must(t, err)
	is(t, "the version", read, wrote)
	for i, c := range table.Columns[1:] {
		is(t, c.Name, read.Values[i+1], values[c.Name])
	}
	putRow(t, s, state.OpAppend, "empty", nil)
	read, err = s.State().Get(t.Context(), table, "empty", 0)
	must(t, err)
	is(t, "NULLs", read.Values, []any{"empty", nil, nil, nil, nil, nil, nil, nil})
}

func TestStatesOfARowWithManyVersions(t *testing.T) {
	s := fresh(t)
	table := declare(t, s, todos)
	ctx := t.Context()
	var made []state.Version
	for n := range 300 {
		op := state.OpUpdate
		if n == 0 {
			op = state.OpAppend
		}
		putRow(t, s, state.OpPut, "other", nil)
		made = append(made, putRow(t, s, op, "a", map[string]any{"n": int64(n)}))
	}
	_, err := s.State().Get(ctx, table, "a", 1)
	kind(t, "before its time", err, errs.NotFound)
	for _, v := range made {
		for at := v.Seq; at <= v.Seq+1; at++ {
			got, err := s.State().Get(ctx, table, "a", at)
			must(t, err)
			is(t, fmt.Sprint("at ", at), got, v)
		}
		for _, after := range []time.Duration{0, time.Nanosecond} {
			seq, err := s.State().Position(ctx, table, v.At.Add(after))
			must(t, err)
			is(t, "position", seq, v.Seq)
		}
	}
	before, err := s.State().Position(ctx, table, write.Now.Add(-time.Microsecond))
	must(t, err)
	is(t, "position before all", before, int64(0))
	page, err := s.State().History(ctx, table, "a", 101, 50)
	must(t, err)
	is(t, "history", []int64{page[0].Number, page[49].Number, int64(len(page))}, []int64{100, 51, 50})

	gone, err := s.State().Compact(ctx, table, made[199].Seq, 0)
	must(t, err)
	is(t, "gone", gone, int64(199+199))
	for _, v := range made[199:] {
		got, err := s.State().Get(ctx, table, "a", v.Seq)
		must(t, err)
		is(t, "after compaction", got, v)
	}
	_, err = s.State().Get(ctx, table, "a", made[198].Seq)
	kind(t, "a state that was compacted away", err, errs.NotFound)
	tables, err := s.State().Tables(ctx)
	must(t, err)
	is(t, "horizon", tables[0].Horizon, made[199].Seq)
}

func TestABatchIsWholeOrNotAtAll(t *testing.T) {
	s := fresh(t)
	table := declare(t, s, todos)
	ctx := t.Context()
	_, err := s.State().Write(ctx, "TODOS", []state.Write{row(state.OpAppend, "a", nil), row(state.OpUpdate, "a", map[string]any{"user": "ada"}),
		row(state.OpAppend, "b", nil), row(state.OpAppend, "a", nil)})
	kind(t, "the batch", err, errs.Exists)
	head, err := s.State().Head(ctx, table)
	must(t, err)
	is(t, "head", head.Seq, int64(0))
	must(t, s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.State().Write(ctx, "todos", []state.Write{row(state.OpAppend, "a", nil), row(state.OpAppend, "a", nil)})
		kind(t, "inside", err, errs.Exists)
		_, err = tx.State().Write(ctx, "todos", []state.Write{row(state.OpAppend, "a", nil), row(state.OpUpdate, "a", map[string]any{"user": "ada"})})
		return err
	}))
	found, err := s.State().Scan(ctx, table, state.Scan{Where: []state.Condition{{Column: "user", Op: state.Equal, Value: "ada"}}, Limit: 9})
	must(t, err)
	is(t, "rows", len(found), 1)
	is(t, "version", found[0].Number, int64(2))
}

// What an Update undid is not remembered: neither a table nor its columns.
func TestADeclarationThatWasUndone(t *testing.T) {
	s := fresh(t)
	ctx := t.Context()
	refused := errors.New("refused")
	wider := todos
	wider.Columns = append([]state.Column{{Name: "more", Type: state.Text}}, todos.Columns...)
	undone := func(schema state.Schema) {
		t.Helper()
		err := s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			declare(t, tx, schema)
			putRow(t, tx, state.OpPut, "a", map[string]any{"n": int64(1)})
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
	}
	undone(todos)
	_, err := s.State().Write(ctx, "todos", []state.Write{row(state.OpAppend, "a", nil)})
	kind(t, "a table that was undone", err, errs.NotFound)
	declare(t, s, todos)
	undone(wider)
	putRow(t, s, state.OpAppend, "a", nil)
	table := declare(t, s, wider)
	is(t, "columns", len(table.Columns), 9)
	putRow(t, s, state.OpUpdate, "a", map[string]any{"more": "m"})
}

// Two programs have the file open; each sees what the other declares.
func TestAnotherProgramDeclares(t *testing.T) {
	path := filepath.Join(scratch(t), "varve.db")
	one, two := open(t, path), open(t, path)
	old := declare(t, one, todos)
	putRow(t, one, state.OpAppend, "a", map[string]any{"n": int64(1) << 60})
	wider := todos
	wider.Columns = append([]state.Column(nil), todos.Columns...)
	wider.Columns[2] = state.Column{Name: "amount", Type: state.Text, Was: []string{"n"}}
	table := declare(t, two, wider)
	putRow(t, one, state.OpUpdate, "a", map[string]any{"amount": "many"})
	for at, want := range map[int64]any{1: "1152921504606846976", 2: "many"} {
		got, err := one.State().Get(t.Context(), table, "a", at)
		must(t, err)
		is(t, fmt.Sprint("at ", at), got.Values[2], want)
	}
	got, err := two.State().Get(t.Context(), old, "a", 1)
	must(t, err)
	is(t, "as it was known", got.Values[2], int64(1)<<60)
	again := declare(t, one, todos)
	is(t, "the table is ahead of an old declaration", again.Columns[2].Name, "amount")
}

func TestClearForgetsAndPositionsGoOn(t *testing.T) {
	s := fresh(t)
	ctx := t.Context()
	table := declare(t, s, todos)
	for _, id := range []string{"a", "b"} {
		putRow(t, s, state.OpAppend, id, nil)
	}
	kind(t, "an unknown table among them", s.State().Clear(ctx, []string{"todos", "nothing"}), errs.NotFound)
	head, err := s.State().Head(ctx, table)
	must(t, err)
	is(t, "head", head, state.Head{Seq: 2})
	must(t, s.State().Clear(ctx, []string{"todos", "Todos"}))
	head, err = s.State().Head(ctx, table)
	must(t, err)
	is(t, "head after", head, state.Head{Seq: 2, Generation: 1})
	v := putRow(t, s, state.OpAppend, "a", nil)
	is(t, "position", v.Seq, int64(3))
	if want := write.Now.Add(2 * time.Microsecond); !v.At.Equal(want) {
		t.Errorf("time %v, want %v", v.At, want)
	}
	is(t, "horizon", declare(t, s, todos).Horizon, int64(3))
}

func TestNamesAndTablesThatAreNot(t *testing.T) {
	s := fresh(t)
	ctx := t.Context()
	nothing := &state.Table{Schema: todos}
	for range todos.Columns {
		nothing.Places = append(nothing.Places, []state.Place{{Name: "id", Type: state.Text}})
	}
	tables, err := s.State().Tables(ctx)
	must(t, err)
	is(t, "tables", len(tables), 0)
	for range 2 { // before and after there is a catalogue
		p := s.State()
		for what, call := range map[string]func() error{
			"Write":    func() error { _, err := p.Write(ctx, "todos", nil); return err },
			"Clear":    func() error { return p.Clear(ctx, []string{"todos"}) },
			"Head":     func() error { _, err := p.Head(ctx, nothing); return err },
			"Get":      func() error { _, err := p.Get(ctx, nothing, "a", 0); return err },
			"Scan":     func() error { _, err := p.Scan(ctx, nothing, state.Scan{Limit: 1}); return err },
			"History":  func() error { _, err := p.History(ctx, nothing, "a", 0, 1); return err },
			"Log":      func() error { _, err := p.Log(ctx, nothing, 0, 1); return err },
			"Position": func() error { _, err := p.Position(ctx, nothing, time.Now()); return err },
			"Compact":  func() error { _, err := p.Compact(ctx, nothing, 1, 0); return err },
		} {
			kind(t, what, call(), errs.NotFound)
		}
		declare(t, s, state.Schema{Name: "order", Key: []string{"select"}, Columns: []state.Column{{Name: "select", Type: state.Text}, {Name: "rowid", Type: state.Integer}}})
	}
	_, err = s.State().Write(ctx, "order", []state.Write{{Op: state.OpAppend, Key: "k", Values: map[string]any{"select": "k", "rowid": int64(7)}, Now: write.Now}})
	must(t, err)
}

func TestAFileOfOthersKeepsNoTablesUntilItIsMended(t *testing.T) {
	path := foreignFile(t, "documented")
	s := open(t, path)
	_, err := s.State().Declare(t.Context(), todos)
	kind(t, "a foreign file", err, errs.Unsupported)
	must(t, s.Mend(t.Context()))
	declare(t, s, todos)
	putRow(t, s, state.OpAppend, "a", nil)
	kind(t, "taking Varve away from under rows", s.Remove(t.Context()), errs.Conflict)
	must(t, s.State().Clear(t.Context(), []string{"todos"}))
	must(t, s.Remove(t.Context()))
	is(t, "left", another(t, path).rows(`SELECT name FROM sqlite_master WHERE name LIKE 'varve%'`), []string(nil))
	_, err = s.State().Tables(t.Context())
	kind(t, "after that", err, errs.Unsupported)
}

func TestATableOfOthersInTheWay(t *testing.T) {
	for name, sql := range map[string]string{"the log": `CREATE TABLE varve_log_todos (a)`, "the catalogue": `CREATE TABLE varve_table (a)`} {
		path := filepath.Join(scratch(t), "varve.db")
		s := open(t, path)
		another(t, path).run(sql)
		_, err := s.State().Declare(t.Context(), todos)
		kind(t, name, err, errs.Invalid)
	}
}

func TestADamagedCatalogueIsSaid(t *testing.T) {
	for _, damage := range []string{`'{"name":'`, `'{}'`, `NULL`, `replace(declaration,'"places":[','"places":[[],')`} {
		path := filepath.Join(scratch(t), "varve.db")
		s := open(t, path)
		declare(t, s, todos)
		putRow(t, s, state.OpAppend, "a", nil)
		another(t, path).run(`UPDATE varve_table SET edition=1,declaration=` + damage)
		_, err := s.State().Write(t.Context(), "todos", []state.Write{row(state.OpUpdate, "a", nil)})
		kind(t, damage, err, errs.Internal)
		_, err = s.State().Tables(t.Context())
		kind(t, damage, err, errs.Internal)
		_, err = s.State().Declare(t.Context(), todos)
		kind(t, damage, err, errs.Internal)
	}
}
