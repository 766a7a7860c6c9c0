package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/state/statetest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/postgres"
)

var todos = state.Schema{Name: "Todos", Key: []string{"id"}, Owner: "user", Columns: []state.Column{
	{Name: "id", Type: state.Text}, {Name: "user", Type: state.Text}, {Name: "n", Type: state.Integer},
	{Name: "x", Type: state.Real}, {Name: "done", Type: state.Boolean}, {Name: "due", Type: state.Time},
	{Name: "raw", Type: state.Bytes}, {Name: "labels", Type: state.JSON},
}}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func isKind(t testing.TB, what string, err error, want errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func declare(t testing.TB, s store.Tx, schema state.Schema) *state.Table {
	t.Helper()
	table, err := s.State().Declare(t.Context(), schema)
	must(t, err)
	return &table
}

func todo(op state.Op, id string, values map[string]any) state.Write {
	w := state.Write{Op: op, Key: id, Values: map[string]any{"id": id}, Now: noon}
	for name, v := range values {
		w.Values[name] = v
	}
	return w
}

func putTodo(t testing.TB, s store.Tx, op state.Op, id string, values map[string]any) state.Version {
	t.Helper()
	made, err := s.State().Write(t.Context(), "todos", []state.Write{todo(op, id, values)})
	must(t, err)
	return made[0]
}

// everywhere runs a test on a database and on one behind PgBouncer.
func everywhere(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("direct", func(t *testing.T) { test(t, pgtest.New(t)) })
	t.Run("pooled", func(t *testing.T) { test(t, pgtest.Bouncer(t, pgtest.New(t))) })
}

func TestState(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		s := open(t, url)
		c := connect(t, url)
		statetest.Run(t, func(t *testing.T) state.Store {
			forgetTables(t, c)
			return s.State()
		})
	})
}

func TestStateAsStore(t *testing.T) {
	statetest.RunStore(t, func(t *testing.T) store.Store { return open(t, pgtest.New(t)) })
}

func TestStateHistories(t *testing.T) {
	url := pgtest.New(t)
	s, c := open(t, url), connect(t, url)
	statetest.Histories(t, 10, 60, func(*testing.T) state.Store { return memory.Open().State() },
		func(t *testing.T) state.Store {
			forgetTables(t, c)
			return s.State()
		})
}

func TestStateProcesses(t *testing.T) {
	statetest.Processes(t, pgtest.New(t), func(ctx context.Context, url string) (store.Store, error) {
		return postgres.Open(ctx, url, postgres.Options{})
	})
}

// forgetTables takes away every versioned table.
func forgetTables(t *testing.T, c *pgx.Conn) {
	t.Helper()
	_, err := c.Exec(t.Context(), `DO $$ DECLARE t text; BEGIN
	  IF to_regclass('varve_table') IS NULL THEN RETURN; END IF;
	  FOR t IN DELETE FROM varve_table RETURNING name LOOP EXECUTE format('DROP TABLE %I,%I', 'varve_log_'||t, 'varve_entity_'||t); END LOOP;
	END $$`)
	must(t, err)
}

func TestValuesOfAllTypesComeBack(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		s := open(t, url)
		table := declare(t, s, todos)
		values := map[string]any{"user": "", "n": int64(-1 << 63), "x": 0.1, "done": false, "due": time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
			"raw": []byte{}, "labels": json.RawMessage(`["a,b","\u00e9",1.50]`)}
		key := strings.Repeat("é long key ", 2000)
		wrote := putTodo(t, s, state.OpAppend, key, values)
		read, err := s.State().Get(t.Context(), table, key, 0)
		must(t, err)
		is(t, "the version", read, wrote)
		for i, c := range table.Columns[1:] {
			is(t, c.Name, read.Values[i+1], values[c.Name])
		}
		other := key[:len(key)-1] + "!"
		putTodo(t, s, state.OpAppend, other, map[string]any{"raw": []byte{0, 255, '\\'}})
		read, err = s.State().Get(t.Context(), table, other, 0)
		must(t, err)
		is(t, "NULLs", read.Values, []any{other, nil, nil, nil, nil, nil, []byte{0, 255, '\\'}, nil})
	})
}

