package sqlite

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// ApplyStep implements chat.Steps.
func (r rooms) ApplyStep(ctx context.Context, s chat.Step, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		t := p.core.Schema.Steps
		for column, id := range map[string]string{"id": s.ID, "threadId": s.ThreadID, "parentId": s.ParentID} {
			if err := p.checkID(t, column, id); err != nil {
				return nil, err
			}
		}
		fresh := chat.MergeStep(chat.NewStep(w.Now), s)
		e := p.core.EncodeStep(&fresh, &s)
		// A patch by column keeps what it does not name without reading it.
		// What shares a column with other things is merged as a whole.
		whole := len(s.Extra) > 0 || p.core.Stows() && (len(s.Metadata) > 0 || p.core.StepMap.Stowed(&s, nil) != nil)
		return func(c *conn) error { return r.applyStep(ctx, c, p, s, e, whole, w) }, nil
	})
}

func (r rooms) applyStep(ctx context.Context, c *conn, p *schema, s chat.Step, e sqlcore.Encoded, whole bool, w chat.Write) error {
	threadID, owner := s.ThreadID, ""
	var isOld, hasThread bool
	err := c.query(p.sql.stepHead, func(row sqlcore.Row) error {
		if own, ok := row.Text(0); ok {
			threadID = own // its own thread counts, not the one the patch names
		}
		_, isOld = row.Text(1)
		_, hasThread = row.Text(2)
		owner, _ = row.Text(3)
		return nil
	}, s.ID, s.ThreadID)
	if err != nil {
		return err
	}
	if err := r.touch(c, p, threadID, hasThread, owner, w); err != nil {
		return err
	}
	switch {
	case !isOld:
		return c.exec(p.sql.insertStep, append(e.Values, p.sql.fillStep...)...)
	case whole:
		old, err := p.core.Step(ctx, c, chat.Ref{ID: s.ID})
		if err != nil {
			return err
		}
		merged := chat.MergeStep(old, s)
		return c.exec(p.sql.updateStep, append(p.core.StepRow(&merged), s.ID)...)
	}
	named := e.Named &^ p.sql.stepPatches.Bits("id", "threadId")
	if named == 0 {
		return nil
	}
	return c.exec(p.sql.stepPatches.SQL(named), append(e.Pick(named), s.ID)...)
}

// Step implements chat.Steps.
func (r rooms) Step(ctx context.Context, ref chat.Ref) (s chat.Step, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		s, err = p.core.Step(ctx, c, ref)
		return err
	})
	return s, err
}

// Favorites implements chat.Steps.
func (r rooms) Favorites(ctx context.Context, userID string) (steps []chat.Step, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		steps, err = p.core.Favorites(ctx, c, userID)
		return err
	})
	return steps, err
}

// DeleteStep implements chat.Steps.
func (r rooms) DeleteStep(ctx context.Context, ref chat.Ref, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		return func(c *conn) error { return r.deleteStep(c, p, ref, w) }, nil
	})
}

func (r rooms) deleteStep(c *conn, p *schema, ref chat.Ref, w chat.Write) error {
	threadID, ok, err := c.text(`SELECT "threadId" FROM steps WHERE "id"=?`, ref.ID)
	if err != nil {
		return err
	}
	if !ok || !p.core.Holds(p.core.Schema.Steps, "id", ref.ID) || ref.ThreadID != "" && ref.ThreadID != threadID {
		return chat.Missing("id", ref.ID)
	}
	if err := r.mayDelete(c, p, threadID, ref.ID, w); err != nil {
		return err
	}
	tree, err := c.tree(threadID, ref.ID)
	if err != nil {
		return err
	}
	for _, id := range tree {
		keys, err := c.column(`SELECT "objectKey" FROM elements WHERE "forId"=? AND "threadId"=? ORDER BY rowid`, id, threadID)
		if err == nil {
			err = c.exec(`DELETE FROM elements WHERE "forId"=? AND "threadId"=?`, id, threadID)
		}
		if err == nil {
			err = c.exec(`DELETE FROM feedbacks WHERE "forId"=?`, id)
		}
		if err == nil {
			err = c.exec(`DELETE FROM steps WHERE "id"=?`, id)
		}
		if err == nil {
			err = r.orphan(c, p, keys...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayDelete hides what belongs to another from an actor. A thread without a
// row is nobody's.
func (r rooms) mayDelete(c *conn, p *schema, threadID, id string, w chat.Write) error {
	if w.Actor == "" {
		return nil
	}
	owner, _, err := c.text(`SELECT "userIdentifier" FROM threads WHERE "id"=?`, threadID)
	if err == nil && chat.Allow(w.Actor, owner, "") != nil {
		err = chat.Missing("id", id)
	}
	return err
}

// tree lists a step and those under it in its thread, parents first.
func (c *conn) tree(threadID, root string) ([]string, error) {
	children := map[string][]string{}
	err := c.query(`SELECT "id","parentId" FROM steps WHERE "threadId"=? AND "parentId" IS NOT NULL`, func(r sqlcore.Row) error {
		id, _ := r.Text(0)
		parent, _ := r.Text(1)
		children[parent] = append(children[parent], id)
		return nil
	}, threadID)
	return sqlcore.Tree(root, children), err
}
