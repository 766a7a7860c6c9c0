package sqlite_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/sqlite"
)

// Statements in the shapes in which Chainlit's SQLAlchemy layer writes.
const (
	upsertUser   = `INSERT INTO users ("id","identifier","createdAt","metadata") VALUES ('u1','ada@x','2026-01-01T00:00:00.000000Z','{"role": "\u00e9"}')`
	upsertThread = `INSERT INTO threads ("id","createdAt","userId","userIdentifier","metadata") VALUES ('t1','2026-01-01T00:00:00Z','u1','ada@x','{}')
		ON CONFLICT ("id") DO UPDATE SET "userId"=EXCLUDED."userId","userIdentifier"=EXCLUDED."userIdentifier","metadata"=EXCLUDED."metadata"`
	upsertStep = `INSERT INTO steps ("id","threadId","name","type","streaming","createdAt","output","metadata","generation")
		VALUES ('s1','t1','ada','user_message',0,'2026-02-02T02:02:02.5+01:00','hi','{"favorite": true}','{}')
		ON CONFLICT (id) DO UPDATE SET "output"=EXCLUDED."output","createdAt"=EXCLUDED."createdAt","metadata"=EXCLUDED."metadata"`
)

// tracked are the files on which triggers keep order whoever writes.
func tracked(t *testing.T, test func(t *testing.T, s *sqlite.Store, w raw)) {
	for name, path := range map[string]func(t *testing.T) string{
		"own": func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "varve.db")
			s := open(t, path)
			s.Chat().Features()
			must(t, s.Close())
			return path
		},
		"mended": func(t *testing.T) string {
			path := foreignFile(t, "documented")
			s := open(t, path)
			must(t, s.Mend(t.Context()))
			must(t, s.Close())
			return path
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := path(t)
			test(t, open(t, path), another(t, path))
		})
	}
}

func activity(t testing.TB, s *sqlite.Store, thread string) string {
	t.Helper()
	h, err := s.Chat().Head(t.Context(), thread)
	must(t, err)
	return h.LastActivity
}

func TestForeignWritersKeepTheLastActivity(t *testing.T) {
	tracked(t, func(t *testing.T, s *sqlite.Store, w raw) {
		is := func(want string) {
			t.Helper()
			if got := activity(t, s, "t1"); got != want {
				t.Errorf("last activity is %q, want %q", got, want)
			}
		}
		w.run(upsertUser)
		w.run(upsertStep) // before its thread
		w.run(upsertThread)
		is("2026-02-02T01:02:02.500000Z")
		w.run(upsertThread)
		w.run(upsertStep)
		is("2026-02-02T01:02:02.500000Z")
		w.run(`UPDATE steps SET "createdAt"='2025-01-01T00:00:00Z'`) // never lowered
		is("2026-02-02T01:02:02.500000Z")
		w.run(`INSERT INTO steps ("id","threadId","name","type","streaming","createdAt") VALUES ('s2','t1','','run',0,'soon')`)
		is("2026-02-02T01:02:02.500000Z")
		w.run(`INSERT INTO steps ("id","threadId","name","type","streaming") VALUES ('s3','t1','','run',0)`)
		is("2026-02-02T01:02:02.500000Z")
		w.run(`INSERT OR REPLACE INTO steps ("id","threadId","name","type","streaming","createdAt") VALUES ('s3','t1','','run',0,'2026-03-03 03:03:03')`)
		is("2026-03-03T03:03:03.000000Z")
		w.run(`UPDATE threads SET "createdAt"='2026-04-04T04:04:04.000001Z'`)
		is("2026-04-04T04:04:04.000001Z")
		w.run(`DELETE FROM steps`)
		is("2026-04-04T04:04:04.000001Z")
		w.run(`INSERT INTO threads ("id") VALUES (NULL)`) // SQLite lets it; the trigger must not mind
		w.run(`DELETE FROM threads WHERE "id" IS NULL`)
		w.run(`INSERT INTO threads ("id","createdAt") VALUES ('t2','never')`)
		if got := activity(t, s, "t2"); got != "" {
			t.Errorf("last activity is %q", got)
		}
		must(t, s.Chat().ApplyStep(t.Context(), chat.Step{ID: "s9", ThreadID: "t2", CreatedAt: "2026-05-05T05:05:05.000000Z"}, write))
		if got := activity(t, s, "t2"); got != "2026-05-05T05:05:05.000000Z" {
			t.Errorf("last activity is %q", got)
		}
	})
}

