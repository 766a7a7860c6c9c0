package todo_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/postgres"
	"github.com/varvedb/varve/store/sqlite"
	"github.com/varvedb/varve/todo"
)

// TestTodo holds the list to its rules on every store of versioned tables.
func TestTodo(t *testing.T) {
	for store, url := range map[string]func(*testing.T) string{
		"memory":   func(*testing.T) string { return "memory:" },
		"sqlite":   func(t *testing.T) string { return t.TempDir() },
		"postgres": func(t *testing.T) string { return pgtest.New(t) },
	} {
		t.Run(store, func(t *testing.T) {
			for name, rule := range rules {
				t.Run(name, func(t *testing.T) { rule(t, open(t, url(t))) })
			}
		})
	}
}

var rules = map[string]func(*testing.T, *varve.DB){
	"the most urgent come first and among them the newest":     theMostUrgentComeFirstAndAmongThemTheNewest,
	"whoever appends first has the id":                         whoeverAppendsFirstHasTheID,
	"an update changes what it is given and a replacement all": anUpdateChangesWhatItIsGivenAndAReplacementAll,
	"labels are a list":                                        labelsAreAList,
	"each user has their own":                                  eachUserHasTheirOwn,
	"changes are taken back":                                   changesAreTakenBack,
	"short i ds are made and free":                             shortIDsAreMadeAndFree,
	"it is part of a transaction":                              itIsPartOfATransaction,
}

// drivers are those that the test names: package all would link an engine for
// questions that nobody asks here.
var drivers = map[string]varve.Driver{
	"memory": func(context.Context, varve.Source, *slog.Logger) (store.Store, error) { return memory.Open(), nil },
	"sqlite": func(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
		return sqlite.Open(ctx, src.Path, sqlite.Options{Log: log})
	},
	"postgres": func(ctx context.Context, src varve.Source, log *slog.Logger) (store.Store, error) {
		return postgres.Open(ctx, src.URL, postgres.Options{Log: log})
	},
}

