package querytest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

func hasReserved(f query.Features) bool { return f.Reserved }

func uuid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// conversations stores those of ada and bob and a thread of nobody's.
func (s *subject) conversations() {
	s.Helper()
	c, w := s.store.Chat(), chat.Write{Now: day(0)}
	for i, name := range []string{"ada", "bob"} {
		user, thread := uuid(1+i), uuid(10+i)
		_, err := c.PutUser(s.ctx, chat.User{ID: user, Identifier: name, CreatedAt: chat.FormatTime(day(0)), Metadata: chat.Object{"role": "admin"}}, w)
		s.must(err)
		s.must(c.ApplyThread(s.ctx, chat.ThreadPatch{ID: thread, Name: chat.Ptr("of " + name), UserID: user, Metadata: chat.Object{"k": name}, Tags: []string{"t", name}}, w))
		s.must(c.ApplyStep(s.ctx, chat.Step{ID: uuid(20 + i), ThreadID: thread, Name: "ask", Type: "user_message", Input: "shown", Output: "hello from " + name,
			CreatedAt: chat.FormatTime(day(i)), Metadata: chat.Object{"n": json.Number("1")}}, w))
		s.must(c.ApplyStep(s.ctx, chat.Step{ID: uuid(30 + i), ThreadID: thread, ParentID: uuid(20 + i), Name: "tool", Type: "tool", Input: "secret", Output: "done",
			CreatedAt: chat.FormatTime(day(i + 1)), IsError: chat.Ptr(true), Tags: []string{"x"}}, w))
		s.must(c.ApplyStep(s.ctx, chat.Step{ID: uuid(40 + i), ThreadID: thread, Name: "code", Type: "tool", Input: "print()", ShowInput: "python", CreatedAt: chat.FormatTime(day(i + 2))}, w))
		s.must(c.ApplyElement(s.ctx, chat.Element{ID: uuid(50 + i), ThreadID: thread, ForID: uuid(20 + i), Type: "image", Name: "cat.png", Display: "inline", MIME: "image/png"}, w))
		_, err = c.ApplyFeedback(s.ctx, chat.Feedback{ID: uuid(60 + i), ForID: uuid(20 + i), ThreadID: thread, Value: i, Comment: chat.Ptr("so so")}, w)
		s.must(err)
	}
	s.must(c.ApplyThread(s.ctx, chat.ThreadPatch{ID: uuid(12), Name: chat.Ptr("of nobody")}, w))
}

func (s *subject) as(user string) *subject {
	as := *s
	as.db = s.db.(*query.Service).As(user)
	return &as
}

var todos = state.Schema{Name: "todos", Key: []string{"id"}, Owner: "user_id", Columns: []state.Column{
	{Name: "id", Type: state.Text}, {Name: "user_id", Type: state.Text}, {Name: "body", Type: state.Text}, {Name: "priority", Type: state.Integer}, {Name: "due", Type: state.Time}, {Name: "labels", Type: state.JSON},
}}

var places = state.Schema{Name: "places", Key: []string{"x", "y"}, Columns: []state.Column{{Name: "x", Type: state.Integer}, {Name: "y", Type: state.Integer}, {Name: "label", Type: state.Text}}}

func (s *subject) state(schema state.Schema) *state.Rows {
	s.Helper()
	r, err := state.NewService(s.store.State(), state.Options{}).Declare(s.ctx, schema)
	if errs.KindOf(err) == errs.Unsupported {
		return nil
	}
	s.must(err)
	return r
}

