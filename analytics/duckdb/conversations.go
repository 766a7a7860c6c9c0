//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// conversations say how far the mirror of conversations has come.
type conversations struct {
	position int64
	at       time.Time // when that was
	built    bool
	none     bool // there were none to be read
}

// overdue tells whether it is to be asked again if there are conversations: the
// tables of others come without a note in any log.
func (c conversations) overdue(now time.Time) bool {
	return c.none && now.Sub(c.at).Abs() >= unnoted
}

// The change log is kept for a day at least. Who has not read it for half of
// one starts over, since notes may be missing.
const forgetful = 12 * time.Hour

// unnoted is how long conversations are believed to be as they were in a
// database that keeps no change log: they can only be read whole.
const unnoted = 10 * time.Second

// notes is how many notes of the log are read at once, and threads how many
// threads.
const (
	notes   = 2000
	threads = 200
)

func (e *engine) recallChat(ctx context.Context) error {
	return e.writer.Each(ctx, `SELECT position, read FROM varve.chat`, func(row []any) error {
		e.chat = conversations{position: row[0].(int64), at: time.UnixMilli(row[1].(int64)), built: true}
		return nil
	})
}

// followChat takes over what is new in conversations; all: nothing was left for
// later.
func (m *Mirror) followChat(ctx context.Context) (all bool, err error) {
	mover, err := chat.MoverOf(m.src.Chat)
	if err != nil {
		return true, nil // this database has none that can be read whole
	}
	now, c := m.opt.Now(), &m.eng.chat
	why := chat.Peek(ctx, m.src.Chat)
	if kind := errs.KindOf(why); why != nil && kind != errs.NotFound && kind != errs.Invalid {
		return false, why
	}
	if err := m.nameChat(ctx, why); err != nil || why != nil {
		return true, err
	}
	head, err := m.src.Changes.Head(ctx)
	if errs.KindOf(err) == errs.Unsupported {
		if c.built && now.Sub(c.at).Abs() < unnoted {
			return false, nil
		}
		return true, m.readChat(ctx, mover, conversations{at: now, built: true})
	}
	switch age := now.Sub(c.at); {
	case err != nil:
		return false, err
	case c.built && head == c.position:
		return true, nil
	case !c.built, head < c.position, age < -time.Minute, age > forgetful:
		return true, m.readChat(ctx, mover, conversations{position: head, at: now, built: true})
	}
	for c.position < head {
		events, err := m.src.Changes.Changes(ctx, c.position, notes)
		if err != nil {
			return false, err
		}
		if len(events) == 0 {
			break
		}
		if err := m.replay(ctx, mover, events, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// nameChat sees to it that conversations are asked for by their own names, unless
// others have these: then to find users empty would be wrong, since they are not.
// Where there are none, why, nothing is left of those there were.
func (m *Mirror) nameChat(ctx context.Context, why error) error {
	c, now := &m.eng.chat, m.opt.Now()
	names := shown
	if errs.KindOf(why) == errs.Invalid {
		names = hidden
	}
	sql := m.eng.chatNames(names)
	if why != nil && !c.none {
		sql += emptyChat + `DELETE FROM varve.chat;`
	}
	if sql != "" {
		if err := m.eng.writer.Transaction(ctx, func() error { return m.eng.writer.Exec(ctx, sql) }); err != nil {
			return err
		}
	}
	if m.eng.names = names; names == hidden && !c.none {
		m.opt.Log.Info("there are no conversations among what can be asked", "why", why)
	}
	if why != nil {
		*c = conversations{at: now, none: true}
	} else {
		c.none = false
	}
	return nil
}

// replay reads again what notes name. It may find what later notes tell of,
// which is then read once more.
func (m *Mirror) replay(ctx context.Context, mover chat.Mover, events []change.Event, now time.Time) error {
	t, err := m.touched(ctx, events)
	if err != nil {
		return err
	}
	next := conversations{position: events[len(events)-1].Position, at: now, built: true}
	if t.all {
		return m.readChat(ctx, mover, next)
	}
	return m.chatTransaction(ctx, next, func(w *chatWriter) error {
		if t.users {
			if err := w.users(ctx, m.src.Chat); err != nil {
				return err
			}
		}
		ids := t.list()
		if err := w.forget(ctx, ids); err != nil {
			return err
		}
		for len(ids) > 0 {
			n := min(len(ids), threads)
			whole, err := mover.Whole(ctx, ids[:n])
			if err != nil {
				return err
			}
			if err := w.threads(whole); err != nil {
				return err
			}
			ids = ids[n:]
		}
		return nil
	})
}

// readChat reads all conversations. What is written meanwhile is noted behind
// the position that was asked for before.
func (m *Mirror) readChat(ctx context.Context, mover chat.Mover, next conversations) error {
	return m.chatTransaction(ctx, next, func(w *chatWriter) error {
		if err := w.clear(ctx); err != nil {
			return err
		}
		if err := w.users(ctx, m.src.Chat); err != nil {
			return err
		}
		for after := ""; ; {
			ids, more, err := mover.ThreadIDs(ctx, after, threads)
			if err != nil {
				return err
			}
			whole, err := mover.Whole(ctx, ids)
			if err != nil {
				return err
			}
			if err := w.threads(whole); err != nil {
				return err
			}
			if after = more; after == "" {
				return nil
			}
		}
	})
}

func (m *Mirror) chatTransaction(ctx context.Context, next conversations, fn func(*chatWriter) error) error {
	err := m.eng.writer.Transaction(ctx, func() error {
		w := &chatWriter{conn: m.eng.writer}
		defer w.close()
		if err := fn(w); err != nil {
			return err
		}
		return w.finish(ctx, next)
	})
	if err == nil {
		m.eng.chat = next
	}
	return err
}
