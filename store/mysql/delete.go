package mysql

import (
	"context"
	"strings"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// rowsOf are rows that a unit takes away.
type rowsOf struct {
	table string
	ids   []string
	keys  []string // of bytes, for elements
}

// question asks for such rows: the condition is about alias x, and the answer
// is ids, and keys of bytes for elements.
func (t *rowsOf) question(where string, args ...any) sqlcore.Query {
	key := "NULL"
	if t.table == "elements" {
		key = `x."objectKey"`
	}
	return sqlcore.Query{SQL: `SELECT x."id",` + key + ` FROM ` + t.table + ` x WHERE ` + where + ` ORDER BY x.varve_seq`, Args: args,
		Each: func(r sqlcore.Row) error {
			id, _ := r.Text(0)
			t.ids = append(t.ids, id)
			if key, ok := r.Text(1); ok {
				t.keys = append(t.keys, key)
			}
			return nil
		}}
}

// remove takes rows away, many at a time, and notes it. Their bytes become
// orphans later, when all is gone that named them.
func (u *unit) remove(ctx context.Context, w chat.Write, rows ...*rowsOf) error {
	for _, t := range rows {
		for ids := t.ids; len(ids) > 0; {
			n := min(many, len(ids))
			u.do(`DELETE FROM `+t.table+` WHERE "id" IN (`+marks(n)+`)`, list(ids[:n])...)
			if ids = ids[n:]; len(ids) > 0 {
				if err := u.Run(ctx); err != nil { // a packet of bounded length
					return err
				}
			}
		}
		for _, id := range t.ids {
			u.note(t.table, id, change.Delete, w)
		}
	}
	return nil
}

// content is what is stored under the id of a thread.
type content struct {
	thread                        string
	steps, elements, votes, loose rowsOf
}

func contents(thread string) *content {
	return &content{thread, rowsOf{table: "steps"}, rowsOf{table: "elements"}, rowsOf{table: "feedbacks"}, rowsOf{table: "feedbacks"}}
}

// questions find the rows as chat.Mover has them: a verdict belongs to its step,
// whichever thread it came with; one whose step is not stored belongs to the
// thread that it names.
func (c *content) questions() []sqlcore.Query {
	return []sqlcore.Query{
		c.steps.question(`x."threadId"=?`, c.thread),
		c.elements.question(`x."threadId"=?`, c.thread),
		c.votes.question(`x."forId" IN (SELECT s."id" FROM steps s WHERE s."threadId"=?)`, c.thread),
		c.loose.question(`x."threadId"=? AND NOT EXISTS (SELECT 1 FROM steps s WHERE s."id"=x."forId")`, c.thread),
	}
}

func (c *content) rows() []*rowsOf { return []*rowsOf{&c.votes, &c.loose, &c.elements, &c.steps} }

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func list(ids []string) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// DeleteThread implements chat.Threads.
func (r rooms) DeleteThread(ctx context.Context, id string, w chat.Write) error {
	return r.write(ctx, func(l *layout, u *unit) error {
		var h held
		in := contents(id)
		// A verdict goes with its step and with the thread that it came with.
		loose := in.loose.question(`x."threadId"=? AND NOT EXISTS (SELECT 1 FROM steps s WHERE s."id"=x."forId" AND s."threadId"=?)`, id, id)
		if err := u.Run(ctx, append([]sqlcore.Query{l.lock(id, &h), loose}, in.questions()[:3]...)...); err != nil {
			return err
		}
		if !h.found || chat.Allow(w.Actor, h.UserIdentifier, "") != nil {
			return chat.Missing("threadId", id)
		}
		if err := u.remove(ctx, w, append(in.rows(), &rowsOf{table: "threads", ids: []string{id}})...); err != nil {
			return err
		}
		u.orphan(in.elements.keys...)
		u.do(`REPLACE INTO varve_tombstone (thread,user_id,user_identifier,last_activity,at) VALUES (?,?,?,?,?)`,
			id, h.UserID, h.UserIdentifier, h.LastActivity, moment(w.Now))
		return nil
	})
}

// owned holds the thread of a thing that is to be deleted. What is missing, of
// another thread than ref says, or in another's thread is errs.NotFound.
func (u *unit) owned(ctx context.Context, l *layout, table string, ref chat.Ref, w chat.Write) (thread string, err error) {
	var h held
	found, err := u.within(ctx, l, table, ref.ID, ref.ThreadID, &h)
	if err != nil {
		return "", err
	}
	if !found || ref.ThreadID != "" && ref.ThreadID != h.ID || chat.Allow(w.Actor, h.UserIdentifier, "") != nil {
		return "", chat.Missing("id", ref.ID)
	}
	return h.ID, nil
}

// DeleteStep implements chat.Steps.
func (r rooms) DeleteStep(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.write(ctx, func(l *layout, u *unit) error {
		thread, err := u.owned(ctx, l, "steps", ref, w)
		if err != nil {
			return err
		}
		children := map[string][]string{}
		err = u.Run(ctx, sqlcore.Query{SQL: `SELECT "id","parentId" FROM steps WHERE "threadId"=? AND "parentId" IS NOT NULL ORDER BY varve_seq`, Args: []any{thread},
			Each: func(row sqlcore.Row) error {
				id, _ := row.Text(0)
				parent, _ := row.Text(1)
				children[parent] = append(children[parent], id)
				return nil
			}})
		if err != nil {
			return err
		}
		return u.removeSteps(ctx, thread, sqlcore.Tree(ref.ID, children), w)
	})
}

// removeSteps takes steps of a thread away, with what they carry.
func (u *unit) removeSteps(ctx context.Context, thread string, tree []string, w chat.Write) error {
	steps, elements, votes := &rowsOf{table: "steps", ids: tree}, &rowsOf{table: "elements"}, &rowsOf{table: "feedbacks"}
	for ids := tree; len(ids) > 0; {
		n := min(many, len(ids))
		err := u.Run(ctx,
			elements.question(`x."threadId"=? AND x."forId" IN (`+marks(n)+`)`, append([]any{thread}, list(ids[:n])...)...),
			votes.question(`x."forId" IN (`+marks(n)+`)`, list(ids[:n])...))
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	if err := u.remove(ctx, w, steps, votes, elements); err != nil {
		return err
	}
	u.orphan(elements.keys...)
	return nil
}

// DeleteElement implements chat.Elements.
func (r rooms) DeleteElement(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.write(ctx, func(l *layout, u *unit) error {
		if _, err := u.owned(ctx, l, "elements", ref, w); err != nil {
			return err
		}
		gone := &rowsOf{table: "elements"}
		if err := u.Run(ctx, gone.question(`x."id"=?`, ref.ID)); err != nil {
			return err
		}
		if err := u.remove(ctx, w, gone); err != nil {
			return err
		}
		u.orphan(gone.keys...)
		return nil
	})
}

// DeleteFeedback implements chat.Feedbacks.
func (r rooms) DeleteFeedback(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.write(ctx, func(l *layout, u *unit) error {
		// Its thread is that of its step, whatever the caller says.
		if _, err := u.owned(ctx, l, "feedbacks", chat.Ref{ID: ref.ID}, w); err != nil {
			return err
		}
		return u.remove(ctx, w, &rowsOf{table: "feedbacks", ids: []string{ref.ID}})
	})
}
