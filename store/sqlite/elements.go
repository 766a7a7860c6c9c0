package sqlite

import (
	"context"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// ApplyElement implements chat.Elements.
func (r rooms) ApplyElement(ctx context.Context, el chat.Element, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		t := p.core.Schema.Elements
		for column, id := range map[string]string{"id": el.ID, "threadId": el.ThreadID, "forId": el.ForID} {
			if err := p.checkID(t, column, id); err != nil {
				return nil, err
			}
		}
		m := p.core.ElementMap
		if lost := m.Stowed(&el, el.Extra); lost != nil {
			p.dropped.Do(func() {
				r.store.opt.Log.Warn("a key of an element has no column in this file and is left out; the doctor can add it", "keys", keysOf(lost))
			})
		}
		e := m.Encode(&el, &el, el.Extra)
		return func(c *conn) error { return r.applyElement(ctx, c, p, el, e, w) }, nil
	})
}

func keysOf[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (r rooms) applyElement(ctx context.Context, c *conn, p *schema, el chat.Element, e sqlcore.Encoded, w chat.Write) error {
	var threadID, key, owner string
	var isOld, hasThread bool
	err := c.query(p.sql.elementHead, func(row sqlcore.Row) error {
		threadID, _ = row.Text(0)
		_, isOld = row.Text(1)
		key, _ = row.Text(2)
		_, hasThread = row.Text(3)
		owner, _ = row.Text(4)
		return nil
	}, el.ID, el.ThreadID)
	if err != nil {
		return err
	}
	if isOld && threadID != "" && threadID != el.ThreadID {
		return chat.ForeignElement(el.ID)
	}
	if err := r.touch(c, p, el.ThreadID, hasThread, owner, w); err != nil {
		return err
	}
	if err := r.writeElement(ctx, c, p, el, e, isOld); err != nil {
		return err
	}
	if el.ObjectKey != "" && key != el.ObjectKey {
		if err := r.orphan(c, p, key); err != nil {
			return err
		}
	}
	if el.ObjectKey == "" {
		el.ObjectKey = key
	}
	return r.adopt(c, p, el.ObjectKey)
}

func (r rooms) writeElement(ctx context.Context, c *conn, p *schema, el chat.Element, e sqlcore.Encoded, isOld bool) error {
	switch {
	case !isOld:
		return c.exec(p.sql.insertElement, append(e.Values, p.sql.fillElement...)...)
	case p.core.ElementMap.Extra && len(el.Extra) > 0:
		old, err := p.core.Element(ctx, c, chat.Ref{ID: el.ID})
		if err != nil {
			return err
		}
		merged := chat.MergeElement(old, el)
		return c.exec(p.sql.updateElement, append(p.core.ElementMap.Values(&merged, merged.Extra), el.ID)...)
	}
	named := e.Named &^ p.sql.elementPatches.Bits("id")
	if named == 0 {
		return nil
	}
	return c.exec(p.sql.elementPatches.SQL(named), append(e.Pick(named), el.ID)...)
}

// Element implements chat.Elements.
func (r rooms) Element(ctx context.Context, ref chat.Ref) (e chat.Element, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		e, err = p.core.Element(ctx, c, ref)
		return err
	})
	return e, err
}

// DeleteElement implements chat.Elements.
func (r rooms) DeleteElement(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		return func(c *conn) error {
			e, err := p.core.Element(ctx, c, ref)
			if err == nil {
				err = r.mayDelete(c, p, e.ThreadID, ref.ID, w)
			}
			if err == nil {
				err = c.exec(`DELETE FROM elements WHERE "id"=?`, ref.ID)
			}
			if err == nil {
				err = r.orphan(c, p, e.ObjectKey)
			}
			return err
		}, nil
	})
}

// ApplyFeedback implements chat.Feedbacks.
func (r rooms) ApplyFeedback(ctx context.Context, f chat.Feedback, w chat.Write) (string, error) {
	id := f.ID
	err := r.write(ctx, func(p *schema) (func(*conn) error, error) {
		t := p.core.Schema.Feedbacks
		for column, id := range map[string]string{"id": f.ID, "forId": f.ForID, "threadId": f.ThreadID} {
			if err := p.checkID(t, column, id); err != nil {
				return nil, err
			}
		}
		return func(c *conn) (err error) {
			id, err = r.applyFeedback(c, p, f, w)
			return err
		}, nil
	})
	return id, err
}

func (r rooms) applyFeedback(c *conn, p *schema, f chat.Feedback, w chat.Write) (string, error) {
	threadID, ok, err := c.text(`SELECT "threadId" FROM steps WHERE "id"=?`, f.ForID)
	if err != nil {
		return "", err
	}
	if ok {
		f.ThreadID = threadID
	}
	if f.ThreadID == "" {
		return "", errs.Field(errs.NotFound, "forId", "there is no step %q; give threadId for a step that is not stored yet", f.ForID)
	}
	owner, has := "", false
	if err := c.query(p.sql.threadHead, func(row sqlcore.Row) error {
		_, has = row.Text(0)
		owner, _ = row.Text(1)
		return nil
	}, f.ThreadID); err != nil {
		return "", err
	}
	old, isOld, err := c.text(`SELECT "id" FROM feedbacks WHERE "forId"=? ORDER BY rowid DESC LIMIT 1`, f.ForID)
	if err != nil {
		return "", err
	}
	if !isOld {
		if _, taken, err := c.text(`SELECT 1 FROM feedbacks WHERE "id"=?`, f.ID); err != nil {
			return "", err
		} else if taken {
			return "", errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", f.ID)
		}
	}
	if err := r.touch(c, p, f.ThreadID, has, owner, w); err != nil {
		return "", err
	}
	var comment any
	if f.Comment != nil {
		comment = *f.Comment
	}
	if isOld {
		return old, c.exec(`UPDATE feedbacks SET "threadId"=?,"value"=?,"comment"=? WHERE "id"=?`, f.ThreadID, f.Value, comment, old)
	}
	values := []any{f.ID, f.ForID, f.ThreadID, f.Value, comment}
	return f.ID, c.exec(p.sql.insertFeedback, append(values, p.sql.fillFeedback...)...)
}

// DeleteFeedback implements chat.Feedbacks.
func (r rooms) DeleteFeedback(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		return func(c *conn) error {
			threadID, ok, err := c.text(`SELECT "threadId" FROM feedbacks WHERE "id"=?`, ref.ID)
			if err == nil && (!ok || !p.core.Holds(p.core.Schema.Feedbacks, "id", ref.ID)) {
				err = chat.Missing("id", ref.ID)
			}
			if err == nil {
				err = r.mayDelete(c, p, threadID, ref.ID, w)
			}
			if err == nil {
				err = c.exec(`DELETE FROM feedbacks WHERE "id"=?`, ref.ID)
			}
			return err
		}, nil
	})
}
