package mysql

import (
	"context"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

var (
	_ chat.Mover  = rooms{}
	_ chat.Peeker = rooms{}
)

// Peek implements chat.Peeker.
func (r rooms) Peek(ctx context.Context) error {
	q := data(r)
	l, err := q.layout(ctx)
	if err == nil && l.core == nil {
		l, err = q.anew(ctx, l)
	}
	if err != nil {
		return err
	}
	if l.silent() {
		return chat.ErrUnmade
	}
	return l.refused
}

// ThreadIDs implements chat.Mover.
func (r rooms) ThreadIDs(ctx context.Context, after string, limit int) ([]string, string, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, "", err
	}
	return l.core.ThreadIDs(ctx, r.at, after, limit)
}

// Whole implements chat.Mover.
func (r rooms) Whole(ctx context.Context, ids []string) ([]chat.Thread, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	return l.core.Whole(ctx, r.at, ids)
}

// Load implements chat.Mover.
func (r rooms) Load(ctx context.Context, threads []chat.Thread, w chat.Write) error {
	return r.write(ctx, func(l *layout, u *unit) error {
		load := loading{l: l, w: w, threads: threads}
		if err := load.clear(ctx, u); err != nil {
			return err
		}
		if err := load.insert(ctx, u); err != nil {
			return err
		}
		u.orphan(load.keys...)
		return nil
	})
}

// loading puts threads in the place of others, all in a few packets.
type loading struct {
	l       *layout
	w       chat.Write
	threads []chat.Thread
	owners  map[string]string // identifiers of users by their ids
	keys    []string          // of bytes that were there before
}

// clear takes away what is there under the threads' ids, and looks up whose
// they are.
func (g *loading) clear(ctx context.Context, u *unit) error {
	g.owners = map[string]string{}
	var ask []sqlcore.Query
	var there []*content
	locks := make([]held, len(g.threads))
	for i := range g.threads {
		t := &g.threads[i]
		in := contents(t.ID)
		there = append(there, in)
		ask = append(append(ask, g.l.lock(t.ID, &locks[i])), in.questions()...)
		if _, asked := g.owners[t.UserID]; t.UserID != "" && !asked {
			g.owners[t.UserID] = ""
			ask = append(ask, sqlcore.Query{SQL: `SELECT "identifier" FROM users WHERE "id"=?`, Args: []any{t.UserID}, Each: func(r sqlcore.Row) error {
				g.owners[t.UserID], _ = r.Text(0)
				return nil
			}})
		}
	}
	if err := u.Run(ctx, ask...); err != nil {
		return err
	}
	for i, in := range there {
		gone := in.rows()
		if locks[i].found {
			gone = append(gone, &rowsOf{table: "threads", ids: []string{in.thread}})
		}
		if err := u.remove(ctx, g.w, gone...); err != nil {
			return err
		}
		u.do(`DELETE FROM varve_tombstone WHERE thread=?`, in.thread)
		g.keys = append(g.keys, in.elements.keys...)
	}
	return nil
}

// insert writes the threads, and refuses ids that another thread's things have.
func (g *loading) insert(ctx context.Context, u *unit) error {
	for i := range g.threads {
		t := g.threads[i]
		if t.UserID != "" {
			if t.UserIdentifier = g.owners[t.UserID]; t.UserIdentifier == "" {
				return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", t.UserID)
			}
		}
		if err := g.free(ctx, u, &t); err != nil {
			return err
		}
		u.do(g.l.sql.insertThread, append(append(g.l.core.ThreadValues(&t), fold(t.Name), t.Activity()), g.l.sql.fillThread...)...)
		u.note("threads", t.ID, change.Insert, g.w)
		if err := g.things(ctx, u, &t); err != nil {
			return err
		}
	}
	return nil
}

// free asks, after the old rows went, whether the ids of a thread's things are
// still somebody's.
func (g *loading) free(ctx context.Context, u *unit, t *chat.Thread) error {
	steps, elements, votes := make([]string, 0, len(t.Steps)), make([]string, 0, len(t.Elements)), []string{}
	for _, s := range t.Steps {
		if err := holds(map[string]string{"id": s.ID, "parentId": s.ParentID}); err != nil {
			return err
		}
		steps = append(steps, s.ID)
		if s.Feedback != nil {
			votes = append(votes, s.Feedback.ID)
		}
	}
	for _, e := range t.Elements {
		if err := holds(map[string]string{"id": e.ID, "forId": e.ForID}); err != nil {
			return err
		}
		elements = append(elements, e.ID)
	}
	for _, f := range t.Loose {
		votes = append(votes, f.ID)
	}
	for _, c := range []struct {
		table string
		ids   []string
		err   func(id string) error
	}{
		{"steps", steps, chat.ForeignStep}, {"elements", elements, chat.ForeignElement}, {"feedbacks", votes, foreignVote},
	} {
		if err := u.free(ctx, c.table, c.ids, c.err); err != nil {
			return err
		}
	}
	return nil
}

func foreignVote(id string) error {
	return errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", id)
}

func (u *unit) free(ctx context.Context, table string, ids []string, foreign func(string) error) error {
	for len(ids) > 0 {
		n := min(many, len(ids))
		taken := rowsOf{table: table}
		if err := u.Run(ctx, taken.question(`x."id" IN (`+marks(n)+`)`, list(ids[:n])...)); err != nil {
			return err
		}
		if len(taken.ids) > 0 {
			return foreign(taken.ids[0])
		}
		ids = ids[n:]
	}
	return nil
}

// things writes what is in a thread. Packets stay far below what a server
// takes, as long as no single thing is larger.
func (g *loading) things(ctx context.Context, u *unit, t *chat.Thread) error {
	votes := t.Loose
	for i := range t.Steps {
		s := t.Steps[i]
		s.ThreadID = t.ID
		u.do(g.l.sql.insertStep, append(g.l.encodeStep(&s, nil).Values, g.l.sql.fillStep...)...)
		u.note("steps", s.ID, change.Insert, g.w)
		if s.Feedback != nil {
			f := *s.Feedback
			f.ForID = s.ID
			votes = append(votes[:len(votes):len(votes)], f)
		}
		if err := u.spill(ctx); err != nil {
			return err
		}
	}
	for i := range t.Elements {
		e := t.Elements[i]
		e.ThreadID = t.ID
		u.do(g.l.sql.insertElement, append(g.l.core.ElementMap.Values(&e, e.Extra), g.l.sql.fillElement...)...)
		u.note("elements", e.ID, change.Insert, g.w)
		u.adopt(e.ObjectKey)
		if err := u.spill(ctx); err != nil {
			return err
		}
	}
	for _, f := range votes {
		var comment any
		if f.Comment != nil {
			comment = *f.Comment
		}
		u.do(g.l.sql.insertVote, append([]any{f.ID, f.ForID, t.ID, f.Value, comment}, g.l.sql.fillVote...)...)
		u.note("feedbacks", f.ID, change.Insert, g.w)
	}
	return u.spill(ctx)
}
