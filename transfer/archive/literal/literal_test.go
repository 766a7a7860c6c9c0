package literal_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/archive"
	"github.com/varvedb/varve/transfer/archive/literal"
)

// taken collects what a file gives.
type taken struct {
	users   map[string]chat.User
	threads map[string]chat.Thread
}

func (s *taken) User(u chat.User) error { s.users[u.Identifier] = u; return nil }

func (s *taken) Thread(t *chat.Thread, _ map[string]archive.File) error {
	s.threads[t.ID] = *t
	return nil
}

func (s *taken) Close() error { return nil }

func read(t *testing.T, path string) (*taken, error) {
	t.Helper()
	s := &taken{map[string]chat.User{}, map[string]chat.Thread{}}
	return s, literal.Read(t.Context(), path, s)
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The files of testdata are literalai's own; python/tests/literal_threads.py
// writes them.
func TestEveryShapeGivesTheSame(t *testing.T) {
	want, err := os.ReadFile("testdata/want.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"list.json", "lines.jsonl", "thread.json", "answer.json"} {
		got, err := read(t, filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if out := sorted(t, got.threads["thread-1"]); out != strings.TrimSpace(string(want)) {
			t.Errorf("%s gives\n%s", name, out)
		}
	}
}

// sorted is JSON with its keys in order, which is not the same in all shapes.
func sorted(t *testing.T, v any) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text(t, v)))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(plain, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Whatever stands in a file stands in what is made of it.
func TestNothingIsLost(t *testing.T) {
	raw, err := os.ReadFile("testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, "testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	out := text(t, got.users) + text(t, got.threads)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch v := token.(type) {
		case string:
			if quoted := strings.Trim(text(t, v), `"`); !strings.Contains(out, quoted) && !keys[v] {
				t.Errorf("the text %q is lost", v)
			}
		case json.Number:
			if n := strings.TrimSuffix(v.String(), ".0"); !strings.Contains(out, n) {
				t.Errorf("the number %s is lost", v)
			}
		}
	}
}

// keys are names of what has a place of its own, and what that place means.
var keys = map[string]bool{"participant": true, "startTime": true, "endTime": true, "attachments": true, "user-feedback": true, "HUMAN": true, "content": true}

func TestIDsAreMadeTheSameEachTime(t *testing.T) {
	const file = `{"id":"t","steps":[{"name":"n","scores":[{"name":"user-feedback","type":"HUMAN","value":1}],"attachments":[{"name":"a"}]},{"name":"m"}]}`
	path := write(t, file)
	a, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := read(t, path)
	if err != nil || text(t, a.threads) != text(t, b.threads) {
		t.Errorf("%v: %s\n%s", err, text(t, a.threads), text(t, b.threads))
	}
	th := a.threads["t"]
	ids := map[string]bool{th.Steps[0].ID: true, th.Steps[1].ID: true, th.Steps[0].Feedback.ID: true, th.Elements[0].ID: true}
	if len(ids) != 4 || len(th.Steps[0].ID) != 36 || th.Elements[0].ForID != th.Steps[0].ID {
		t.Errorf("%v", ids)
	}
}

// What is wrong is named with its line, and gives nothing.
func TestWhatIsWrongIsNamed(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"{\"id\":\"t\",\"steps\":[]}\n{\"id\":\"u\",\"steps\":\n[{\"name\":5}]}", "file.json:2: steps[0].name: is a number and should be a text"},
		{"[{\"id\":\"t\"},\n{\"id\":", "file.json:2: what begins here is cut off"},
		{"[{\"id\":\"t\"},\n\n 5]", "file.json:3: is a number and should be a thread, a step or a user"},
		{"[{\"id\":\"t\"}\n}", "file.json:2: is not JSON"},
		{`{"id":"t","metadata":"m"}`, "file.json:1: metadata: is a text and should be an object"},
		{`{"id":"t","steps":{}}`, "file.json:1: steps: is an object and should be a list"},
		{`{"id":"t","steps":[5]}`, "file.json:1: steps[0]: is a number and should be an object"},
		{`{"id":"t","steps":[{"threadId":"other"}]}`, "steps[0].threadId: names another thread"},
		{`{"id":"t","steps":[{"id":"s","scores":[1]}]}`, "steps[0].scores[0]: is a number and should be an object"},
		{`{"id":"t","steps":[{"id":"s","attachments":[{"name":{}}]}]}`, "steps[0].attachments[0].name: is an object and should be a text"},
		{`{"id":5,"steps":[]}`, "id: must be the text that names a thread"},
		{`{"id":"t","participant":"ana"}`, "participant: is a text and should be an object"},
		{"{\"id\":\"t\",\"steps\":[]}\n{\"id\":\"t\",\"steps\":[]}", `file.json:2: id: names the thread "t", which was there before`},
		{`{"id":"s","startTime":"2025-01-01T00:00:00Z"}`, "threadId: is missing"},
		{`{"data":5,"pageInfo":{}}`, "data: should be a list"},
	} {
		_, err := read(t, write(t, c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) || errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s\ngives %v, not %s", c.file, err, c.want)
		}
	}
}

func write(t *testing.T, file string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.json")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
