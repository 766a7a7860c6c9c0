package sqlite

import (
	"context"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// User implements chat.Users.
func (r rooms) User(ctx context.Context, identifier string) (u chat.User, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		u, err = p.core.User(ctx, c, identifier)
		return err
	})
	return u, err
}

// Users implements chat.Users.
func (r rooms) Users(ctx context.Context, after string, limit int) (users []chat.User, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		users, err = p.core.Users(ctx, c, after, limit)
		return err
	})
	return users, err
}

// PutUser implements chat.Users.
func (r rooms) PutUser(ctx context.Context, u chat.User, _ chat.Write) (chat.User, error) {
	err := r.write(ctx, func(p *schema) (func(*conn) error, error) {
		metadata := string(sqlcore.AppendJSON(nil, u.Metadata))
		return func(c *conn) error {
			old, err := p.core.User(ctx, c, u.Identifier)
			if err == nil {
				u.ID, u.CreatedAt = old.ID, old.CreatedAt
				return c.exec(`UPDATE users SET "metadata"=? WHERE "identifier"=?`, metadata, u.Identifier)
			}
			if errs.KindOf(err) != errs.NotFound {
				return err
			}
			if err := p.checkID(p.core.Schema.Users, "id", u.ID); err != nil {
				return err
			}
			values := []any{u.ID, u.Identifier, metadata, u.CreatedAt}
			return c.exec(p.sql.insertUser, append(values, p.sql.fillUser...)...)
		}, nil
	})
	u.DisplayName = ""
	return u, err
}

// ApplyThread implements chat.Threads.
func (r rooms) ApplyThread(ctx context.Context, patch chat.ThreadPatch, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		t := p.core.Schema.Threads
		if err := p.checkID(t, "id", patch.ID); err != nil {
			return nil, err
		}
		return func(c *conn) error { return r.applyThread(ctx, c, p, patch, w) }, nil
	})
}

func (r rooms) applyThread(ctx context.Context, c *conn, p *schema, patch chat.ThreadPatch, w chat.Write) error {
	newOwner := ""
	if patch.UserID != "" {
		var ok bool
		var err error
		if newOwner, ok, err = c.text(`SELECT "identifier" FROM users WHERE "id"=?`, patch.UserID); err != nil {
			return err
		} else if !ok {
			return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", patch.UserID)
		}
	}
	old, err := p.core.ThreadRow(ctx, c, patch.ID)
	isNew := errs.KindOf(err) == errs.NotFound
	if isNew {
		if err := r.alive(c, p, patch.ID, w); err != nil {
			return err
		}
		old = newThread(patch.ID, w)
	} else if err != nil {
		return err
	}
	if err := chat.Allow(w.Actor, old.UserIdentifier, newOwner); err != nil {
		return err
	}
	merged := chat.MergeThread(old, patch)
	if newOwner != "" {
		merged.UserIdentifier = newOwner
	}
	if isNew {
		return c.exec(p.sql.insertThread, append(p.core.ThreadValues(&merged), p.sql.fillThread...)...)
	}
	names, values := p.core.ThreadChanges(old, merged, patch)
	if len(names) == 0 {
		return nil
	}
	return c.exec(sqlcore.Update("threads", names), append(values, patch.ID)...)
}

func newThread(id string, w chat.Write) chat.Thread {
	return chat.Thread{ID: id, CreatedAt: chat.FormatTime(w.Now), Metadata: chat.Object{}}
}

// touch makes the thread of a write when it is missing and checks that the
// writer may write to it. has and owner are what was found of it.
func (r rooms) touch(c *conn, p *schema, id string, has bool, owner string, w chat.Write) error {
	if has {
		return chat.Allow(w.Actor, owner, "")
	}
	if err := r.alive(c, p, id, w); err != nil {
		return err
	}
	t := newThread(id, w)
	return c.exec(p.sql.insertThread, append(p.core.ThreadValues(&t), p.sql.fillThread...)...)
}

// alive refuses a write to a thread that was deleted a short time ago.
func (r rooms) alive(c *conn, p *schema, id string, w chat.Write) error {
	_, at, err := r.buried(c, p, id)
	if err == nil && !at.IsZero() && w.Now.Sub(at) < chat.TombstoneAge {
		return chat.Deleted(id)
	}
	return err
}