func TestStatesOfARowWithManyVersions(t *testing.T) {
	s := open(t, pgtest.New(t))
	table := declare(t, s, todos)
	ctx := t.Context()
	var made []state.Version
	for n := range 100 {
		op := state.OpUpdate
		if n == 0 {
			op = state.OpAppend
		}
		putTodo(t, s, state.OpPut, "other", nil)
		made = append(made, putTodo(t, s, op, "a", map[string]any{"n": int64(n)}))
	}
	for _, v := range made {
		for at := v.Seq; at <= v.Seq+1; at++ {
			got, err := s.State().Get(ctx, table, "a", at)
			must(t, err)
			is(t, fmt.Sprint("at ", at), got, v)
		}
		seq, err := s.State().Position(ctx, table, v.At.Add(time.Nanosecond))
		must(t, err)
		is(t, "position", seq, v.Seq)
	}
	_, err := s.State().Get(ctx, table, "a", 1)
	isKind(t, "before its time", err, errs.NotFound)
	gone, err := s.State().Compact(ctx, table, made[49].Seq, 0)
	must(t, err)
	is(t, "gone", gone, int64(49+49))
	for _, v := range made[49:] {
		got, err := s.State().Get(ctx, table, "a", v.Seq)
		must(t, err)
		is(t, "after compaction", got, v)
	}
	_, err = s.State().Get(ctx, table, "a", made[48].Seq)
	isKind(t, "a state that was compacted away", err, errs.NotFound)
}

// What an Update undid is not remembered: neither a table nor its columns.
func TestADeclarationThatWasUndone(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		s := open(t, url)
		ctx := t.Context()
		refused := errors.New("refused")
		wider := todos
		wider.Columns = append([]state.Column{{Name: "more", Type: state.Text}}, todos.Columns...)
		undone := func(schema state.Schema) {
			t.Helper()
			err := s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
				declare(t, tx, schema)
				putTodo(t, tx, state.OpPut, "a", map[string]any{"n": int64(1)})
				return refused
			})
			if !errors.Is(err, refused) {
				t.Fatal(err)
			}
		}
		undone(todos)
		_, err := s.State().Write(ctx, "todos", []state.Write{todo(state.OpAppend, "a", nil)})
		isKind(t, "a table that was undone", err, errs.NotFound)
		declare(t, s, todos)
		undone(wider)
		putTodo(t, s, state.OpAppend, "a", nil)
		is(t, "columns", len(declare(t, s, wider).Columns), 9)
		putTodo(t, s, state.OpUpdate, "a", map[string]any{"more": "m"})
	})
}

func TestABatchIsWholeOrNotAtAll(t *testing.T) {
	s := open(t, pgtest.New(t))
	table := declare(t, s, todos)
	ctx := t.Context()
	_, err := s.State().Write(ctx, "TODOS", []state.Write{todo(state.OpAppend, "a", nil), todo(state.OpAppend, "a", nil)})
	isKind(t, "the batch", err, errs.Exists)
	head, err := s.State().Head(ctx, table)
	must(t, err)
	is(t, "head", head.Seq, int64(0))
	must(t, s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.State().Write(ctx, "todos", []state.Write{todo(state.OpAppend, "a", nil), todo(state.OpAppend, "a", nil)})
		isKind(t, "inside", err, errs.Exists)
		_, err = tx.State().Get(ctx, &state.Table{Schema: state.Schema{Name: "nothing"}}, "k", 0)
		isKind(t, "a table that is not", err, errs.NotFound)
		_, err = tx.State().Write(ctx, "todos", []state.Write{todo(state.OpAppend, "a", nil), todo(state.OpUpdate, "a", map[string]any{"user": "ada"})})
		return err
	}))
	found, err := s.State().Scan(ctx, table, state.Scan{Where: []state.Condition{{Column: "user", Op: state.Equal, Value: "ada"}}, Limit: 9})
	must(t, err)
	is(t, "rows", len(found), 1)
	is(t, "version", found[0].Number, int64(2))
}

