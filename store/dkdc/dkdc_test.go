package dkdc_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dkdc"
	"github.com/varvedb/varve/store/sqlite"
	"github.com/varvedb/varve/todo"
)

// What dkdc's program makes, through ibis.
const schema = `
CREATE TABLE "todos" ("idx" TIMESTAMP, "id" TEXT, "user_id" TEXT, "subject" TEXT, "body" TEXT, "priority" INTEGER, "status" TEXT, "description" TEXT, "labels" TEXT);
CREATE TABLE "lake" ("idx" TIMESTAMP, "id" TEXT, "user_id" TEXT, "path" TEXT, "filename" TEXT, "filetype" TEXT, "data" BLOB, "version" INTEGER, "status" TEXT, "description" TEXT, "labels" TEXT);`

const row = `INSERT INTO todos VALUES ('%s', '%s', NULL, NULL, '%s', 100, NULL, NULL, %s);`

func theirs(t *testing.T, path, sql string) {
	t.Helper()
	db, err := sqlite3.Open(path)
	if err == nil {
		err = errors.Join(db.Exec(sql), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rowsIn(t *testing.T, path, sql string) (rows [][]any) {
	t.Helper()
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, _, err := db.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		fields := make([]any, s.ColumnCount())
		if err := s.Columns(fields...); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fields)
	}
	return rows
}

func file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "todo.db")
	theirs(t, path, schema)
	return path
}

