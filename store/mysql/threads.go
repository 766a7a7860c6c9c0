package mysql

import (
	"context"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// held is a thread that a unit keeps other writers from. Every write to a
// thread or to what is in it holds the thread first, so that writers of one
// thread take turns and what is read of it stays as it is.
type held struct {
	chat.Thread
	found bool
}

// lock is the question that holds a thread.
func (l *layout) lock(id string, h *held) sqlcore.Query {
	*h = held{Thread: chat.Thread{ID: id}}
	return l.core.LockThread(id, func(t chat.Thread) { h.Thread, h.found = t, true })
}

// enter checks that the writer may write to a held thread, and makes it when it
// is missing.
func (u *unit) enter(ctx context.Context, l *layout, h *held, w chat.Write) error {
	if h.found {
		return chat.Allow(w.Actor, h.UserIdentifier, "")
	}
	h.Thread = newThread(h.ID, w)
	return u.born(ctx, l, h, w)
}

func newThread(id string, w chat.Write) chat.Thread {
	return chat.Thread{ID: id, CreatedAt: chat.FormatTime(w.Now), Metadata: chat.Object{}}
}

// born makes a thread, unless it was deleted a short time ago: that is looked
// at when the row is there, so that no deletion can come between.
func (u *unit) born(ctx context.Context, l *layout, h *held, w chat.Write) error {
	h.found, h.LastActivity = true, h.CreatedAt
	u.do(l.sql.insertThread, append(append(l.core.ThreadValues(&h.Thread), fold(h.Name), h.LastActivity), l.sql.fillThread...)...)
	u.note("threads", h.ID, change.Insert, w)
	dead := false
	err := u.Run(ctx, sqlcore.Query{SQL: `SELECT 1 FROM varve_tombstone WHERE thread=? AND at>?`,
		Args: []any{h.ID, moment(w.Now.Add(-chat.TombstoneAge))}, Each: func(sqlcore.Row) error {
			dead = true
			return nil
		}})
	if err == nil && dead {
		err = chat.Deleted(h.ID)
	}
	return err
}

// raise lifts a held thread's last activity; it never falls.
func (u *unit) raise(h *held, created string) {
	if at, ok := chat.NormalTime(created); ok && at > h.LastActivity {
		h.LastActivity = at
		u.do(`UPDATE threads SET varve_last_activity=? WHERE "id"=?`, at, h.ID)
	}
}

// ApplyThread implements chat.Threads.
func (r rooms) ApplyThread(ctx context.Context, p chat.ThreadPatch, w chat.Write) error {
	if err := holds(map[string]string{"id": p.ID}); err != nil {
		return err
	}
	return r.write(ctx, func(l *layout, u *unit) error {
		var h held
		questions := []sqlcore.Query{l.lock(p.ID, &h)}
		owner, known := "", p.UserID == ""
		if !known {
			// Shared with others and held, so that the user is not erased meanwhile.
			questions = append(questions, sqlcore.Query{SQL: `SELECT "identifier" FROM users WHERE "id"=? LOCK IN SHARE MODE`, Args: []any{p.UserID},
				Each: func(got sqlcore.Row) error {
					owner, known = got.(row).text(0), true
					return nil
				}})
		}
		if err := u.Run(ctx, questions...); err != nil {
			return err
		}
		if !known {
			return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", p.UserID)
		}
		// One that was deleted a short time ago is gone to anybody: that is said
		// before whose it is. A refusal undoes all.
		if err := u.applyThread(ctx, l, &h, p, owner, w); err != nil {
			return err
		}
		return chat.Allow(w.Actor, h.UserIdentifier, owner)
	})
}

func (u *unit) applyThread(ctx context.Context, l *layout, h *held, p chat.ThreadPatch, owner string, w chat.Write) error {
	old := h.Thread
	if !h.found {
		old = newThread(p.ID, w)
	}
	merged := chat.MergeThread(old, p)
	if owner != "" {
		merged.UserIdentifier = owner
	}
	if !h.found {
		return u.born(ctx, l, &held{Thread: merged}, w)
	}
	names, values := l.core.ThreadChanges(old, merged, p)
	if len(names) == 0 {
		return nil
	}
	if merged.Name != old.Name {
		names, values = append(names, foldColumn), append(values, fold(merged.Name))
	}
	u.do(sqlcore.Update("threads", names), append(values, p.ID)...)
	u.note("threads", p.ID, change.Update, w)
	return nil
}

// Thread implements chat.Threads.
func (r rooms) Thread(ctx context.Context, id string) (chat.Thread, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.Thread{}, err
	}
	return l.core.Thread(ctx, r.at, id)
}

// Head implements chat.Threads.
func (r rooms) Head(ctx context.Context, id string) (chat.Head, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.Head{}, err
	}
	h, err := l.core.Head(ctx, r.at, id)
	if errs.KindOf(err) != errs.NotFound {
		return h, err
	}
	failed := r.at.Run(ctx, sqlcore.Query{SQL: `SELECT user_id,user_identifier,last_activity FROM varve_tombstone WHERE thread=?`, Args: []any{id},
		Each: func(got sqlcore.Row) error {
			h, err = chat.Head{ID: id, Deleted: true}, nil
			for i, s := range []*string{&h.UserID, &h.UserIdentifier, &h.LastActivity} {
				*s, _ = got.Text(i)
			}
			return nil
		}})
	if failed != nil {
		return chat.Head{}, failed
	}
	return h, err
}

// Threads implements chat.Threads.
func (r rooms) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	var search sqlcore.Condition
	if needle := chat.Fold(q.Search); needle != "" {
		search = mentions(needle)
	}
	return l.core.Threads(ctx, r.at, q, search)
}

// forgotten is the age at which a tombstone goes. It is more than
// chat.TombstoneAge, since cursors that name the thread live on a while.
const forgotten = 7 * 24 * time.Hour