var reserved = []rule{
	{name: "conversations that nobody began are empty tables, and one transaction begins them", when: func(f query.Features) bool { return f.Reserved && f.Transactions }, test: func(s *subject) {
		s.insert("docs", numbered(1, 1)...)
		s.must(Silent(s.ctx, s.store))
		s.equal(len(s.rows(query.From("threads"))), 0)
		s.must(s.store.Update(s.ctx, func(ctx context.Context, tx store.Tx) error {
			in := query.NewService(s.store.Query(), query.Options{}).In(tx.Query())
			if _, err := in.Execute(ctx, query.Into("docs").Rows(query.Row{"id": "beside", "n": 2})); err != nil {
				return err
			}
			return tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: uuid(1), Name: chat.Ptr("first")}, chat.Write{Now: day(0)})
		}))
		s.equal(s.column(query.From("threads"), "name"), []any{"first"})
		s.equal(s.column(query.From("docs").OrderBy("n"), "id"), []any{"00001", "beside"})
	}},
	{name: "conversations are tables", when: hasReserved, test: func(s *subject) {
		s.conversations()
		for _, want := range query.ConversationTables() {
			got, err := s.db.Describe(s.ctx, want.Name)
			s.must(err)
			s.equal(kinds(got), kinds(want))
			s.equal([]any{got.Key, got.Owner, got.Reserved, got.Created}, []any{want.Key, want.Owner, want.Reserved, false})
		}
		threads := s.rows(query.From("threads").Select("id", "name", "userId", "userIdentifier", "tags", "metadata"))
		s.equal(len(threads), 3)
		s.equal([]any{threads[0]["id"], threads[0]["name"], threads[0]["userId"], threads[0]["userIdentifier"], canonical(threads[0]["tags"].(json.RawMessage)), canonical(threads[0]["metadata"].(json.RawMessage))},
			[]any{uuid(10), "of ada", uuid(1), "ada", `["t","ada"]`, `{"k":"ada"}`})
		s.equal([]any{threads[2]["userId"], threads[2]["userIdentifier"], threads[2]["tags"], canonical(threads[2]["metadata"].(json.RawMessage))}, []any{nil, nil, nil, "{}"})
		s.equal(s.column(query.From("users").Where(query.Eq("metadata.role", "admin")), "identifier"), []any{"ada", "bob"})
		s.equal(s.column(query.From("users").Select("createdAt").Limit(1), "createdAt"), []any{chat.FormatTime(day(0))})
		s.equal(s.rows(query.From("feedbacks").Select("id", "forId", "threadId", "value", "comment", "userIdentifier").Where(query.Eq("value", 1))),
			[]query.Row{{"id": uuid(61), "forId": uuid(21), "threadId": uuid(11), "value": int64(1), "comment": "so so", "userIdentifier": "bob"}})
		s.equal(s.rows(query.From("elements").Select("name", "mime", "forId", "page", "userIdentifier").Limit(1)),
			[]query.Row{{"name": "cat.png", "mime": "image/png", "forId": uuid(20), "page": nil, "userIdentifier": "ada"}})
	}},
	{name: "steps, whose hidden inputs are not there", when: hasReserved, test: func(s *subject) {
		s.conversations()
		of := query.From("steps").Where(query.Eq("threadId", uuid(10))).OrderBy("createdAt")
		s.equal(s.rows(of.Select("name", "type", "input", "output", "showInput", "isError", "parentId", "createdAt")), []query.Row{
			{"name": "ask", "type": "user_message", "input": "shown", "output": "hello from ada", "showInput": nil, "isError": nil, "parentId": nil, "createdAt": chat.FormatTime(day(0))},
			{"name": "tool", "type": "tool", "input": nil, "output": "done", "showInput": nil, "isError": true, "parentId": uuid(20), "createdAt": chat.FormatTime(day(1))},
			{"name": "code", "type": "tool", "input": "print()", "output": nil, "showInput": "python", "isError": nil, "parentId": nil, "createdAt": chat.FormatTime(day(2))},
		})
		s.equal(s.column(query.From("steps").Where(query.Eq("input", "secret")), "id"), []any{})
		s.equal(s.column(query.From("steps").Where(query.Containing("tags", "x")), "id"), []any{uuid(30), uuid(31)})
		s.equal(s.column(query.From("threads").Join("steps", "id", "threadId").Where(query.Eq("steps.type", "user_message"), query.Eq("threads.name", "of bob")).Select("output"), "output"), []any{"hello from bob"})
	}},
	{name: "an acting user sees what is the user's", when: hasReserved, test: func(s *subject) {
		s.conversations()
		ada := s.as("ada")
		s.equal(ada.column(query.From("threads"), "name"), []any{"of ada"})
		s.equal(ada.column(query.From("users"), "identifier"), []any{"ada"})
		for _, table := range []string{"steps", "elements", "feedbacks"} {
			rows := ada.rows(query.From(table))
			for _, row := range rows {
				s.equal(row["userIdentifier"], "ada")
			}
			if len(rows) == 0 {
				s.Errorf("ada has no %s", table)
			}
		}
		s.equal(ada.rows(query.From("steps").Where(query.Any(query.All(), query.Eq("userIdentifier", "bob"))).Where(query.Eq("threadId", uuid(11)))), []query.Row{})
		s.equal(ada.rows(query.From("threads").Where(query.IsNull("userIdentifier"))), []query.Row{})
		s.equal(ada.column(query.From("threads").LeftJoin("steps", "id", "threadId").Select("userId").Where(query.Eq("steps.type", "user_message")), "userId"), []any{uuid(1)})
		s.insert("links", query.Row{"id": "l", "thread": uuid(11)})
		s.equal(ada.column(query.From("links").LeftJoin("threads", "thread", "id").Select("name"), "name"), []any{nil})
		s.equal(s.as("bob").column(query.From("links").LeftJoin("threads", "thread", "id").Select("name"), "name"), []any{"of bob"})
		s.equal(s.as("").rows(query.From("threads")), []query.Row{})
		s.equal(s.as("' or 1=1 --").rows(query.From("steps")), []query.Row{})
		s.equal(ada.count("links"), 1)
	}},
	{name: "reserved tables are written by their rooms", when: hasReserved, test: func(s *subject) {
		s.conversations()
		for _, q := range []query.Question{query.Into("threads").Rows(query.Row{"id": "x"}), query.Change("threads").Set("name", "x").All(), query.Remove("steps").All()} {
			s.says(errs.Unsupported, "Chat", s.fails(q))
		}
		s.kind(errs.Forbidden, s.db.DropTable(s.ctx, "threads"))
		s.equal(s.count("threads"), 3)
	}},
	{name: "versioned tables show their rows as they are", when: hasReserved, test: func(s *subject) {
		r := s.state(todos)
		if r == nil {
			return
		}
		for i, row := range []state.Row{{"id": "a", "user_id": "ada", "body": "one", "priority": 2, "due": day(1), "labels": []string{"x"}}, {"id": "b", "user_id": "bob", "body": "two"}, {"id": "c", "body": "three"}, {"id": "d", "user_id": "ada"}} {
			_, err := r.By(fmt.Sprint("actor ", i)).Append(s.ctx, row)
			s.must(err)
		}
		_, err := r.Update(s.ctx, state.Row{"id": "a", "body": "changed"})
		s.must(err)
		_, err = r.Delete(s.ctx, "d")
		s.must(err)
		t, err := s.db.Describe(s.ctx, "todos")
		s.must(err)
		s.equal([]any{t.Key, t.Owner, t.Reserved, len(t.Columns)}, []any{"id", "user_id", query.StateRoom, 10})
		rows := s.rows(query.From("todos").OrderBy("id"))
		s.equal(len(rows), 3)
		s.equal([]any{rows[0]["body"], rows[0]["priority"], rows[0]["due"], canonical(rows[0]["labels"].(json.RawMessage)), rows[0]["_version"], rows[0]["_actor"], rows[1]["_actor"], rows[2]["user_id"]},
			[]any{"changed", int64(2), day(1), `["x"]`, int64(2), nil, "actor 1", nil})
		s.equal(s.column(query.From("todos").Where(query.Containing("labels", "x"), query.Eq("body", "one")), "id"), []any{})
		s.equal(s.as("ada").column(query.From("todos"), "id"), []any{"a"})
		s.says(errs.Unsupported, "State", s.fails(query.Into("todos").Rows(query.Row{"id": "x"})))
		s.field(errs.Invalid, "table", s.create("ToDos"))
	}},
	{name: "a versioned table without an owner is for those who may see everything", when: hasReserved, test: func(s *subject) {
		r := s.state(places)
		if r == nil {
			return
		}
		for i := range 3 {
			_, err := r.Append(s.ctx, state.Row{"x": i, "y": -i, "label": fmt.Sprint(i)})
			s.must(err)
		}
		t, err := s.db.Describe(s.ctx, "places")
		s.must(err)
		s.equal(t.Key, query.StateSeq)
		s.equal(s.column(query.From("places").Where(query.Gt("x", 0)), "label"), []any{"1", "2"})
		s.kind(errs.Forbidden, s.as("ada").fails(query.From("places")))
		s.insert("links", query.Row{"id": "l", "x": 1})
		s.kind(errs.Forbidden, s.as("ada").fails(query.From("links").Join("places", "x", "x")))
		list, err := s.as("ada").db.Tables(s.ctx)
		s.must(err)
		for _, t := range list {
			if t.Name == "places" {
				s.Error("ada is told of places")
			}
		}
	}},
	{name: "a transaction reads the other rooms as it wrote them", when: hasReserved, test: func(s *subject) {
		s.conversations()
		s.equal(s.count("threads"), 3)
		s.must(s.store.Chat().DeleteThread(s.ctx, uuid(11), chat.Write{Now: day(1)}))
		s.equal(s.count("threads"), 2)
		s.equal(s.column(query.From("steps"), "userIdentifier"), []any{"ada", "ada", "ada"})
	}},
}
