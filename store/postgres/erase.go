package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Expect implements chat.Orphans. The note is an orphan with a time that is to
// come, so that whatever adopts orphans adopts it.
func (r rooms) Expect(ctx context.Context, key string, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil || !l.mended() { // what is only in memory ends with what it is about
		return err
	}
	return r.at.write(ctx, sqlcore.Query{SQL: `INSERT INTO ` + l.varve("varve_orphan") + ` (key,at) VALUES ($1,$2::timestamptz)`,
		Args: []any{key, w.Now.Add(chat.UploadGrace)}})
}

// Orphans implements chat.Orphans. An orphan has the server's time, which may
// be ahead of the caller's.
func (r rooms) Orphans(ctx context.Context, now time.Time, limit int) ([]string, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	if !l.mended() {
		return l.memory.waiting(limit), nil
	}
	var keys []string
	err = r.at.Run(ctx, sqlcore.Query{SQL: `SELECT o.key FROM ` + l.varve("varve_orphan") + ` o WHERE o.at<=greatest($2::timestamptz,now())` +
		` AND NOT EXISTS (SELECT FROM ` + l.target("elements") + ` e WHERE e."objectKey"=o.key) GROUP BY o.key ORDER BY min(o.at),min(o.id) LIMIT $1`,
		Args: []any{limit, now},
		Each: func(got sqlcore.Row) error {
			key, _ := got.Text(0)
			keys = append(keys, key)
			return nil
		}})
	return keys, err
}

// Forget implements chat.Orphans.
func (r rooms) Forget(ctx context.Context, keys []string) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	if !l.mended() {
		r.at.after(func() { l.memory.adopt(keys...) })
		return nil
	}
	return r.at.write(ctx, sqlcore.Query{SQL: `DELETE FROM ` + l.varve("varve_orphan") + ` WHERE key=ANY($1::text[])`, Args: []any{keys}})
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
func (r rooms) EraseUser(ctx context.Context, identifier string, _ chat.Write) (gone chat.Traces, err error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return gone, err
	}
	err = r.at.atomic(ctx, func(at access) error {
		gone = chat.Traces{}
		// Whoever gives the user a thread holds their row: wait, then look.
		if err := at.Run(ctx, sqlcore.Query{SQL: fmt.Sprintf(`SELECT 1 FROM %s WHERE "identifier"=$1 FOR UPDATE`, l.target("users")), Args: []any{identifier}}); err != nil {
			return err
		}
		ids, u, err := l.core.Owned(ctx, at, identifier)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return chat.StillOwns()
		}
		if u.Identifier != "" {
			if err := l.eraseUser(ctx, at, u, &gone); err != nil {
				return err
			}
		}
		if !l.mended() {
			at.after(func() { l.memory.unname(identifier) })
			return nil
		}
		return at.write(ctx, sqlcore.Query{SQL: `WITH named AS (UPDATE ` + l.varve("varve_tombstone") + ` SET user_id=NULL,user_identifier=NULL` +
			` WHERE user_identifier=$1 OR user_id=nullif($2,'') RETURNING 1) SELECT count(*) FROM named`,
			Args: []any{identifier, u.ID}, Each: counted(&gone.Tombstones)})
	})
	return gone, err
}

func counted(n *int) func(sqlcore.Row) error {
	return func(r sqlcore.Row) error {
		*n = number(r, 0)
		return nil
	}
}

func (l *layout) eraseUser(ctx context.Context, at access, u chat.User, gone *chat.Traces) error {
	if l.official {
		if err := l.eraseMarked(ctx, at, u.ID, gone); err != nil {
			return err
		}
	}
	gone.Users = 1
	return at.write(ctx, sqlcore.Query{SQL: fmt.Sprintf(`DELETE FROM %s WHERE "identifier"=$1`, l.target("users")), Args: []any{u.Identifier}})
}

// eraseMarked deletes the threads of a user that another layer marked as
// deleted. No reader here shows them.
func (l *layout) eraseMarked(ctx context.Context, at access, userID string, gone *chat.Traces) error {
	var keys []string
	sql := fmt.Sprintf(`WITH doomed AS MATERIALIZED (SELECT "id" FROM %[1]s WHERE "userId"=$1 AND "deletedAt" IS NOT NULL),
mute AS (DELETE FROM %[2]s f USING %[3]s s, doomed d WHERE s."threadId"=d."id" AND f."stepId"=s."id"),
torn AS (DELETE FROM %[4]s e USING doomed d WHERE e."threadId"=d."id" RETURNING e."id",e."objectKey"),
cut AS (DELETE FROM %[3]s s USING doomed d WHERE s."threadId"=d."id"),
gone AS (DELETE FROM %[1]s t USING doomed d WHERE t."id"=d."id" RETURNING 1)%[5]s
SELECT count(*),%[6]s FROM gone`, l.target("threads"), l.target("feedbacks"), l.target("steps"), l.target("elements"), l.lost("torn"), l.keys("torn"))
	wait := sqlcore.Query{SQL: fmt.Sprintf(`SELECT 1 FROM %s WHERE "userId"=$1 AND "deletedAt" IS NOT NULL FOR UPDATE`, l.target("threads")), Args: []any{userID}}
	err := at.write(ctx, wait, sqlcore.Query{SQL: sql, Args: []any{userID}, Each: func(r sqlcore.Row) error {
		gone.Threads = number(r, 0)
		sqlcore.Decode(&keys, r.(row).text(1))
		return nil
	}})
	at.after(func() { l.memory.orphan(keys...) })
	return err
}

func (f *forgetful) unname(identifier string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, t := range f.tombs {
		if t.head.UserIdentifier == identifier {
			t.head.UserID, t.head.UserIdentifier = "", ""
			f.tombs[id] = t
		}
	}
}

// remains is what is left of rows that were deleted.
var remains = []string{
	"dead rows in the server's files, until VACUUM gives their places to others (VACUUM FULL writes the tables anew)",
	"the server's write-ahead log and archives of it, replicas that lag, logical replication slots, statement logs",
	"backups and snapshots of the database",
}

// officialRemains is what Chainlit's own layer leaves of threads that it deletes.
const officialRemains = `rows that Chainlit's official layer left behind when it deleted threads: feedback without "stepId" and steps without "threadId" name nobody`

// Scrub implements store.Scrubber: what deleted rows leave is the server's.
func (s *Store) Scrub(ctx context.Context) (done, beyond []string, err error) {
	beyond = slices.Clone(remains)
	if l, err := s.ready(ctx); err == nil && l.official {
		beyond = append(beyond, officialRemains)
	}
	return nil, beyond, nil
}