func TestForeignWritersAreNoted(t *testing.T) {
	tracked(t, func(t *testing.T, s *sqlite.Store, w raw) {
		w.run(upsertUser)
		w.run(upsertThread)
		w.run(upsertStep)
		w.run(upsertStep)
		w.run(`UPDATE threads SET "name"='n'`)
		w.run(`UPDATE users SET "metadata"='{}'`)
		w.run(`INSERT INTO elements ("id","threadId","name") VALUES ('e1','t1','n')`)
		w.run(`UPDATE elements SET "mime"='m'`)
		w.run(`INSERT INTO feedbacks ("id","forId","threadId","value") VALUES ('f1','s1','t1',1)`)
		w.run(`UPDATE feedbacks SET "value"=0`)
		for _, table := range []string{"feedbacks", "elements", "steps", "threads", "users"} {
			w.run(`DELETE FROM ` + table)
		}
		var got []string
		events, err := s.Changes(t.Context(), 0, 100)
		must(t, err)
		for _, e := range events {
			got = append(got, strings.Join([]string{e.Table, e.Key, string(e.Op)}, " "))
		}
		want := []string{"users u1 insert", "threads t1 insert", "steps s1 insert", "steps s1 update", "threads t1 update", "users u1 update",
			"elements e1 insert", "elements e1 update", "feedbacks f1 insert", "feedbacks f1 update",
			"feedbacks f1 delete", "elements e1 delete", "steps s1 delete", "threads t1 delete", "users u1 delete"}
		if !slices.Equal(got, want) {
			t.Errorf("noted\n%q, want\n%q", got, want)
		}
		head, err := s.Head(t.Context())
		must(t, err)
		if last := events[len(events)-1]; head != last.Position || write.Now.After(last.At) {
			t.Errorf("the head is %d, the last event %+v", head, last)
		}
	})
}

func TestAStepKeepsOneFeedbackWhoeverWrites(t *testing.T) {
	tracked(t, func(t *testing.T, s *sqlite.Store, w raw) {
		w.run(upsertThread)
		w.run(upsertStep)
		for _, id := range []string{"f1", "f2"} {
			w.run(`INSERT INTO feedbacks ("id","forId","threadId","value","comment") VALUES ('` + id + `','s1','t1',0,'` + id + `')
				ON CONFLICT (id) DO UPDATE SET "value"=EXCLUDED."value"`)
		}
		w.run(upsertStep) // Chainlit updates the step again; the feedback stays
		step, err := s.Chat().Step(t.Context(), chat.Ref{ID: "s1"})
		must(t, err)
		if step.Feedback == nil || step.Feedback.ID != "f2" || *step.Feedback.Comment != "f2" {
			t.Errorf("the feedback is %+v", step.Feedback)
		}
		if rows := w.rows(`SELECT id FROM feedbacks`); len(rows) != 1 {
			t.Errorf("feedbacks are %q", rows)
		}
	})
}

// In a file that was not mended both rows stay, and the newest counts.
func TestTwoFeedbacksOfAStepAreReadAsOne(t *testing.T) {
	path := foreignFile(t, "documented")
	s, w := open(t, path), another(t, path)
	w.run(upsertThread)
	w.run(upsertStep)
	w.run(`INSERT INTO feedbacks ("id","forId","threadId","value") VALUES ('f1','s1','t1',0),('f0','s1','t1',1)`)
	got, err := s.Chat().Thread(t.Context(), "t1")
	must(t, err)
	if len(got.Steps) != 1 || got.Steps[0].Feedback == nil || got.Steps[0].Feedback.ID != "f0" {
		t.Errorf("steps are %+v", got.Steps)
	}
	for value, want := range []int{0, 1} {
		found, err := s.Chat().Threads(t.Context(), chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{Feedback: &value}, Limit: 9})
		must(t, err)
		if len(found) != want {
			t.Errorf("threads with feedback %d: %d", value, len(found))
		}
	}
}

