package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Parameters of a thread's patch, after the common ones, of which pThread is
// the user it is given to.
const (
	pName   = "$6"  // NULL keeps
	pTags   = "$7"  // NULL keeps
	pMeta   = "$8"  // keys to set, an object
	pDrop   = "$9"  // keys to remove
	pNaming = "$10" // the name in the metadata, for a nameless thread
	pFold   = "$11" // searchable forms of both names
	pFold2  = "$12"
)

// threadRow is what ApplyThread writes where: into a new row, and over an old
// one called t.
type threadRow struct {
	columns, values, sets string
	owner                 string // the identifier of the owner of t
	also                  string // a condition for the write
}

// documentedThread is what threadWrite puts into the documented table.
func (l *layout) documentedThread() threadRow {
	column := func(name string) sqlcore.Column {
		c, _ := l.found.Threads.Column(name)
		return c
	}
	tags := cast(pTags, column("tags"))
	r := threadRow{
		columns: `"id","createdAt","name","userId","userIdentifier","tags","metadata"`,
		values: fmt.Sprintf(`%s,%s,coalesce(%s::text,%s::text),(SELECT "id" FROM usr),(SELECT "identifier" FROM usr),%s,%s`,
			cast(pID, column("id")), cast(pNow+"::text", column("createdAt")), pName, pNaming, tags, cast(pMeta, column("metadata"))),
		sets: fmt.Sprintf(`"userId"=coalesce((SELECT "id" FROM usr),t."userId"),"userIdentifier"=coalesce((SELECT "identifier" FROM usr),t."userIdentifier"),"tags"=coalesce(%s,t."tags")`,
			tags),
		owner: `t."userIdentifier"`,
	}
	for _, c := range l.core.ThreadMap.Fill {
		r.columns += "," + sqlcore.Quote(c.Name)
		r.values += "," + zero(c)
	}
	return r
}

// threadWrite is the statement for ApplyThread. It has the shape of a gate, but
// the thread is the row that is written. The user is held, so that nobody is
// erased meanwhile, with a lock that the server does not lose: see gate.
func (l *layout) threadWrite() string {
	r := l.documentedThread
	if l.official {
		r = l.officialThread
	}
	return l.threadSQL(r())
}

func (l *layout) threadSQL(r threadRow) string {
	id, _ := l.found.Threads.Column("id")
	uid, _ := l.found.Threads.Column("userId")
	meta, _ := l.found.Threads.Column("metadata")
	r.sets += fmt.Sprintf(`,"name"=CASE WHEN %[1]s::text IS NOT NULL THEN %[1]s::text WHEN coalesce(t."name",'')='' THEN coalesce(%[2]s::text,t."name") ELSE t."name" END,"metadata"=%[3]s`,
		pName, pNaming, l.merged(meta))
	folds := fmt.Sprintf("%s::text IS NULL AND %s::text IS NULL", pFold, pFold2) // every parameter needs a type
	if l.found.Threads.Has(foldColumn) {
		r.columns += "," + foldColumn
		r.values += fmt.Sprintf(`,CASE WHEN %s::text IS NOT NULL THEN %s::text ELSE %s::text END`, pName, pFold, pFold2)
		r.sets += fmt.Sprintf(`,%s=CASE WHEN %s::text IS NOT NULL THEN %s::text WHEN coalesce(t."name",'')='' AND %s::text IS NOT NULL THEN %s::text ELSE t.%[1]s END`,
			foldColumn, pName, pFold, pNaming, pFold2)
		folds = "true"
	}
	return fmt.Sprintf(`WITH usr AS MATERIALIZED (SELECT "id","identifier" FROM %[1]s u WHERE "id"=nullif(%[2]s,'')::%[3]s FOR SHARE OF u),
seen AS MATERIALIZED (SELECT %[4]s AS owner FROM %[5]s t WHERE t."id"=%[6]s),
dead AS MATERIALIZED (%[7]s),
barred AS MATERIALIZED (SELECT 1 FROM seen WHERE %[8]s UNION ALL SELECT 1 FROM usr WHERE %[9]s),
open AS MATERIALIZED (SELECT %[6]s AS id WHERE NOT EXISTS (SELECT FROM dead) AND NOT EXISTS (SELECT FROM barred) AND (%[2]s='' OR EXISTS (SELECT FROM usr)) AND (true OR %[15]s)),
made AS (INSERT INTO %[17]s (%[10]s) SELECT %[11]s FROM open WHERE NOT EXISTS (SELECT FROM seen)%[19]s ON CONFLICT ("id") DO NOTHING RETURNING 1),
changed AS (UPDATE %[17]s t SET %[12]s FROM open WHERE t."id"=%[6]s AND EXISTS (SELECT FROM seen) AND %[13]s AND NOT (%[14]s)%[18]s RETURNING 1),
written AS (SELECT FROM made UNION ALL SELECT FROM changed)
SELECT %[16]s, %[2]s<>'' AND NOT EXISTS (SELECT FROM usr)`,
		l.table("users"), pThread+"::text", uid.Type, l.owner("t"), l.table("threads"), cast(pID, id),
		l.dead(pID+"::text"), theirs("owner"), theirs(`"identifier"`),
		r.columns, r.values, r.sets, l.mergeable(meta), theirs(r.owner), folds, verdict, l.target("threads"), r.also, l.announced("open.id"))
}

// merged lays the keys of a patch over the stored object.
func (l *layout) merged(c sqlcore.Column) string {
	if c.Kind != sqlcore.JSON {
		return cast(pMeta, c) // merged in Go already
	}
	return fmt.Sprintf(`((CASE WHEN jsonb_typeof(t."metadata"::jsonb)='object' THEN t."metadata"::jsonb ELSE '{}' END||%s::jsonb)-%s::text[])::%s`, pMeta, pDrop, c.Type)
}

