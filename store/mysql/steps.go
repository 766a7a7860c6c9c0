package mysql

import (
	"context"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// within holds the thread of the thing with an id in a table, and tells whether
// the thing is there: its own thread if it is, else the one that is named. What
// was seen before the lock was had is looked at again.
func (u *unit) within(ctx context.Context, l *layout, table, id, named string, h *held) (found bool, err error) {
	for lock := named; ; {
		own := named
		found = false
		asked := []sqlcore.Query{{SQL: `SELECT "threadId" FROM ` + table + ` WHERE "id"=?`, Args: []any{id}, Each: func(r sqlcore.Row) error {
			found = true
			own, _ = r.Text(0)
			return nil
		}}}
		if lock != "" {
			asked = []sqlcore.Query{l.lock(lock, h), asked[0]}
		}
		if err := u.Run(ctx, asked...); err != nil || own == lock {
			return found, err
		}
		lock = own
	}
}

// ApplyStep implements chat.Steps.
func (r rooms) ApplyStep(ctx context.Context, s chat.Step, w chat.Write) error {
	if err := holds(map[string]string{"id": s.ID, "threadId": s.ThreadID, "parentId": s.ParentID}); err != nil {
		return err
	}
	return r.write(ctx, func(l *layout, u *unit) error {
		var h held
		isOld, err := u.within(ctx, l, "steps", s.ID, s.ThreadID, &h)
		if err != nil {
			return err
		}
		if err := u.enter(ctx, l, &h, w); err != nil {
			return err
		}
		if !isOld {
			fresh := chat.MergeStep(chat.NewStep(w.Now), s)
			u.do(l.sql.insertStep, append(l.encodeStep(&fresh, nil).Values, l.sql.fillStep...)...)
			u.note("steps", s.ID, change.Insert, w)
			u.raise(&h, fresh.CreatedAt)
			return nil
		}
		return u.changeStep(ctx, l, s, &h, w)
	})
}

// changeStep writes the columns that a patch names, without reading them. Keys
// that have none share a column, which is merged.
func (u *unit) changeStep(ctx context.Context, l *layout, s chat.Step, h *held, w chat.Write) error {
	patch := s
	if len(s.Extra) > 0 || l.core.Stows() {
		old, err := l.core.Step(ctx, u, chat.Ref{ID: s.ID})
		if err != nil {
			return err
		}
		s = chat.MergeStep(old, patch)
	}
	e := l.encodeStep(&s, &patch)
	if named := e.Named &^ l.sql.step.Bits("id", "threadId"); named != 0 {
		u.do(l.sql.step.SQL(named), append(e.Pick(named), s.ID)...)
		u.note("steps", s.ID, change.Update, w)
	}
	u.raise(h, patch.CreatedAt)
	return nil
}

// encodeStep encodes a step with the columns that only this store has.
func (l *layout) encodeStep(s, patch *chat.Step) sqlcore.Encoded {
	e := l.core.EncodeStep(s, patch)
	e.Values = append(e.Values, fold(s.Output), s.Favorite())
	if patch == nil {
		return e
	}
	if patch.Output != "" {
		e.Named |= l.sql.step.Bits(foldColumn)
	}
	if len(patch.Metadata) > 0 {
		e.Named |= l.sql.step.Bits(starredColumn)
	}
	if len(patch.Extra) > 0 || l.core.Stows() {
		e.Named |= l.sql.step.Bits(sqlcore.ExtraColumn, "metadata")
	}
	return e
}

// Step implements chat.Steps.
func (r rooms) Step(ctx context.Context, ref chat.Ref) (chat.Step, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.Step{}, err
	}
	return l.core.Step(ctx, r.at, ref)
}

// Favorites implements chat.Steps.
func (r rooms) Favorites(ctx context.Context, userID string) ([]chat.Step, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	return l.core.Favorites(ctx, r.at, userID)
}