// Rows as Chainlit's layer wrote them, and as its users' patches did.
func TestRowsOfOthersAreRead(t *testing.T) {
	path := foreignFile(t, "documented")
	s, w := open(t, path), another(t, path)
	w.run(upsertUser)
	w.run(`INSERT INTO threads VALUES ('t1','2026-01-02T03:04:05Z','héllo','u1','ada@x','["gpt"]','{"chat_profile": "gpt"}'),
		('t2','2026-01-02T03:04:05Z',NULL,NULL,NULL,'{a,"b c"}','"{\"n\": 1.50}"'),('t3',NULL,NULL,NULL,NULL,NULL,NULL)`)
	w.run(`INSERT INTO steps ("id","name","type","threadId","parentId","streaming","isError","metadata","input","output","createdAt","start","end","generation","showInput","language","defaultOpen") VALUES
		('m','bob','user_message','t1',NULL,0,0,'{"favorite": true}',NULL,'héllo','2026-01-02T03:04:05.000001Z','2026-01-02T03:04:05.000001Z','2026-01-02T03:04:05.000001Z','{}',NULL,NULL,NULL),
		('s','search','tool','t1','m',0,1,'{"icon": "globe"}','{"q": "é"}','["x"]','2026-01-02T03:04:06Z',NULL,'2026-01-02T03:04:07.5Z','null','json','json',1),
		('x','','run','t1',NULL,0,NULL,NULL,'hidden',NULL,NULL,NULL,NULL,'{"tokenCount": 3}','false',NULL,0)`)
	w.run(`INSERT INTO elements ("id","threadId","type","name","display","objectKey","forId","mime","props","page") VALUES
		('c','t1','custom','Card','inline','U/C/Card','m','application/json','{"k": [1, 2.5], "\u00e9": null}',3)`)
	w.run(`INSERT INTO feedbacks VALUES ('f','m','t1',1,'ok')`)

	u, err := s.Chat().User(t.Context(), "ada@x")
	must(t, err)
	if u.Metadata["role"] != "é" {
		t.Errorf("the user is %+v", u)
	}
	got, err := s.Chat().Thread(t.Context(), "t1")
	must(t, err)
	if got.Name != "héllo" || got.UserIdentifier != "ada@x" || !slices.Equal(got.Tags, []string{"gpt"}) || got.LastActivity != "2026-01-02T03:04:06.000000Z" {
		t.Errorf("the thread is %+v", got)
	}
	byID := map[string]chat.Step{}
	for _, step := range got.Steps {
		byID[step.ID] = step
	}
	m, tool, x := byID["m"], byID["s"], byID["x"]
	if !m.Favorite() || m.Feedback == nil || m.Feedback.Value != 1 || *m.Feedback.Comment != "ok" || m.Generation != nil || *m.IsError {
		t.Errorf("the message is %+v", m)
	}
	if tool.End != "2026-01-02T03:04:07.500000Z" || tool.Generation != nil || !*tool.DefaultOpen || !*tool.IsError || tool.ShowInput != "json" || tool.ParentID != "m" {
		t.Errorf("the tool is %+v", tool)
	}
	if string(x.Generation) != `{"tokenCount": 3}` || x.Input != "hidden" || x.IsError != nil || len(x.Metadata) != 0 {
		t.Errorf("the run is %+v", x)
	}
	e := got.Elements[0]
	if list, _ := e.Props["k"].([]any); len(list) != 2 || *e.Page != 3 || e.ForID != "m" {
		t.Errorf("the element is %+v", e)
	}
	t2, err := s.Chat().Thread(t.Context(), "t2")
	must(t, err)
	if !slices.Equal(t2.Tags, []string{"a", "b c"}) || len(t2.Metadata) != 1 {
		t.Errorf("the thread is %+v", t2)
	}
	stars, err := s.Chat().Favorites(t.Context(), "u1")
	must(t, err)
	if len(stars) != 1 || stars[0].ID != "m" {
		t.Errorf("favourites are %+v", stars)
	}
}