func open(t *testing.T, url string) *varve.DB {
	t.Helper()
	db, err := varve.Open(t.Context(), url, &varve.Options{Data: t.TempDir(), Drivers: drivers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func list(t *testing.T, todos *todo.Service) (ids []string) {
	t.Helper()
	p, err := todos.List(t.Context(), state.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Data {
		ids = append(ids, r.Value.ID)
	}
	return ids
}

// have appends items, and fails the test where that fails.
func have(t *testing.T, todos *todo.Service, items ...todo.Item) {
	t.Helper()
	for _, i := range items {
		if _, err := todos.Append(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func kind(t *testing.T, err error, want errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != want {
		t.Fatalf("got %v, want an error of kind %q", err, want)
	}
}

func theMostUrgentComeFirstAndAmongThemTheNewest(t *testing.T, db *varve.DB) {
	todos := db.Todo()
	have(t, todos, todo.Item{ID: "old"}, todo.Item{ID: "new"}, todo.Item{ID: "urgent", Priority: new(int64(0))}, todo.Item{ID: "soon", Priority: new(int64(5))})
	if got, want := list(t, todos), []string{"urgent", "soon", "new", "old"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if _, err := todos.Update(t.Context(), "old", state.Row{"body": "changed"}); err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, todos), []string{"urgent", "soon", "old", "new"}; !slices.Equal(got, want) {
		t.Fatalf("after a change got %q, want %q", got, want)
	}
}

func whoeverAppendsFirstHasTheID(t *testing.T, db *varve.DB) {
	todos := db.Todo()
	var wg sync.WaitGroup
	won := make([]int, 8)
	for n := range won {
		wg.Go(func() {
			for i := range 50 {
				_, err := todos.Append(context.Background(), todo.Item{ID: string(rune('A' + i))})
				if err == nil {
					won[n]++
				} else if !errors.Is(err, errs.Exists) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range won {
		sum += n
	}
	if got := len(list(t, todos)); sum != 50 || got != 35 { // a page
		t.Fatalf("%d appends of 50 ids took effect, a page has %d", sum, got)
	}
	kind(t, func() error { _, err := todos.Append(t.Context(), todo.Item{ID: "A"}); return err }(), errs.Exists)
}

func anUpdateChangesWhatItIsGivenAndAReplacementAll(t *testing.T, db *varve.DB) {
	todos, ctx := db.Todo(), t.Context()
	have(t, todos, todo.Item{ID: "x", Subject: new("s"), Body: new("b"), Priority: new(int64(1)), Labels: []string{"l"}})
	r, err := todos.Update(ctx, "x", state.Row{"status": todo.Done})
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Value; *v.Subject != "s" || *v.Body != "b" || *v.Priority != 1 || *v.Status != "done" || len(v.Labels) != 1 {
		t.Fatalf("an update took something away: %+v", v)
	}
	if r, err = todos.Replace(ctx, todo.Item{ID: "x", Body: new("c")}); err != nil {
		t.Fatal(err)
	}
	if v := r.Value; v.Subject != nil || *v.Body != "c" || *v.Priority != todo.DefaultPriority || v.Status != nil || v.Labels != nil {
		t.Fatalf("a replacement left something: %+v", v)
	}
	for _, err := range []error{
		func() error { _, err := todos.Update(ctx, "y", state.Row{"body": "x"}); return err }(),
		func() error { _, err := todos.Replace(ctx, todo.Item{ID: "y"}); return err }(),
		func() error { _, err := todos.Get(ctx, "y"); return err }(),
		todos.Delete(ctx, "y"),
	} {
		kind(t, err, errs.NotFound)
	}
	_, err = todos.Update(ctx, "x", state.Row{"id": "y"})
	kind(t, err, errs.Invalid)
	_, err = todos.If(1).Update(ctx, "x", state.Row{"body": "stale"})
	kind(t, err, errs.Conflict)
}

func labelsAreAList(t *testing.T, db *varve.DB) {
	todos := db.Todo()
	for id, labels := range map[string][]string{"commas": {"a,b", "c"}, "empty": {""}, "none": nil, "no-labels": {}} {
		have(t, todos, todo.Item{ID: id, Labels: labels})
		r, err := todos.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Value.Labels; !slices.Equal(got, labels) || (got == nil) != (labels == nil) {
			t.Errorf("%s: got %#v, want %#v", id, got, labels)
		}
	}
	p, err := todos.List(t.Context(), state.Query{Where: []state.Condition{{Column: "labels", Op: state.Has, Value: "a,b"}}})
	if err != nil || len(p.Data) != 1 || p.Data[0].Value.ID != "commas" {
		t.Fatalf("by label: %v, %v", p.Data, err)
	}
}

func eachUserHasTheirOwn(t *testing.T, db *varve.DB) {
	todos, ctx := db.Todo(), t.Context()
	ada, bob, nameless := todos.As("ada"), todos.As("bob"), todos.As("")
	have(t, ada, todo.Item{ID: "a"})
	have(t, nameless, todo.Item{ID: "e"})
	have(t, todos, todo.Item{ID: "n"})
	for who, want := range map[*todo.Service][]string{ada: {"a"}, bob: nil, nameless: {"e"}, todos: {"n", "e", "a"}} {
		if got := list(t, who); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	_, err := bob.Update(ctx, "a", state.Row{"body": "mine now"})
	kind(t, err, errs.NotFound)
	_, err = bob.Get(ctx, "a")
	kind(t, err, errs.NotFound)
	_, err = bob.Replace(ctx, todo.Item{ID: "a"})
	kind(t, err, errs.NotFound)
	kind(t, bob.Delete(ctx, "a"), errs.NotFound)
	_, err = bob.Append(ctx, todo.Item{ID: "x", UserID: new("ada")})
	kind(t, err, errs.Forbidden)

	// Whose an item was is no concern of its newest version.
	if _, err := todos.Update(ctx, "a", state.Row{"user_id": "bob"}); err != nil {
		t.Fatal(err)
	}
	if a, b := list(t, ada), list(t, bob); len(a) != 0 || !slices.Equal(b, []string{"a"}) {
		t.Fatalf("given to bob: ada has %q and bob %q", a, b)
	}
}

func changesAreTakenBack(t *testing.T, db *varve.DB) {
	todos, ctx := db.Todo().By("me"), t.Context()
	have(t, todos, todo.Item{ID: "x", Body: new("one")})
	if _, err := todos.Update(ctx, "x", state.Row{"body": "two"}); err != nil {
		t.Fatal(err)
	}
	if err := todos.Delete(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if has, err := todos.Contains(ctx, "x"); has || err != nil {
		t.Fatal("deleted, and there", err)
	}
	for _, want := range []string{"two", "one"} {
		if r, err := todos.Undo(ctx, "x"); err != nil || *r.Value.Body != want {
			t.Fatalf("undone: %+v, %v, want %q", r.Value, err, want)
		}
	}
	was, err := todos.AsOf(state.AtVersion(2)).Get(ctx, "x")
	if err != nil || *was.Value.Body != "two" {
		t.Fatalf("version 2: %+v, %v", was.Value, err)
	}
	then, err := todos.AsOf(state.AtPosition(3)).List(ctx, state.Query{})
	if err != nil || len(then.Data) != 0 {
		t.Fatalf("after the deletion: %+v, %v", then.Data, err)
	}
	h, err := todos.History(ctx, "x", page.Request{})
	if err != nil || len(h.Data) != 5 || h.Data[0].Version != 5 || h.Data[4].Actor != "me" {
		t.Fatalf("history: %+v, %v", h.Data, err)
	}
}

func shortIDsAreMadeAndFree(t *testing.T, db *varve.DB) {
	todos := db.Todo()
	seen := map[string]bool{}
	for range 50 {
		r, err := todos.Append(t.Context(), todo.Item{Body: new("x")})
		if err != nil || len(r.Value.ID) < 4 || seen[r.Value.ID] {
			t.Fatalf("%q: %v", r.Value.ID, err)
		}
		seen[r.Value.ID] = true
	}
}

func itIsPartOfATransaction(t *testing.T, db *varve.DB) {
	fail := errors.New("no")
	err := db.Update(t.Context(), func(ctx context.Context, tx *varve.Tx) error {
		if _, err := tx.Todo().Append(ctx, todo.Item{ID: "x"}); err != nil {
			return err
		}
		return fail
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
	if got := list(t, db.Todo()); len(got) != 0 {
		t.Fatalf("what failed stayed: %q", got)
	}
}