// buried finds the tombstone of a thread; the time is zero when there is none.
func (r rooms) buried(c *conn, p *schema, id string) (h chat.Head, at time.Time, err error) {
	if !p.tracked {
		f := &r.store.memory
		f.mu.Lock()
		defer f.mu.Unlock()
		t := f.tombstones[id]
		return t.head, t.at, nil
	}
	err = c.query(`SELECT user_id,user_identifier,last_activity,at FROM varve_tombstone WHERE thread=?`, func(row sqlcore.Row) error {
		h = chat.Head{ID: id, Deleted: true}
		for i, s := range []*string{&h.UserID, &h.UserIdentifier, &h.LastActivity} {
			*s, _ = row.Text(i)
		}
		at = time.UnixMilli(row.(interface{ ColumnInt64(int) int64 }).ColumnInt64(3))
		return nil
	}, id)
	return h, at, err
}

func (r rooms) bury(c *conn, p *schema, h chat.Head, w chat.Write) error {
	h.Deleted = true
	if p.tracked {
		return c.exec(`INSERT INTO varve_tombstone (thread,user_id,user_identifier,last_activity,at) VALUES (?,?,?,?,?)`+
			` ON CONFLICT (thread) DO UPDATE SET user_id=excluded.user_id,user_identifier=excluded.user_identifier,last_activity=excluded.last_activity,at=excluded.at`,
			h.ID, h.UserID, h.UserIdentifier, h.LastActivity, w.Now.UnixMilli())
	}
	c.after = append(c.after, func() { r.store.memory.bury(h, w.Now) })
	return nil
}

func (f *forgetful) bury(h chat.Head, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tombstones == nil {
		f.tombstones = map[string]tombstone{}
	}
	for id, t := range f.tombstones {
		if now.Sub(t.at) >= chat.TombstoneAge {
			delete(f.tombstones, id)
		}
	}
	f.tombstones[h.ID] = tombstone{h, now}
}

// Thread implements chat.Threads.
func (r rooms) Thread(ctx context.Context, id string) (t chat.Thread, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		t, err = p.core.Thread(ctx, c, id)
		return err
	})
	return t, err
}

// Head implements chat.Threads.
func (r rooms) Head(ctx context.Context, id string) (h chat.Head, err error) {
	err = r.read(ctx, func(c *conn, p *schema) error {
		if h, err = p.core.Head(ctx, c, id); errs.KindOf(err) != errs.NotFound {
			return err
		}
		dead, at, failed := r.buried(c, p, id)
		if failed != nil || at.IsZero() {
			return cmpErr(failed, err)
		}
		h = dead
		return nil
	})
	return h, err
}

// cmpErr is the first error that is one.
func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Threads implements chat.Threads.
func (r rooms) Threads(ctx context.Context, q chat.ThreadQuery) (found []chat.Thread, err error) {
	p, err := r.schema(ctx)
	if err != nil {
		return nil, err
	}
	among, err := r.searching(ctx, p, q.Search)
	if err != nil {
		return nil, err
	}
	err = r.at.read(ctx, func(c *conn) error {
		if among != nil {
			found, err = p.core.ThreadsAmong(ctx, c, q, among)
		} else {
			found, err = p.core.Threads(ctx, c, q, nil)
		}
		return err
	})
	return found, err
}

// DeleteThread implements chat.Threads.
func (r rooms) DeleteThread(ctx context.Context, id string, w chat.Write) error {
	return r.write(ctx, func(p *schema) (func(*conn) error, error) {
		return func(c *conn) error {
			h, err := p.core.Head(ctx, c, id)
			if err == nil && chat.Allow(w.Actor, h.UserIdentifier, "") != nil {
				err = chat.Missing("threadId", id)
			}
			if err != nil {
				return err
			}
			keys, err := c.clear(id)
			if err != nil {
				return err
			}
			if err := r.orphan(c, p, keys...); err != nil {
				return err
			}
			return r.bury(c, p, h, w)
		}, nil
	})
}
