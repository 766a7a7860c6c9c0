package postgres

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/store/internal/sqlcore"
)

// officialUser is the statement for PutUser on the official tables. Like the
// official layer it leaves "updatedAt" alone.
func (l *layout) officialUser() string {
	columns, values := l.made(l.stored.Users, "$4", `"id"`, `"identifier"`, `"metadata"`)
	return fmt.Sprintf(`INSERT INTO %s AS a ("id","identifier","metadata"%s) VALUES ($1::text,$2::text,$3::jsonb%s)
  ON CONFLICT ("identifier") DO UPDATE SET "metadata"=EXCLUDED."metadata" RETURNING "id",%s`,
		l.target("users"), columns, values, born(l.stored.Users, "a"))
}

// made are the columns of a new user or thread that tell its creation, and
// those that somebody added, behind the ones that are named.
func (l *layout) made(t sqlcore.Table, at string, named ...string) (columns, values string) {
	columns, values = `,"createdAt","updatedAt"`, ","+millis(at)+","+millis(at)
	if t.Has(createdColumn) {
		columns += "," + createdColumn
		values += "," + at + "::text"
	}
	fill, zeros := fills(t, append(named, strings.Split(columns[1:], ",")...))
	return columns + fill, values + zeros
}

// officialBirth makes a thread that was not there, with nothing but its time.
// Its tags are NULL, which tells "none" from "never given any".
func (l *layout) officialBirth() string {
	columns, values := l.made(l.stored.Threads, pNow, `"id"`, `"metadata"`, `"tags"`)
	return fmt.Sprintf(`INSERT INTO %s ("id","metadata","tags"%s) SELECT id,'{}',NULL%s FROM open WHERE NOT EXISTS (SELECT FROM seen)%s ON CONFLICT ("id") DO NOTHING RETURNING "id"`,
		l.target("threads"), columns, values, l.announced("open.id"))
}

// officialThread is what threadWrite puts where. The triggers of a mended
// database keep "updatedAt" at the last activity, by which the official layer
// lists; without them every change of the thread counts, as in that layer.
func (l *layout) officialThread() threadRow {
	columns, values := l.made(l.stored.Threads, pNow, `"id"`, `"name"`, `"userId"`, `"tags"`, `"metadata"`)
	r := threadRow{
		columns: `"id","name","userId","tags","metadata"` + columns,
		values:  fmt.Sprintf(`%s::text,coalesce(%s::text,%s::text),(SELECT "id" FROM usr),%s::text[],%s::jsonb`, pID, pName, pNaming, pTags, pMeta) + values,
		sets:    fmt.Sprintf(`"userId"=coalesce((SELECT "id" FROM usr),t."userId"),"tags"=coalesce(%s::text[],t."tags")`, pTags),
		owner:   l.ownerOf("t"),
		also:    ` AND t."deletedAt" IS NULL`,
	}
	if !l.mended() {
		r.sets += `,"updatedAt"=` + millis(pNow)
	}
	return r
}

// marked selects a row when a thread is marked as deleted, by whoever did it.
func (l *layout) marked(id string) string {
	return fmt.Sprintf(` UNION ALL SELECT 1 FROM %s m WHERE m."id"=%s AND m."deletedAt" IS NOT NULL`, l.target("threads"), id)
}
