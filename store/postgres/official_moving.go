package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// clearOfficial is clear on the official tables, where a step's row may have
// to stay as a placeholder.
func (m *move) clearOfficial(ctx context.Context) (keys []string, err error) {
	l := m.l
	statements := []sqlcore.Query{{SQL: fmt.Sprintf(`UPDATE %s SET "deletedAt"=NULL WHERE "id"=ANY($1::text[]) AND "deletedAt" IS NOT NULL`, l.target("threads")), Args: []any{m.ids}}}
	for _, id := range m.ids {
		statements = append(append(statements, l.ending(id)...), sqlcore.Query{SQL: l.sql.del.thread, Args: []any{id, "", "", m.by.Now}, Each: func(r sqlcore.Row) error {
			var lost []string
			sqlcore.Decode(&lost, r.(row).text(1))
			keys = append(keys, lost...)
			return nil
		}})
	}
	return keys, m.in.write(ctx, append(statements, m.exhume()...)...)
}

// patches writes the rows by the statements that single calls use: those keep
// what the official tables have no place for where their readers look for it.
func (m *move) patches(ctx context.Context) error {
	at := rooms{at: m.in}
	for i := range m.threads {
		if err := at.rewrite(ctx, m.l, &m.threads[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r rooms) rewrite(ctx context.Context, l *layout, t *chat.Thread) error {
	w := chat.Write{Now: birthday(t)}
	p := chat.ThreadPatch{ID: t.ID, Name: &t.Name, UserID: t.UserID, Tags: t.Tags}
	if err := l.patch(ctx, r.at, p, w, t.Metadata); err != nil {
		return err
	}
	for i := range t.Steps {
		s := t.Steps[i]
		s.ThreadID = t.ID
		if err := r.ApplyStep(ctx, s, w); err != nil {
			return err
		}
		if s.Feedback != nil {
			if _, err := r.ApplyFeedback(ctx, *s.Feedback, w); err != nil {
				return err
			}
		}
	}
	for i := range t.Elements {
		e := t.Elements[i]
		e.ThreadID = t.ID
		if err := r.ApplyElement(ctx, e, w); err != nil {
			return err
		}
	}
	for _, f := range t.Loose {
		f.ThreadID = t.ID
		if _, err := r.ApplyFeedback(ctx, f, w); err != nil {
			return err
		}
	}
	return nil
}

// birthday is when a thread is written that was created at its time. The official
// tables want one of every thread and step; where none can be read it is that
// of the first step that has one, else the first of all times.
func birthday(t *chat.Thread) time.Time {
	at := t.CreatedAt
	for i := 0; at == "" && i < len(t.Steps); i++ {
		at, _ = chat.NormalTime(t.Steps[i].CreatedAt)
	}
	if normal, ok := chat.NormalTime(at); ok {
		if when, err := time.Parse(time.RFC3339Nano, normal); err == nil {
			return when
		}
	}
	return time.Unix(0, 0)
}
