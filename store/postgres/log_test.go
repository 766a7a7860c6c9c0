package postgres_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/postgres"
)

// What is left out is said, once, by its key and never by its value.
func TestLeftOutKeysOfElementsAreSaidOnce(t *testing.T) {
	var log bytes.Buffer
	db, err := postgres.Open(t.Context(), fixture(t, "oldest"), postgres.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	e := chat.Element{ID: threadID, ThreadID: threadID, Name: "n", Props: chat.Object{"secret": "body"}}
	for range 2 {
		if err := db.Chat().ApplyElement(t.Context(), e, chat.Write{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if said := strings.Count(log.String(), "key of an element"); said != 1 || !strings.Contains(log.String(), "props") {
		t.Errorf("said %d times:\n%s", said, &log)
	}
	if strings.Contains(log.String(), "body") {
		t.Errorf("a value stands in the log:\n%s", &log)
	}
}