func open(t *testing.T, path string, log io.Writer) store.Store {
	t.Helper()
	o := sqlite.Options{Log: slog.New(slog.NewTextHandler(log, nil))}
	f, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	st, err := dkdc.Open(t.Context(), path, f, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func todos(st store.Store) *todo.Service {
	return todo.New(state.NewService(st.State(), state.Options{}))
}

func TestWhatDkdcWroteIsRead(t *testing.T) {
	path := file(t)
	theirs(t, path, fmt.Sprintf(row+row+row, "2024-11-27T18:02:45.321529", "test", "old", "NULL",
		"2024-11-27T18:02:45.373844", "test", "new", "'a,b'", "2024-11-27 18:02:46", "other", "x", "NULL"))
	list := todos(open(t, path, io.Discard))
	got, err := list.Get(t.Context(), "test")
	if err != nil || *got.Value.Body != "new" || !reflect.DeepEqual(got.Value.Labels, []string{"a", "b"}) ||
		got.Version != 2 || got.At.Format("2006-01-02 15:04:05.000000") != "2024-11-27 18:02:45.373844" {
		t.Errorf("%+v %v", got, err)
	}
	was, err := list.AsOf(state.AtVersion(1)).Get(t.Context(), "test")
	if err != nil || *was.Value.Body != "old" {
		t.Errorf("%+v %v", was, err)
	}
	all, err := list.List(t.Context(), state.Query{})
	if err != nil || len(all.Data) != 2 || all.Data[0].Value.ID != "other" {
		t.Errorf("%+v %v", all, err)
	}
}

func TestWhatIsWrittenDkdcReads(t *testing.T) {
	path := file(t)
	theirs(t, path, fmt.Sprintf(row, "2099-01-01 00:00:00.000000", "ahead", "of the clock", "NULL"))
	list, ctx := todos(open(t, path, io.Discard)), t.Context()
	item, err := list.Append(ctx, todo.Item{ID: "mine", Labels: []string{"a,b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Update(ctx, "mine", state.Row{"status": "done"}); err != nil {
		t.Fatal(err)
	}
	if _, err := list.Append(ctx, todo.Item{ID: "ahead"}); !errors.Is(err, errs.Exists) {
		t.Errorf("an id that dkdc gave: %v", err)
	}
	if err := list.Delete(ctx, "ahead"); err != nil {
		t.Fatal(err)
	}
	want := [][]any{
		{"2099-01-01 00:00:00.000000", "ahead", nil, "of the clock"},
		{"2099-01-01 00:00:00.000001", "mine", nil, nil},
		{"2099-01-01 00:00:00.000002", "mine", "done", nil},
		{"2099-01-01 00:00:00.000003", "ahead", "deleted", "of the clock"},
	}
	if got := rowsIn(t, path, `SELECT idx, id, status, body FROM todos ORDER BY rowid`); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := rowsIn(t, path, `SELECT labels FROM todos WHERE id='mine'`); got[0][0] != "a,b,c" {
		t.Errorf("labels for dkdc: %v", got)
	}
	if again, err := list.Get(ctx, "mine"); err != nil || !reflect.DeepEqual(again.Value.Labels, item.Value.Labels) {
		t.Errorf("labels for us: %v %v", again.Value.Labels, err)
	}
	if got := rowsIn(t, path, `SELECT count(*) FROM sqlite_master WHERE name NOT IN ('todos','lake')`); got[0][0] != int64(0) {
		t.Errorf("something of ours is in dkdc's file: %v", got)
	}
}

// In turns: dkdc appends, clears, appends again, and each is noticed.
func TestTurns(t *testing.T) {
	path := file(t)
	var log strings.Builder
	list, ctx := todos(open(t, path, &log)), t.Context()
	ids := func() (ids []string) {
		all, err := list.List(ctx, state.Query{Order: []state.Order{{Column: "id"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range all.Data {
			ids = append(ids, item.Value.ID)
		}
		return ids
	}
	if _, err := list.Append(ctx, todo.Item{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	theirs(t, path, fmt.Sprintf(row, "2024-01-01T00:00:00", "b", "x", "NULL"))
	if got := ids(); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("%v", got)
	}
	if !strings.Contains(log.String(), "another program wrote") {
		t.Errorf("no warning: %s", &log)
	}
	theirs(t, path, `DROP TABLE todos; DROP TABLE lake;`+schema+fmt.Sprintf(row+row, "2024-01-01T00:00:01", "c", "x", "NULL", "2024-01-01T00:00:02", "d", "x", "NULL"))
	if got := ids(); !reflect.DeepEqual(got, []string{"c", "d"}) {
		t.Errorf("after a _clear: %v", got)
	}
	if _, err := list.Append(ctx, todo.Item{ID: "a"}); err != nil {
		t.Errorf("an id of before the _clear: %v", err)
	}
	theirs(t, path, `DROP TABLE todos`)
	if _, err := list.List(ctx, state.Query{}); !errors.Is(err, errs.NotFound) {
		t.Errorf("without the table: %v", err)
	}
}

func TestTheFileBesideIsMadeAnew(t *testing.T) {
	path := file(t)
	st := open(t, path, io.Discard)
	if _, err := todos(st).Append(t.Context(), todo.Item{ID: "a", Labels: []string{"x", "y"}}); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + dkdc.Suffix + end); err != nil && end == "" {
			t.Fatal(err)
		}
	}
	got, err := todos(open(t, path, io.Discard)).Get(t.Context(), "a")
	if err != nil || got.Version != 1 || !reflect.DeepEqual(got.Value.Labels, []string{"x", "y"}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFilesOfDkdcs(t *testing.T) {
	path := file(t)
	large := strings.Repeat("x", 3<<20) // of three pieces
	theirs(t, path, `INSERT INTO lake VALUES ('2024-01-01T00:00:00','17-ab',NULL,NULL,'f.txt','txt',CAST('`+large+`' AS BLOB),7,NULL,NULL,NULL)`)
	files, ctx := lake.New(state.NewService(open(t, path, io.Discard).State(), state.Options{}), lake.Options{}), t.Context()
	r, err := files.Open(ctx, lake.At("f.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != large {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	now, err := files.Update(ctx, lake.At("f.txt"), nil, strings.NewReader("hello"))
	if err != nil || now.Value.ID != "17-ab" || *now.Value.Version != 7 {
		t.Fatalf("%+v %v", now, err)
	}
	if _, err := files.Append(ctx, lake.File{Filename: "big"}, strings.NewReader(large)); !errors.Is(err, errs.TooLarge) {
		t.Errorf("bytes that no row holds: %v", err)
	}
	want := [][]any{{"17-ab", "f.txt", []byte("hello"), int64(7)}}
	if got := rowsIn(t, path, `SELECT id, filename, data, version FROM lake WHERE rowid>1`); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestManyCallers(t *testing.T) {
	path := file(t)
	list := todos(open(t, path, io.Discard))
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if _, err := list.Append(t.Context(), todo.Item{ID: fmt.Sprint(n)}); err != nil {
				t.Error(err)
			}
			if _, err := list.Append(t.Context(), todo.Item{ID: "one"}); err != nil && !errors.Is(err, errs.Exists) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := rowsIn(t, path, `SELECT count(*), count(DISTINCT id), count(DISTINCT idx) FROM todos`); !reflect.DeepEqual(got, [][]any{{int64(21), int64(21), int64(21)}}) {
		t.Errorf("%v", got)
	}
}

// Nothing of all this is for other files.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	theirs(t, path, `CREATE TABLE todos (id TEXT, what TEXT)`)
	st := open(t, path, io.Discard)
	if _, err := st.State().Tables(t.Context()); !errors.Is(err, errs.Unsupported) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path + dkdc.Suffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made beside: %v", err)
	}
}
