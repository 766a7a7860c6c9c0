package mysql

import (
	"context"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// ApplyElement implements chat.Elements.
func (r rooms) ApplyElement(ctx context.Context, e chat.Element, w chat.Write) error {
	if err := holds(map[string]string{"id": e.ID, "threadId": e.ThreadID, "forId": e.ForID}); err != nil {
		return err
	}
	return r.write(ctx, func(l *layout, u *unit) error {
		var h held
		thread, key, isOld := "", "", false
		err := u.Run(ctx, l.lock(e.ThreadID, &h), sqlcore.Query{SQL: `SELECT "threadId","objectKey" FROM elements WHERE "id"=? FOR UPDATE`, Args: []any{e.ID},
			Each: func(row sqlcore.Row) error {
				isOld = true
				thread, _ = row.Text(0)
				key, _ = row.Text(1)
				return nil
			}})
		if err != nil {
			return err
		}
		if isOld && thread != e.ThreadID {
			return chat.ForeignElement(e.ID)
		}
		if err := u.enter(ctx, l, &h, w); err != nil {
			return err
		}
		if !isOld {
			u.do(l.sql.insertElement, append(l.core.ElementMap.Values(&e, e.Extra), l.sql.fillElement...)...)
			u.note("elements", e.ID, change.Insert, w)
		} else if err := u.changeElement(ctx, l, e, w); err != nil {
			return err
		}
		if e.ObjectKey != "" && e.ObjectKey != key {
			u.orphan(key)
			key = e.ObjectKey
		}
		u.adopt(key)
		return nil
	})
}

// changeElement writes the columns that a patch names; see changeStep.
func (u *unit) changeElement(ctx context.Context, l *layout, e chat.Element, w chat.Write) error {
	patch := e
	if len(e.Extra) > 0 {
		old, err := l.core.Element(ctx, u, chat.Ref{ID: e.ID})
		if err != nil {
			return err
		}
		e = chat.MergeElement(old, patch)
	}
	row := l.core.ElementMap.Encode(&e, &patch, e.Extra)
	if len(patch.Extra) > 0 {
		row.Named |= l.sql.element.Bits(sqlcore.ExtraColumn)
	}
	if named := row.Named &^ l.sql.element.Bits("id", "threadId"); named != 0 {
		u.do(l.sql.element.SQL(named), append(row.Pick(named), e.ID)...)
		u.note("elements", e.ID, change.Update, w)
	}
	return nil
}

// Element implements chat.Elements.
func (r rooms) Element(ctx context.Context, ref chat.Ref) (chat.Element, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.Element{}, err
	}
	return l.core.Element(ctx, r.at, ref)
}

// ApplyFeedback implements chat.Feedbacks.
func (r rooms) ApplyFeedback(ctx context.Context, f chat.Feedback, w chat.Write) (string, error) {
	if err := holds(map[string]string{"id": f.ID, "forId": f.ForID, "threadId": f.ThreadID}); err != nil {
		return "", err
	}
	id := f.ID
	err := r.write(ctx, func(l *layout, u *unit) (err error) {
		id, err = u.applyFeedback(ctx, l, f, w)
		return err
	})
	return id, err
}

func (u *unit) applyFeedback(ctx context.Context, l *layout, f chat.Feedback, w chat.Write) (string, error) {
	var h held
	if _, err := u.within(ctx, l, "steps", f.ForID, f.ThreadID, &h); err != nil {
		return "", err
	}
	if h.ID == "" {
		return "", errs.Field(errs.NotFound, "forId", "there is no step %q; give threadId for a step that is not stored yet", f.ForID)
	}
	old, taken := "", false
	err := u.Run(ctx, sqlcore.Query{SQL: `SELECT "id","forId" FROM feedbacks WHERE "forId"=? OR "id"=?`, Args: []any{f.ForID, f.ID},
		Each: func(row sqlcore.Row) error {
			if step, _ := row.Text(1); step == f.ForID {
				old, _ = row.Text(0)
			} else {
				taken = true
			}
			return nil
		}})
	if err != nil {
		return "", err
	}
	if old == "" && taken {
		return "", errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", f.ID)
	}
	if err := u.enter(ctx, l, &h, w); err != nil {
		return "", err
	}
	var comment any
	if f.Comment != nil {
		comment = *f.Comment
	}
	if old != "" {
		u.do(`UPDATE feedbacks SET "threadId"=?,"value"=?,"comment"=? WHERE "id"=?`, h.ID, f.Value, comment, old)
		u.note("feedbacks", old, change.Update, w)
		return old, nil
	}
	u.do(l.sql.insertVote, append([]any{f.ID, f.ForID, h.ID, f.Value, comment}, l.sql.fillVote...)...)
	u.note("feedbacks", f.ID, change.Insert, w)
	return f.ID, nil
}
