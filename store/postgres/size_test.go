package postgres_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
)

// Nothing that is not an id has a limit below the database's own: no index
// may refuse a long name, key, time or text.
func TestLongValuesAreKept(t *testing.T) {
	mended := open(t, fixture(t, "documented"))
	if err := mended.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 8000)
	rand.Read(raw)
	long := hex.EncodeToString(raw) // does not compress
	text := strings.Repeat("ten megabytes ä ", 10<<20/17)
	w := chat.Write{Now: time.Now()}
	for name, db := range map[string]chat.Store{"own": open(t, pgtest.New(t)).Chat(), "mended": mended.Chat()} {
		t.Run(name, func(t *testing.T) {
			step := chat.Step{ID: threadID, ThreadID: threadID, Name: long, Type: long, CreatedAt: long, Output: text, Language: long}
			if err := db.ApplyStep(t.Context(), step, w); err != nil {
				t.Fatal(err)
			}
			element := chat.Element{ID: threadID, ThreadID: threadID, ForID: threadID, Name: long, ObjectKey: long, URL: long}
			if err := db.ApplyElement(t.Context(), element, w); err != nil {
				t.Fatal(err)
			}
			if err := db.ApplyThread(t.Context(), chat.ThreadPatch{ID: threadID, Name: &long, Tags: []string{long}}, w); err != nil {
				t.Fatal(err)
			}
			got, err := db.Thread(t.Context(), threadID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != long || got.Steps[0].Output != text || got.Steps[0].CreatedAt != long || got.Elements[0].ObjectKey != long {
				t.Error("something was cut")
			}
			if err := db.DeleteThread(t.Context(), threadID, w); err != nil {
				t.Fatal(err)
			}
			if keys, err := db.Orphans(t.Context(), time.Now(), 10); err != nil || len(keys) != 1 || keys[0] != long {
				t.Errorf("%d orphans, %v", len(keys), err)
			}
		})
	}
}
