package literal

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/transfer/archive"
)

// Any bytes give threads that can be written, or an error.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"id":"t","steps":[{"input":5,"output":[],"error":{},"generation":1}]}`,
		`[{"id":"t","participant":{"id":"u"},"steps":[{"id":"s","scores":[{"name":"user-feedback","type":"HUMAN","value":1.0}]}]},{"identifier":"a","id":"u"}]`,
		"{\"threadId\":\"t\",\"id\":\"s\",\"attachments\":[{\"metadata\":{\"page\":1}}]}\n{\"id\":\"t\"}",
		`{"data":[{"id":"t","metadata":{"literalai":1},"x":2}],"pageInfo":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		read(t.Context(), "fuzz", bytes.NewReader(raw), written{t}) // an error is an answer
	})
}

type written struct{ t *testing.T }

func (w written) User(u chat.User) error {
	if _, err := json.Marshal(u); err != nil || u.Identifier == "" {
		w.t.Errorf("the user %+v: %v", u, err)
	}
	return nil
}

func (w written) Thread(t *chat.Thread, _ map[string]archive.File) error {
	if _, err := json.Marshal(t); err != nil || t.ID == "" {
		w.t.Errorf("the thread %+v: %v", t, err)
	}
	return nil
}

func (w written) Close() error { return nil }
