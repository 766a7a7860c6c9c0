package mysql

import (
	"context"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// rooms serves the port of conversations.
type rooms struct{ at access }

// Features implements chat.Store. Asking is a use of conversations, and makes
// the tables in a database that has none.
func (r rooms) Features() chat.Features {
	if _, err := r.at.ready(context.Background()); err != nil {
		return chat.Features{}
	}
	return features
}

// write runs fn as one unit on the layout of the database.
func (r rooms) write(ctx context.Context, fn func(l *layout, u *unit) error) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	return r.at.atomic(ctx, func(u *unit) error { return fn(l, u) })
}

// User implements chat.Users.
func (r rooms) User(ctx context.Context, identifier string) (chat.User, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.User{}, err
	}
	return l.core.User(ctx, r.at, identifier)
}

// Users implements chat.Users.
func (r rooms) Users(ctx context.Context, after string, limit int) ([]chat.User, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	return l.core.Users(ctx, r.at, after, limit)
}

// PutUser implements chat.Users.
func (r rooms) PutUser(ctx context.Context, u chat.User, w chat.Write) (chat.User, error) {
	if err := holds(map[string]string{"id": u.ID, "identifier": u.Identifier}); err != nil {
		return chat.User{}, err
	}
	u.DisplayName = ""
	put := u
	err := r.write(ctx, func(l *layout, un *unit) error {
		u = put
		metadata, isOld := string(sqlcore.AppendJSON(nil, u.Metadata)), false
		err := un.Run(ctx, sqlcore.Query{SQL: `SELECT "id","createdAt" FROM users WHERE "identifier"=? FOR UPDATE`, Args: []any{u.Identifier},
			Each: func(row sqlcore.Row) error {
				isOld = true
				u.ID, _ = row.Text(0)
				u.CreatedAt, _ = row.Text(1)
				return nil
			}})
		if err != nil {
			return err
		}
		if isOld {
			un.do(`UPDATE users SET "metadata"=? WHERE "id"=?`, metadata, u.ID)
			un.note("users", u.ID, change.Update, w)
			return nil
		}
		un.do(l.sql.insertUser, append([]any{u.ID, u.Identifier, metadata, u.CreatedAt}, l.sql.fillUser...)...)
		un.note("users", u.ID, change.Insert, w)
		return nil
	})
	return u, err
}

// orphan remembers keys of bytes to be deleted, once the elements are gone that
// named them; empty ones are none, and one that an element still names is in use.
// Who takes the last two elements of some bytes away at once meets the other
// in the lock.
func (u *unit) orphan(keys ...string) {
	for _, key := range keys {
		if key != "" {
			u.do(`INSERT INTO varve_orphan ("key") SELECT ?1 FROM dual WHERE NOT EXISTS (SELECT 1 FROM elements WHERE "objectKey"=?1 LOCK IN SHARE MODE)`+
				` AND NOT EXISTS (SELECT 1 FROM varve_orphan o WHERE o."key"=?1)`, key)
		}
	}
}

// adopt drops keys that are named again, or whose bytes are deleted.
func (u *unit) adopt(keys ...string) {
	for _, key := range keys {
		if key != "" {
			u.do(`DELETE FROM varve_orphan WHERE "key"=?`, key)
			u.do(`DELETE FROM varve_meta WHERE "key"=?`, uploadKey(key))
		}
	}
}
