package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// uploads is the beginning of the keys in varve_meta under which keys of bytes
// stand that are about to be written. What follows is a hash, since keys may be
// long; the value is the time in milliseconds, a space and the key.
const uploads = "upload."

func uploadKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return uploads + hex.EncodeToString(sum[:])
}

// Expect implements chat.Orphans.
func (r rooms) Expect(ctx context.Context, key string, w chat.Write) error {
	return r.write(ctx, func(_ *layout, u *unit) error {
		u.do(`REPLACE INTO varve_meta ("key","value") VALUES (?,?)`, uploadKey(key), strconv.FormatInt(w.Now.UnixMilli(), 10)+" "+key)
		return nil
	})
}

// Orphans implements chat.Orphans.
func (r rooms) Orphans(ctx context.Context, now time.Time, limit int) (keys []string, err error) {
	if _, err := r.at.ready(ctx); err != nil {
		return nil, err
	}
	type upload struct {
		at  int64
		key string
	}
	var late []upload
	due := now.Add(-chat.UploadGrace).UnixMilli()
	err = r.at.Run(ctx, sqlcore.Query{SQL: `SELECT "key" FROM varve_orphan ORDER BY id LIMIT ?`, Args: []any{limit}, Each: func(row sqlcore.Row) error {
		key, _ := row.Text(0)
		keys = append(keys, key)
		return nil
	}}, sqlcore.Query{SQL: `SELECT m."value" FROM varve_meta m WHERE m."key" LIKE ?` +
		` AND NOT EXISTS (SELECT 1 FROM elements e WHERE e."objectKey"=CAST(substr(m."value",locate(' ',m."value")+1) AS BINARY))`, Args: []any{uploads + "%"}, Each: func(row sqlcore.Row) error {
		text, _ := row.Text(0)
		first, key, _ := strings.Cut(text, " ")
		if at, err := strconv.ParseInt(first, 10, 64); err == nil && at <= due {
			late = append(late, upload{at, key})
		}
		return nil
	}})
	slices.SortStableFunc(late, func(a, b upload) int { return int(a.at - b.at) })
	for _, u := range late {
		if len(keys) < limit && !slices.Contains(keys, u.key) {
			keys = append(keys, u.key)
		}
	}
	return keys, err
}

// Forget implements chat.Orphans.
func (r rooms) Forget(ctx context.Context, keys []string) error {
	return r.write(ctx, func(_ *layout, u *unit) error {
		u.adopt(keys...)
		return nil
	})
}

// Owned implements chat.Erasing.
func (r rooms) Owned(ctx context.Context, identifier string) ([]string, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	ids, _, err := l.core.Owned(ctx, r.at, identifier)
	return ids, err
}

// EraseUser implements chat.Erasing.
func (r rooms) EraseUser(ctx context.Context, identifier string, w chat.Write) (gone chat.Traces, err error) {
	err = r.write(ctx, func(l *layout, u *unit) error {
		gone = chat.Traces{}
		who := ""
		// Whoever gives the user a thread holds their row.
		if err := u.Run(ctx, sqlcore.Query{SQL: `SELECT "id" FROM users WHERE "identifier"=? FOR UPDATE`, Args: []any{identifier}, Each: func(row sqlcore.Row) error {
			who, _ = row.Text(0)
			gone.Users = 1
			return nil
		}}); err != nil {
			return err
		}
		ids, _, err := l.core.Owned(ctx, u, identifier)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return chat.StillOwns()
		}
		const named = ` FROM varve_tombstone WHERE user_identifier=? OR user_id<>'' AND user_id=?`
		if err := u.Run(ctx, sqlcore.Query{SQL: `SELECT count(*)` + named, Args: []any{identifier, who}, Each: func(r sqlcore.Row) error {
			gone.Tombstones = int(r.(row).number(0))
			return nil
		}}); err != nil {
			return err
		}
		u.do(`UPDATE varve_tombstone SET user_id=NULL,user_identifier=NULL WHERE user_identifier=? OR user_id<>'' AND user_id=?`, identifier, who)
		if gone.Users > 0 {
			u.do(`DELETE FROM users WHERE "identifier"=?`, identifier)
			u.note("users", who, change.Delete, w)
		}
		return nil
	})
	return gone, err
}

// remains is what is left of rows that were deleted.
var remains = []string{
	"dead rows in the server's files, until it purges them and gives their pages to others (OPTIMIZE TABLE writes a table anew)",
	"the server's redo, undo and binary logs, its query logs, replicas that lag",
	"backups and snapshots of the database",
}

// Scrub implements store.Scrubber: what deleted rows leave is the server's.
func (s *Store) Scrub(context.Context) (done, beyond []string, err error) {
	return nil, slices.Clone(remains), nil
}
