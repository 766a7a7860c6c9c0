package parquet_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/parquet"
)

func difficult() chat.Thread {
	return chat.Thread{ID: "t", CreatedAt: "2026-02-03T04:05:06.000001Z", Name: "naïve \n", UserID: "u", UserIdentifier: "ana", Metadata: chat.Object{},
		Steps: []chat.Step{
			{ID: "root", ThreadID: "t", Type: "run", CreatedAt: "2026-02-03T04:05:07.000001Z", IsError: chat.Ptr(true), Tags: []string{"t"},
				Metadata: chat.Object{"big": json.Number("123456789012345678901234567890")},
				Extra:    map[string]json.RawMessage{"unknown": json.RawMessage(`{"k":[1,2.5,null]}`)},
				Feedback: &chat.Feedback{ID: "f", ForID: "root", ThreadID: "t", Value: 1}},
			{ID: "child", ThreadID: "t", Type: "tool", CreatedAt: "some day", Metadata: chat.Object{}},
		},
		Elements: []chat.Element{{ID: "e", ThreadID: "t", Name: "n", Type: "file", ObjectKey: "k", Page: chat.Ptr(int64(3))}}}
}

// write makes tables of a user and a thread.
func write(t *testing.T, folder string, th chat.Thread) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(folder, 0o700))
	sink, err := parquet.Create(folder)
	must(err)
	must(sink.User(chat.User{ID: "u", Identifier: "ana", CreatedAt: "2026-02-03T04:05:06.000001Z", Metadata: chat.Object{}}))
	must(sink.Thread(&th, map[string]archive.File{"e": {SHA256: "ab", Size: 2}}))
	must(sink.Close())
}

// The same rows give the same files, so that exports can be compared.
func TestTablesAreTheSameEachTime(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	write(t, a, difficult())
	write(t, b, difficult())
	files, err := filepath.Glob(filepath.Join(a, "*.parquet"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%v %v", files, err)
	}
	for _, path := range files {
		x, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, filepath.Base(path)))
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs: %v", filepath.Base(path), err)
		}
	}
}