// Programs and callers that write at once: no row is made twice, no version is
// lost, and who follows the log sees every version, in order.
func TestManyWritersOfVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		const programs, callers, laps = 3, 8, 12
		table := declare(t, open(t, url), todos)
		var wins sync.Map
		var writers, follower sync.WaitGroup
		over := make(chan struct{})
		var followed []state.Version
		reader := open(t, url)
		follower.Go(func() { followed = follow(t, reader, table, over) })
		for range programs {
			s := open(t, url)
			for range callers {
				writers.Go(func() {
					for n := range laps {
						id := fmt.Sprint("row", n)
						_, err := s.State().Write(context.Background(), "todos", []state.Write{todo(state.OpAppend, id, nil)})
						if err == nil {
							if _, twice := wins.LoadOrStore(id, true); twice {
								t.Errorf("%s was appended twice", id)
							}
						} else {
							isKind(t, id, err, errs.Exists)
						}
						if _, err := s.State().Write(context.Background(), "todos", []state.Write{todo(state.OpPut, "hot", nil)}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		writers.Wait()
		close(over)
		follower.Wait()
		is(t, "versions", len(followed), laps+programs*callers*laps)
		for i, v := range followed {
			if i > 0 && (v.Seq <= followed[i-1].Seq || !v.At.After(followed[i-1].At)) {
				t.Fatalf("position %d, %v follows %d, %v", v.Seq, v.At, followed[i-1].Seq, followed[i-1].At)
			}
		}
		hot, err := reader.State().Get(t.Context(), table, "hot", 0)
		must(t, err)
		is(t, "versions of one row", hot.Number, int64(programs*callers*laps))
	})
}

// follow reads the log until over and once more.
func follow(t *testing.T, s *postgres.Store, table *state.Table, over chan struct{}) (seen []state.Version) {
	for last := false; !last; {
		select {
		case <-over:
			last = true
		default:
		}
		after := int64(0)
		if len(seen) > 0 {
			after = seen[len(seen)-1].Seq
		}
		more, err := s.State().Log(context.Background(), table, after, 1000)
		if err != nil {
			t.Error(err)
			return seen
		}
		seen = append(seen, more...)
	}
	return seen
}

// Two transactions that take two tables in two orders: one is run again.
func TestUpdatesThatLockEachOther(t *testing.T) {
	s := open(t, pgtest.New(t))
	names := []string{"one", "two"}
	for _, name := range names {
		schema := todos
		schema.Name = name
		declare(t, s, schema)
	}
	first := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			once := sync.OnceFunc(func() {
				close(first[i])
				<-first[1-i]
			})
			err := s.Update(context.Background(), func(ctx context.Context, tx store.Tx) error {
				for n := range 2 {
					if _, err := tx.State().Write(ctx, names[(i+n)%2], []state.Write{todo(state.OpPut, "a", nil)}); err != nil {
						return err
					}
					once()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

func TestVersionedTablesBesideOthers(t *testing.T) {
	url := fixture(t, "documented")
	s := open(t, url)
	_, err := s.State().Declare(t.Context(), todos)
	isKind(t, "a foreign database", err, errs.Unsupported)
	must(t, s.Mend(t.Context()))
	d, err := s.Examine(t.Context())
	must(t, err)
	is(t, "findings", len(d.Findings), 0)
	declare(t, s, todos)
	putTodo(t, s, state.OpAppend, "a", nil)
	isKind(t, "taking Varve away from under rows", s.Remove(t.Context()), errs.Conflict)
	must(t, s.State().Clear(t.Context(), []string{"todos"}))
	must(t, s.Remove(t.Context()))
	var left int
	must(t, connect(t, url).QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relname LIKE 'varve%'`).Scan(&left))
	is(t, "left", left, 0)
	_, err = s.State().Tables(t.Context())
	isKind(t, "after that", err, errs.Unsupported)
}

// A database that an earlier version mended lacks the catalogue only.
func TestADatabaseThatWasMendedBefore(t *testing.T) {
	url := fixture(t, "documented")
	s := open(t, url)
	must(t, s.Mend(t.Context()))
	pgtest.Exec(t, url, `DROP TABLE varve_table,varve_artifact,varve_artifact_part,varve_artifact_ref,varve_artifact_note,varve_data_table; DELETE FROM varve_migration WHERE version>=5`)
	s = open(t, url)
	_, err := s.State().Tables(t.Context())
	isKind(t, "without a catalogue", err, errs.Unsupported)
	is(t, "features", s.Chat().Features().Tombstones, true)
	must(t, s.Mend(t.Context()))
	declare(t, s, todos)
}

func TestATableOfOthersInTheWay(t *testing.T) {
	url := pgtest.New(t)
	s := open(t, url)
	pgtest.Exec(t, url, `CREATE TABLE varve_log_todos (a INT)`)
	_, err := s.State().Declare(t.Context(), todos)
	isKind(t, "the log", err, errs.Invalid)
}

func TestADamagedCatalogueIsSaid(t *testing.T) {
	url := pgtest.New(t)
	s := open(t, url)
	declare(t, s, todos)
	for _, damage := range []string{`{"name":`, `{}`} {
		pgtest.Exec(t, url, `UPDATE varve_table SET edition=edition+1,declaration=$1`, damage)
		_, err := s.State().Write(t.Context(), "todos", []state.Write{todo(state.OpAppend, "a", nil)})
		isKind(t, damage, err, errs.Internal)
		_, err = s.State().Tables(t.Context())
		isKind(t, damage, err, errs.Internal)
	}
}

// Names that PostgreSQL has for itself, and reserved words.
func TestColumnsWithNamesOfTheDatabase(t *testing.T) {
	s := open(t, pgtest.New(t))
	schema := state.Schema{Name: strings.Repeat("Long", 12), Key: []string{"select"}, Owner: "user"}
	w := state.Write{Op: state.OpAppend, Key: "k", Values: map[string]any{}, Now: noon}
	for _, name := range []string{"select", "user", "ctid", "XMIN", "tableoid", "order"} {
		schema.Columns = append(schema.Columns, state.Column{Name: name, Type: state.Text})
		w.Values[name] = "k"
	}
	table := declare(t, s, schema)
	_, err := s.State().Write(t.Context(), schema.Name, []state.Write{w})
	must(t, err)
	got, err := s.State().Get(t.Context(), table, "k", 0)
	must(t, err)
	is(t, "values", got.Values, []any{"k", "k", "k", "k", "k", "k"})
}

// A caller that gives up while another works writes nothing, and the turn that
// would have been its passes on.
func TestAWriterThatGivesUp(t *testing.T) {
	url := pgtest.New(t)
	s := open(t, url)
	table := declare(t, s, todos)
	held := connect(t, url)
	tx, err := held.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM varve_table FOR UPDATE`)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 4 {
		at := t.Context()
		if i%2 == 0 {
			at = ctx
		}
		writers.Go(func() {
			_, err := s.State().Write(at, "todos", []state.Write{todo(state.OpAppend, fmt.Sprint("row", i), nil)})
			if i%2 == 0 && err != nil {
				isKind(t, "given up", err, errs.Unavailable)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	must(t, tx.Rollback(t.Context()))
	writers.Wait()
	for _, id := range []string{"row1", "row3"} {
		_, err := s.State().Get(t.Context(), table, id, 0)
		must(t, err)
	}
}
