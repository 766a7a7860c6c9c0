//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
)

// chatTables are conversations as Chainlit names them. Times that cannot be
// read are NULL.
const chatTables = `
CREATE TABLE chat.users (id VARCHAR, identifier VARCHAR, "createdAt" TIMESTAMP, metadata JSON);
CREATE TABLE chat.threads (id VARCHAR, "createdAt" TIMESTAMP, "lastActivity" TIMESTAMP, name VARCHAR, "userId" VARCHAR,
  "userIdentifier" VARCHAR, tags JSON, metadata JSON);
CREATE TABLE chat.steps (id VARCHAR, "threadId" VARCHAR, "parentId" VARCHAR, name VARCHAR, type VARCHAR, "createdAt" TIMESTAMP,
  start TIMESTAMP, "end" TIMESTAMP, input VARCHAR, output VARCHAR, "isError" BOOLEAN, streaming BOOLEAN, "waitForAnswer" BOOLEAN,
  "showInput" VARCHAR, language VARCHAR, command VARCHAR, tags JSON, metadata JSON, generation JSON);
CREATE TABLE chat.elements (id VARCHAR, "threadId" VARCHAR, "forId" VARCHAR, type VARCHAR, name VARCHAR, mime VARCHAR,
  display VARCHAR, size VARCHAR, url VARCHAR, "objectKey" VARCHAR, "chainlitKey" VARCHAR, language VARCHAR, page BIGINT, props JSON);
CREATE TABLE chat.feedbacks (id VARCHAR, "forId" VARCHAR, "threadId" VARCHAR, value BIGINT, comment VARCHAR);
CREATE VIEW main.users AS FROM chat.users; CREATE VIEW main.threads AS FROM chat.threads; CREATE VIEW main.steps AS FROM chat.steps;
CREATE VIEW main.elements AS FROM chat.elements; CREATE VIEW main.feedbacks AS FROM chat.feedbacks;`

// What takes all rows out of them.
const (
	emptyThreads = `DELETE FROM chat.threads; DELETE FROM chat.steps; DELETE FROM chat.elements; DELETE FROM chat.feedbacks;`
	emptyChat    = `DELETE FROM chat.users;` + emptyThreads
)

// naming says whether conversations can be asked for by their names alone;
// the zero value is that nobody looked yet.
type naming int

const (
	shown naming = iota + 1
	hidden
)

// chatNames are the statements that make the names of conversations what they
// are to be, none where they are. A versioned table of the same name keeps it.
func (e *engine) chatNames(want naming) (sql string) {
	if e.names == want {
		return ""
	}
	for _, name := range []string{"users", "threads", "steps", "elements", "feedbacks"} {
		switch {
		case e.tables[name] != nil:
		case want == shown:
			sql += "CREATE OR REPLACE VIEW main." + name + " AS FROM chat." + name + ";"
		default:
			sql += "DROP VIEW IF EXISTS main." + name + ";"
		}
	}
	return sql
}

// chatWriter writes conversations inside a transaction of the mirror's.
type chatWriter struct {
	conn *duck.Conn
	into map[string]*duck.Appender
}

func (w *chatWriter) close() {
	for _, a := range w.into {
		a.Close()
	}
	w.into = nil
}

// row writes one row: nil and "" are NULL, a moment is text that may be a time.
func (w *chatWriter) row(schema, table string, values ...any) error {
	a := w.into[table]
	if a == nil {
		var err error
		if a, err = w.conn.Append(schema, table); err != nil {
			return err
		}
		if w.into == nil {
			w.into = map[string]*duck.Appender{}
		}
		w.into[table] = a
	}
	row, to, err := a.Row()
	if err != nil {
		return err
	}
	for i, v := range values {
		if err := chatValue(&to[i], row, v); err != nil {
			return err
		}
	}
	return nil
}

type moment string

func chatValue(to *duck.Vector, row int, v any) error {
	switch x := v.(type) {
	case string:
		if x == "" {
			to.Null(row)
		} else {
			to.Text(row, x)
		}
		return nil
	case moment:
		normal, _ := chat.NormalTime(string(x))
		if t, err := time.Parse(time.RFC3339Nano, normal); err == nil {
			to.Int(row, t.UnixMicro())
		} else {
			to.Null(row)
		}
		return nil
	case *bool:
		if x == nil {
			to.Null(row)
		} else {
			to.Bool(row, *x)
		}
		return nil
	case *int64:
		if x == nil {
			to.Null(row)
		} else {
			to.Int(row, *x)
		}
		return nil
	case json.RawMessage:
		if len(x) == 0 || !json.Valid(x) {
			to.Null(row)
		} else {
			to.Text(row, string(x))
		}
		return nil
	case int64:
		to.Int(row, x)
		return nil
	}
	raw, err := json.Marshal(v) // metadata and tags
	if err != nil || string(raw) == "null" {
		to.Null(row)
		return ignoring(err, errs.Internal)
	}
	to.Text(row, string(raw))
	return nil
}