// mergeable tells whether the server can merge: it cannot where an object was
// encoded twice. Then the caller merges.
func (l *layout) mergeable(c sqlcore.Column) string {
	if c.Kind != sqlcore.JSON {
		return fmt.Sprintf("(true OR %s::text[] IS NULL)", pDrop)
	}
	return `(t."metadata" IS NULL OR jsonb_typeof(t."metadata"::jsonb) NOT IN ('string','array'))`
}

// ApplyThread implements chat.Threads.
func (r rooms) ApplyThread(ctx context.Context, p chat.ThreadPatch, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	if err := l.holds(l.found.Threads, "id", p.ID); err != nil {
		return err
	}
	if !l.core.Holds(l.found.Threads, "userId", p.UserID) && p.UserID != "" {
		return noUser(p.UserID)
	}
	if meta, _ := l.found.Threads.Column("metadata"); meta.Kind != sqlcore.JSON {
		return r.mergeThread(ctx, l, p, w)
	}
	err = l.patch(ctx, r.at, p, w, nil)
	if errs.KindOf(err) == errs.Unavailable && code(err) == "" && ctx.Err() == nil {
		return r.mergeThread(ctx, l, p, w) // what is stored is no object
	}
	return err
}

// noUser is the refusal of a thread for a user that there is not.
func noUser(id string) error {
	return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", id)
}

// patch runs the statement. whole, when given, takes the place of the stored
// metadata.
func (l *layout) patch(ctx context.Context, at access, p chat.ThreadPatch, w chat.Write, whole chat.Object) error {
	set, drop := chat.Object{}, []string{}
	for key, value := range p.Metadata {
		if value == nil {
			drop = append(drop, key)
		} else {
			set[key] = value
		}
	}
	if whole != nil {
		set = whole
	}
	raw, err := json.Marshal(set)
	if err != nil {
		return errs.Field(errs.Invalid, "metadata", "cannot be written as JSON")
	}
	args := append(common(p.ID, p.UserID, w), nil, nil, string(raw), drop, nil, nil, nil)
	if p.Name != nil {
		args[5], args[10] = *p.Name, fold(*p.Name)
	}
	if p.Tags != nil {
		tags, _ := l.found.Threads.Column("tags")
		args[6] = sqlcore.Encode(&p.Tags, tags)
	}
	if name, ok := p.Metadata["name"].(string); ok {
		args[9], args[11] = name, fold(name)
	}
	g := gated{l: l, by: w, thread: p.ID, Query: sqlcore.Query{SQL: l.sql.thread, Args: args}, refuse: func(o outcome) error {
		if o.row.flag(0) {
			return noUser(p.UserID)
		}
		return nil
	}}
	_, err = g.pass(ctx, at)
	return err
}

// mergeThread is ApplyThread where the server cannot merge: the metadata is
// text, or an object encoded twice.
func (r rooms) mergeThread(ctx context.Context, l *layout, p chat.ThreadPatch, w chat.Write) error {
	return r.at.atomic(ctx, func(at access) error {
		if err := at.write(ctx, sqlcore.Query{SQL: turns, Args: []any{p.ID}}); err != nil {
			return err
		}
		whole := chat.Object{}
		q := sqlcore.Query{SQL: fmt.Sprintf(`SELECT "metadata" FROM %s WHERE "id"=$1 FOR UPDATE`, l.target("threads")), Args: []any{p.ID},
			Each: func(r sqlcore.Row) error {
				text, _ := r.Text(0)
				whole = sqlcore.Object(text)
				return nil
			}}
		if err := at.write(ctx, q); err != nil {
			return err
		}
		whole = chat.MergeMetadata(whole, p.Metadata)
		if meta, _ := l.found.Threads.Column("metadata"); meta.Kind == sqlcore.JSON {
			clear := sqlcore.Query{SQL: fmt.Sprintf(`UPDATE %s SET "metadata"='{}' WHERE "id"=$1 AND NOT (%s)`,
				l.target("threads")+" t", l.mergeable(meta)), Args: []any{p.ID}}
			if err := at.write(ctx, clear); err != nil {
				return err
			}
		}
		return l.patch(ctx, at, p, w, whole)
	})
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
	if !missing(err) {
		return h, err
	}
	if !l.mended() {
		if dead, ok := l.memory.head(id); ok {
			return dead, nil
		}
		return h, err
	}
	q := sqlcore.Query{SQL: `SELECT coalesce(user_id,''),coalesce(user_identifier,''),last_activity FROM ` + l.varve("varve_tombstone") + ` WHERE thread=$1`,
		Args: []any{id}, Each: func(r sqlcore.Row) error {
			got := r.(row)
			h = chat.Head{ID: id, UserID: got.text(0), UserIdentifier: got.text(1), LastActivity: got.text(2), Deleted: true}
			err = nil
			return nil
		}}
	if failed := r.at.Run(ctx, q); failed != nil {
		return chat.Head{}, failed
	}
	return h, err
}

func missing(err error) bool { return errs.KindOf(err) == errs.NotFound }

// Threads implements chat.Threads.
func (r rooms) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	search, err := l.search(ctx, r.at, q.ThreadFilter)
	if err != nil {
		return nil, err
	}
	at := r.at
	if search != nil {
		at = at.once()
	}
	threads, err := l.core.Threads(ctx, at, q, search)
	return slices.Clip(threads), err
}
