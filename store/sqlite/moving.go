package sqlite

import (
	"context"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var (
	_ chat.Mover  = rooms{}
	_ chat.Finder = rooms{}
)

// FeedbackThread implements chat.Finder.
func (r rooms) FeedbackThread(ctx context.Context, id string) (thread string, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		thread, err = p.core.FeedbackThread(ctx, c, id)
		return err
	})
	return thread, err
}

// ThreadIDs implements chat.Mover.
func (r rooms) ThreadIDs(ctx context.Context, after string, limit int) (ids []string, next string, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		ids, next, err = p.core.ThreadIDs(ctx, c, after, limit)
		return err
	})
	return ids, next, err
}

// Whole implements chat.Mover.
func (r rooms) Whole(ctx context.Context, ids []string) (found []chat.Thread, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		found, err = p.core.Whole(ctx, c, ids)
		return err
	})
	return found, err
}

// Load implements chat.Mover.
func (r rooms) Load(ctx context.Context, threads []chat.Thread, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		rows := make([]loading, len(threads))
		for i := range threads {
			var err error
			if rows[i], err = p.loading(&threads[i]); err != nil {
				return nil, err
			}
		}
		return func(c *conn) error {
			for i := range rows {
				if err := r.load(c, p, &threads[i], rows[i], w); err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
}

// loading is a thread with its rows encoded, so that the writer does little.
type loading struct {
	steps, elements [][]any
	votes           []chat.Feedback
}

func (p *schema) loading(t *chat.Thread) (l loading, err error) {
	s := p.core.Schema
	holds := func(err error, table string, ids ...string) error {
		names := map[string][]string{"threads": {"id", "userId"}, "steps": {"id", "parentId"}, "elements": {"id", "forId"}, "feedbacks": {"id", "forId"}}
		for i, id := range ids {
			if err == nil {
				err = p.checkID(*s.Table(table), names[table][i], id)
			}
		}
		return err
	}
	err = holds(nil, "threads", t.ID, t.UserID)
	l.votes = slices.Clone(t.Loose)
	for i := range t.Steps {
		step := t.Steps[i]
		step.ThreadID = t.ID
		err = holds(err, "steps", step.ID, step.ParentID)
		l.steps = append(l.steps, append(p.core.StepRow(&step), p.sql.fillStep...))
		if step.Feedback != nil {
			l.votes = append(l.votes, *step.Feedback)
		}
	}
	for i := range t.Elements {
		e := t.Elements[i]
		e.ThreadID = t.ID
		err = holds(err, "elements", e.ID, e.ForID)
		l.elements = append(l.elements, append(p.core.ElementMap.Values(&e, e.Extra), p.sql.fillElement...))
	}
	for _, f := range l.votes {
		err = holds(err, "feedbacks", f.ID, f.ForID)
	}
	return l, err
}

func (r rooms) load(c *conn, p *schema, t *chat.Thread, l loading, w chat.Write) error {
	if t.UserID != "" {
		owner, ok, err := c.text(`SELECT "identifier" FROM users WHERE "id"=?`, t.UserID)
		if err != nil {
			return err
		} else if !ok {
			return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", t.UserID)
		}
		t.UserIdentifier = owner
	}
	if err := c.free(t, l); err != nil {
		return err
	}
	keys, err := c.clear(t.ID)
	if err != nil {
		return err
	}
	if err := r.exhume(c, p, t.ID); err != nil {
		return err
	}
	if err := c.exec(p.sql.insertThread, append(p.core.ThreadValues(t), p.sql.fillThread...)...); err != nil {
		return err
	}
	if err := l.insert(c, p, t.ID); err != nil {
		return err
	}
	for _, e := range t.Elements {
		if err := r.adopt(c, p, e.ObjectKey); err != nil {
			return err
		}
	}
	return r.orphan(c, p, keys...)
}

func (l loading) insert(c *conn, p *schema, threadID string) error {
	for _, values := range l.steps {
		if err := c.exec(p.sql.insertStep, values...); err != nil {
			return err
		}
	}
	for _, values := range l.elements {
		if err := c.exec(p.sql.insertElement, values...); err != nil {
			return err
		}
	}
	for _, f := range l.votes {
		var comment any
		if f.Comment != nil {
			comment = *f.Comment
		}
		if err := c.exec(p.sql.insertFeedback, append([]any{f.ID, f.ForID, threadID, f.Value, comment}, p.sql.fillFeedback...)...); err != nil {
			return err
		}
	}
	return nil
}

// free refuses a thread whose parts have ids that another's have, before
// anything is written.
func (c *conn) free(t *chat.Thread, l loading) error {
	foreign := func(table, id string) (bool, error) {
		_, taken, err := c.text(`SELECT 1 FROM `+table+` WHERE "id"=? AND "threadId"<>?`, id, t.ID)
		return taken, err
	}
	for _, s := range t.Steps {
		if taken, err := foreign("steps", s.ID); err != nil {
			return err
		} else if taken {
			return chat.ForeignStep(s.ID)
		}
	}
	for _, e := range t.Elements {
		if taken, err := foreign("elements", e.ID); err != nil {
			return err
		} else if taken {
			return chat.ForeignElement(e.ID)
		}
	}
	for _, f := range l.votes {
		if taken, err := foreign("feedbacks", f.ID); err != nil {
			return err
		} else if taken {
			return errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", f.ID)
		}
	}
	return nil
}

// clear takes away all rows of a thread and returns the keys of its bytes.
func (c *conn) clear(id string) ([]string, error) {
	keys, err := c.column(`SELECT "objectKey" FROM elements WHERE "threadId"=? ORDER BY rowid`, id)
	for _, sql := range threadRows {
		if err == nil {
			err = c.exec(sql, id)
		}
	}
	return keys, err
}

// threadRows delete all rows of a thread.
var threadRows = []string{
	`DELETE FROM feedbacks WHERE "threadId"=?1 OR "forId" IN (SELECT "id" FROM steps WHERE "threadId"=?1)`,
	`DELETE FROM elements WHERE "threadId"=?`,
	`DELETE FROM steps WHERE "threadId"=?`,
	`DELETE FROM threads WHERE "id"=?`,
}

// exhume takes away the tombstone of a thread.
func (r rooms) exhume(c *conn, p *schema, id string) error {
	if p.tracked {
		return c.exec(`DELETE FROM varve_tombstone WHERE thread=?`, id)
	}
	c.after = append(c.after, func() { r.store.memory.exhume(id) })
	return nil
}

func (f *forgetful) exhume(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tombstones, id)
}