// Rows are written as Chainlit's layer writes them, so that it reads them.
func TestRowsAreWrittenAsOthersDo(t *testing.T) {
	for _, own := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "varve.db")
		if !own {
			path = foreignFile(t, "documented")
		}
		s := open(t, path)
		c := s.Chat()
		_, err := c.PutUser(t.Context(), chat.User{ID: "U", Identifier: "bob@x", CreatedAt: chat.FormatTime(write.Now), Metadata: chat.Object{"role": "é"}}, write)
		must(t, err)
		must(t, c.ApplyThread(t.Context(), chat.ThreadPatch{ID: "T", Name: chat.Ptr("héllo"), UserID: "U", Tags: []string{"gpt"},
			Metadata: chat.Object{"chat_profile": "gpt", "a": nil}}, write))
		no := chat.Ptr(false)
		at := "2026-01-02T03:04:05.000001Z"
		must(t, c.ApplyStep(t.Context(), chat.Step{ID: "M", ThreadID: "T", Name: "bob", Type: "user_message", Streaming: no, WaitForAnswer: no, IsError: no,
			Metadata: chat.Object{"favorite": true}, Output: "héllo", CreatedAt: at, Start: at, End: at}, write))
		must(t, c.ApplyStep(t.Context(), chat.Step{ID: "S", ThreadID: "T", ParentID: "M", Name: "search", Type: "tool", Streaming: no, IsError: no,
			Metadata: chat.Object{"icon": "globe"}, Input: "{\n    \"q\": \"é\"\n}", Output: "[\n    \"x\"\n]", CreatedAt: at,
			ShowInput: "JSON", Language: "json", DefaultOpen: no}, write))
		must(t, c.ApplyElement(t.Context(), chat.Element{ID: "C", ThreadID: "T", ForID: "M", Type: "custom", Name: "Card", Display: "inline",
			ObjectKey: "U/C/Card", MIME: "application/json", Props: chat.Object{"k": []any{1, 2.5}, "é": nil}}, write))
		_, err = c.ApplyFeedback(t.Context(), chat.Feedback{ID: "F", ForID: "M", Value: 1, Comment: chat.Ptr("ok")}, write)
		must(t, err)
		w := another(t, path)
		for sql, want := range map[string]string{
			`SELECT id,identifier,metadata,createdAt FROM users`:                        `U|bob@x|{"role": "\u00e9"}|2026-01-02T03:04:05.000000Z`,
			`SELECT id,createdAt,name,userId,userIdentifier,tags,metadata FROM threads`: `T|2026-01-02T03:04:05.000000Z|héllo|U|bob@x|["gpt"]|{"chat_profile": "gpt"}`,
			`SELECT name,type,threadId,parentId,streaming,waitForAnswer,isError,metadata,tags,input,output,createdAt,start,end,generation,showInput,language,defaultOpen,modes FROM steps WHERE id='M'`: `bob|user_message|T|∅|0|0|0|{"favorite": true}|∅|∅|héllo|` + at + `|` + at + `|` + at + `|{}|∅|∅|∅|∅`,
			`SELECT name,type,threadId,parentId,streaming,waitForAnswer,isError,metadata,tags,input,output,generation,showInput,language,defaultOpen FROM steps WHERE id='S'`:                           "search|tool|T|M|0|∅|0|{\"icon\": \"globe\"}|∅|{\n    \"q\": \"é\"\n}|[\n    \"x\"\n]|null|json|json|0",
			`SELECT threadId,type,url,name,display,objectKey,forId,mime,props FROM elements`:                                                                                                            `T|custom|∅|Card|inline|U/C/Card|M|application/json|{"k": [1, 2.5], "\u00e9": null}`,
			`SELECT id,forId,threadId,value,comment FROM feedbacks`:                                                                                                                                     `F|M|T|1|ok`,
			`SELECT typeof(streaming) FROM steps WHERE id='M'`:                                                                                                                                          `integer`,
		} {
			if got := w.rows(sql); len(got) != 1 || got[0] != want {
				t.Errorf("own %v: %s\n got %q\nwant %q", own, sql, got, want)
			}
		}
	}
}

func TestUnknownKeysOfAStepSurviveWithoutAColumn(t *testing.T) {
	path := foreignFile(t, "oldest")
	s := open(t, path)
	c := s.Chat()
	must(t, c.ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Command: "go", Metadata: chat.Object{"a": "1"}}, write))
	must(t, c.ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Metadata: chat.Object{"b": "2"}}, write))
	must(t, c.ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Icon: "globe"}, write))
	must(t, c.ApplyStep(t.Context(), chat.Step{ID: "s", ThreadID: "t", Output: "x"}, write))
	got := another(t, path).rows(`SELECT metadata,output,disableFeedback FROM steps`)
	if want := `{"b": "2", "varve": {"command": "go", "icon": "globe"}}|x|0`; got[0] != want {
		t.Errorf("stored is %q, want %q", got, want)
	}
	step, err := c.Step(t.Context(), chat.Ref{ID: "s"})
	must(t, err)
	if step.Command != "go" || step.Icon != "globe" || len(step.Metadata) != 1 || step.Output != "x" {
		t.Errorf("the step is %+v", step)
	}
}