func (w *chatWriter) threads(ts []chat.Thread) error {
	for i := range ts {
		t := &ts[i]
		if t.CreatedAt != "" || t.Name != "" || t.UserID != "" || t.Metadata != nil {
			if err := w.row("chat", "threads", t.ID, moment(t.CreatedAt), moment(t.Activity()), t.Name, t.UserID, t.UserIdentifier, t.Tags, t.Metadata); err != nil {
				return err
			}
		}
		for j := range t.Steps {
			if err := w.step(&t.Steps[j], t.ID); err != nil {
				return err
			}
		}
		for j := range t.Elements {
			e := &t.Elements[j]
			if err := w.row("chat", "elements", e.ID, t.ID, e.ForID, e.Type, e.Name, e.MIME, e.Display, e.Size, e.URL, e.ObjectKey,
				e.ChainlitKey, e.Language, e.Page, e.Props); err != nil {
				return err
			}
		}
		for _, f := range t.Loose {
			if err := w.feedback(f, f.ForID, t.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *chatWriter) step(s *chat.Step, thread string) error {
	if err := w.row("chat", "steps", s.ID, thread, s.ParentID, s.Name, s.Type, moment(s.CreatedAt), moment(s.Start), moment(s.End),
		s.Input, s.Output, s.IsError, s.Streaming, s.WaitForAnswer, string(s.ShowInput), s.Language, s.Command, s.Tags, s.Metadata, s.Generation); err != nil {
		return err
	}
	if s.Feedback == nil {
		return nil
	}
	return w.feedback(*s.Feedback, s.ID, thread)
}

func (w *chatWriter) feedback(f chat.Feedback, step, thread string) error {
	comment := ""
	if f.Comment != nil {
		comment = *f.Comment
	}
	return w.row("chat", "feedbacks", f.ID, step, thread, int64(f.Value), comment)
}

// users writes all users in place of those that are there: they are few, and
// notes name them by an id that nobody else asks by.
func (w *chatWriter) users(ctx context.Context, from chat.Users) error {
	if err := w.conn.Exec(ctx, `DELETE FROM chat.users`); err != nil {
		return err
	}
	for after := ""; ; {
		users, err := from.Users(ctx, after, notes)
		if err != nil || len(users) == 0 {
			return err
		}
		for _, u := range users {
			if err := w.row("chat", "users", u.ID, u.Identifier, moment(u.CreatedAt), u.Metadata); err != nil {
				return err
			}
		}
		after = users[len(users)-1].Identifier
	}
}

func (w *chatWriter) clear(ctx context.Context) error {
	return w.conn.Exec(ctx, emptyThreads)
}

// note puts ids where a statement of ours finds them.
func (w *chatWriter) note(ctx context.Context, ids []string) error {
	if err := w.conn.Exec(ctx, `DELETE FROM varve.touched`); err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.row("varve", "touched", id); err != nil {
			return err
		}
	}
	return w.into["touched"].Flush(ctx)
}

// forget takes away threads with all that is in them.
func (w *chatWriter) forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := w.note(ctx, ids); err != nil {
		return err
	}
	const named = ` IN (SELECT id FROM varve.touched);`
	return w.conn.Exec(ctx, `DELETE FROM chat.threads WHERE id`+named+`DELETE FROM chat.steps WHERE "threadId"`+named+
		`DELETE FROM chat.elements WHERE "threadId"`+named+`DELETE FROM chat.feedbacks WHERE "threadId"`+named)
}

// finish hands over what was written and notes how far it goes.
func (w *chatWriter) finish(ctx context.Context, next conversations) error {
	for _, a := range w.into {
		if err := a.Flush(ctx); err != nil {
			return err
		}
	}
	return w.conn.Exec(ctx, fmt.Sprintf(`DELETE FROM varve.chat; INSERT INTO varve.chat VALUES (%d, %d); DELETE FROM varve.touched`, next.position, next.at.UnixMilli()))
}
