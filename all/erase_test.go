package all_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/todo"
)

// filesWith names the files under a folder that have a text in any of their
// bytes or in their names, without regard to case.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	text = strings.ToLower(text)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(strings.ToLower(path), text) || bytes.Contains(bytes.ToLower(raw), []byte(text)) {
			name, _ := filepath.Rel(dir, path)
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func openFolder(t *testing.T, dir string) *varve.DB {
	t.Helper()
	db, err := all.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func eraseFrom(t *testing.T, db *varve.DB, identifier string) (erasure.Report, []byte) {
	t.Helper()
	receipt, err := db.Erase(t.Context(), identifier, false)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(receipt)
	if err != nil {
		t.Fatal(err)
	}
	report, _, err := db.VerifyReceipt(t.Context(), raw, "")
	if err != nil {
		t.Fatal(err)
	}
	return report, raw
}

// countSteps asks in SQL, which makes the mirror where there is one.
func countSteps(t *testing.T, db *varve.DB) int64 {
	t.Helper()
	rows, err := db.SQL(t.Context(), `SELECT count(*), max(output) FROM steps`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	list, err := rows.Slice()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := list[0][0].(int64)
	return n
}

// No byte of a data folder tells of an erased person: not in free pages, not in
// the log, not in the search index, the mirror or what lies beside.
func TestNoByteOfTheDataFolderTellsOfAnErasedPerson(t *testing.T) {
	dir := t.TempDir()
	db := openFolder(t, dir)
	identifier, others := chattest.Person(t, db.Chat())
	if n := countSteps(t, db); n != 4 {
		t.Fatalf("%d steps", n)
	}
	before := filesWith(t, dir, chattest.Canary)
	everywhere := []string{"varve.db", "elements"}
	if _, err := os.Stat(filepath.Join(dir, "mirror.duckdb")); err == nil {
		everywhere = append(everywhere, "mirror.duckdb")
	}
	for _, place := range everywhere {
		if !slices.ContainsFunc(before, func(name string) bool { return strings.HasPrefix(name, place) }) {
			t.Fatalf("what was written is in %s, and not in %s", before, place)
		}
	}
	report, raw := eraseFrom(t, db, identifier)
	if !report.Complete || report.Removed.Threads != 3 || report.Removed.Files != 6 {
		t.Errorf("the report: %+v", report)
	}
	if found := filesWith(t, dir, chattest.Canary); len(found) > 0 {
		t.Errorf("still in %s, with the database open", found)
	}
	if bytes.Contains(bytes.ToLower(raw), bytes.ToLower([]byte(chattest.Canary))) {
		t.Errorf("the receipt names the person: %s", raw)
	}
	// All goes on: the mirror and the index are made again, of what is left.
	if n := countSteps(t, db); n != 1 {
		t.Errorf("SQL counts %d steps", n)
	}
	if _, err := db.Chat().Thread(t.Context(), others); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if found := filesWith(t, dir, chattest.Canary); len(found) > 0 {
		t.Errorf("still in %s, with the database closed", found)
	}
}

// A process that is killed after any step of an erasure leaves work for the
// next, and the next does all of it.
func TestAnErasureThatWasKilledIsFinished(t *testing.T) {
	dir := t.TempDir()
	db := openFolder(t, dir)
	identifier, _ := chattest.Person(t, db.Chat())
	countSteps(t, db)
	// As after a kill between the rows and the files: rows and bytes are gone,
	// pages, log, index and mirror are as they were.
	if _, err := db.Chat().Erase(t.Context(), identifier, false); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if len(filesWith(t, dir, chattest.Canary)) == 0 {
		t.Fatal("deleting rows is enough: this test proves nothing")
	}
	db = openFolder(t, dir)
	defer db.Close()
	report, _ := eraseFrom(t, db, identifier)
	if !report.Complete || !report.Removed.Nothing() {
		t.Errorf("the report: %+v", report)
	}
	if found := filesWith(t, dir, chattest.Canary); len(found) > 0 {
		t.Errorf("still in %s", found)
	}
}

func TestAReceiptNamesWhatStays(t *testing.T) {
	dir := t.TempDir()
	db := openFolder(t, dir)
	defer db.Close()
	ctx := t.Context()
	if _, err := db.Chat().PutUser(ctx, chat.User{Identifier: "ada"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2"} {
		if _, err := db.Todo().As("ada").Append(ctx, todo.Item{ID: id, Body: chat.Ptr("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Todo().As("bob").Append(ctx, todo.Item{ID: "3", Body: chat.Ptr("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Lake().As("ada").Put(ctx, lake.File{Filename: "a.txt"}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	report, raw := eraseFrom(t, db, "ada")
	want := []erasure.Kept{{Table: "lake", Rows: 1}, {Table: "todos", Rows: 2}}
	kept := slices.DeleteFunc(report.Kept, func(k erasure.Kept) bool { return k.Table == lake.FolderTable })
	if !slices.Equal(kept, want) {
		t.Errorf("kept %+v, want %+v", report.Kept, want)
	}
	for _, what := range []string{"backups", "exports", "Chainlit's folder .files"} {
		if !strings.Contains(strings.Join(report.Beyond, "\n"), what) {
			t.Errorf("nothing is said of %s: %q", what, report.Beyond)
		}
	}
	if _, about, err := db.VerifyReceipt(ctx, raw, "ada"); err != nil || !about {
		t.Errorf("the receipt is not about ada: %v", err)
	}
	if _, about, err := db.VerifyReceipt(ctx, raw, "bob"); err != nil || about {
		t.Errorf("the receipt is about bob: %v", err)
	}
	other := openFolder(t, t.TempDir())
	defer other.Close()
	if _, _, err := other.VerifyReceipt(ctx, raw, "ada"); err == nil {
		t.Error("another database takes the receipt for its own")
	}
}

// What cannot be finished is told, signed too, and the receipt is not complete.
func TestAnErasureThatCannotDeleteBytesIsNotComplete(t *testing.T) {
	dir := t.TempDir()
	db := openFolder(t, dir)
	defer db.Close()
	identifier, _ := chattest.Person(t, db.Chat())
	// A folder in the place of a file cannot be read or deleted as one.
	var file string
	for _, name := range filesWith(t, filepath.Join(dir, "elements"), "bytes "+chattest.Canary) {
		file = filepath.Join(dir, "elements", name)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(file, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	report, _ := eraseFrom(t, db, identifier)
	if report.Complete || len(report.Undone) == 0 {
		t.Fatalf("complete: %+v", report)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	report, _ = eraseFrom(t, db, identifier)
	if !report.Complete {
		t.Fatalf("the second time: %+v", report)
	}
	if found := filesWith(t, dir, chattest.Canary); len(found) > 0 {
		t.Errorf("still in %s", found)
	}
}
