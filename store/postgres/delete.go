package postgres

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// deletes are the statements that remove. Their parameters are the id, the
// thread it must be of ("" for any) and the actor; their answer is how many
// rows went, and the keys of bytes that went with them where there is no table
// to remember those.
type deletes struct {
	thread, step, element, feedback string
}

func (l *layout) deletes() deletes {
	if l.official {
		return l.officialDeletes()
	}
	return deletes{thread: l.deleteThread(), step: l.deleteStep(), element: l.deleteElement(), feedback: l.deleteFeedback()}
}

// mine selects the row to delete, if the actor may. To an actor another's row
// is not there.
func (l *layout) mine(table, columns string) string {
	return fmt.Sprintf(`SELECT %[1]s FROM %[2]s x LEFT JOIN %[3]s t ON t."id"=x."threadId"
  WHERE x."id"=%[4]s AND (%[5]s::text='' OR x."threadId"::text=%[5]s::text) AND NOT (%[6]s)`,
		columns, l.table(table), l.table("threads"), pID, pThread, theirs(l.owner("t")))
}

// lost is a part of a statement that remembers the bytes of elements.
func (l *layout) lost(taken string) string {
	if !l.mended() {
		return ""
	}
	return fmt.Sprintf(",\nlost AS (%s)", l.orphan(taken))
}

// keys is the part of an answer that lists the bytes of elements, except those
// that another element has too.
func (l *layout) keys(taken string) string {
	if l.mended() {
		return "'{}'::text[]"
	}
	return fmt.Sprintf(`(SELECT array_agg(x."objectKey"::text) FROM %[1]s x WHERE x."objectKey"<>'' AND NOT EXISTS (
  SELECT FROM %[2]s e WHERE e."objectKey"=x."objectKey" AND e."id" NOT IN (SELECT y."id" FROM %[1]s y)))`, taken, l.table("elements"))
}

func (l *layout) deleteElement() string {
	return fmt.Sprintf(`WITH mine AS MATERIALIZED (%s),
gone AS (DELETE FROM %s e USING mine WHERE e."id"=mine."id" RETURNING e."id",e."objectKey")%s
SELECT count(*),%s FROM gone`, l.mine("elements", `x."id"`), l.table("elements"), l.lost("gone"), l.keys("gone"))
}

// deleteStep takes the steps under it along, which are of the same thread.
func (l *layout) deleteStep() string {
	return fmt.Sprintf(`WITH RECURSIVE tree AS (%s
  UNION SELECT c."id",c."threadId" FROM %[2]s c JOIN tree ON c."parentId"=tree."id" AND c."threadId"=tree."threadId"),
torn AS (DELETE FROM %[3]s e USING tree WHERE e."forId"=tree."id" AND e."threadId"=tree."threadId" RETURNING e."id",e."objectKey"),
mute AS (DELETE FROM %[4]s f USING tree WHERE f."forId"=tree."id"),
gone AS (DELETE FROM %[2]s s USING tree WHERE s."id"=tree."id" RETURNING 1)%[5]s
SELECT count(*),%[6]s FROM gone`, l.mine("steps", `x."id",x."threadId"`), l.table("steps"), l.table("elements"), l.table("feedbacks"), l.lost("torn"), l.keys("torn"))
}

// deleteFeedback takes all rows of the step, so that none of another writer
// shows from under it.
func (l *layout) deleteFeedback() string {
	return fmt.Sprintf(`WITH mine AS MATERIALIZED (SELECT x."forId" FROM %[1]s x LEFT JOIN %[2]s t ON t."id"=x."threadId" WHERE x."id"=%[3]s AND (true OR %[4]s::text='') AND NOT (%[5]s)),
gone AS (DELETE FROM %[1]s f USING mine WHERE f."forId"=mine."forId" RETURNING 1)
SELECT count(*),'{}'::text[] FROM gone`, l.table("feedbacks"), l.table("threads"), pID, pThread, theirs(l.owner("t")))
}

// tomb is a part of a statement that leaves a tombstone for "doomed".
// Parameter 4 is its time.
func (l *layout) tomb() string {
	if !l.mended() {
		return ""
	}
	return fmt.Sprintf(`,
tomb AS (INSERT INTO %s (thread,user_id,user_identifier,last_activity,at) SELECT d."id"::text,d."userId"::text,d.owner,d.%s,$4::timestamptz FROM doomed d
  ON CONFLICT (thread) DO UPDATE SET user_id=EXCLUDED.user_id,user_identifier=EXCLUDED.user_identifier,last_activity=EXCLUDED.last_activity,at=EXCLUDED.at)`,
		l.varve("varve_tombstone"), sqlcore.ActivityColumn)
}

// deleteThread does not rely on foreign keys, which older databases lack.
func (l *layout) deleteThread() string {
	return fmt.Sprintf(`WITH doomed AS MATERIALIZED (SELECT t.*, %[1]s AS owner FROM %[2]s t WHERE t."id"=%[3]s AND (true OR %[4]s::text='' OR $4::timestamptz IS NULL) AND `+ended(`t."id"`)+` AND NOT (%[5]s)),
votes AS MATERIALIZED (SELECT f."id" FROM %[6]s f JOIN doomed d ON f."threadId"=d."id" UNION
  SELECT f."id" FROM doomed d JOIN %[7]s s ON s."threadId"=d."id" JOIN %[6]s f ON f."forId"=s."id"),
mute AS (DELETE FROM %[6]s f USING votes v WHERE f."id"=v."id"),
torn AS (DELETE FROM %[8]s e USING doomed d WHERE e."threadId"=d."id" RETURNING e."id",e."objectKey"),
cut AS (DELETE FROM %[7]s s USING doomed d WHERE s."threadId"=d."id"),
gone AS (DELETE FROM %[2]s t USING doomed d WHERE t."id"=d."id" RETURNING 1)%[9]s%[10]s
SELECT count(*),%[11]s FROM gone`, l.owner("t"), l.table("threads"), pID, pThread, theirs(l.owner("t")),
		l.table("feedbacks"), l.table("steps"), l.table("elements"), l.tomb(), l.lost("torn"), l.keys("torn"))
}

// remove runs a statement that deletes one thing, after others of the same
// transaction; again where the server gave it up for another's sake.
func (l *layout) remove(ctx context.Context, at access, field string, q sqlcore.Query, before ...sqlcore.Query) error {
	rows := 0
	var keys []string
	q.Each = func(r sqlcore.Row) error {
		rows = number(r, 0)
		sqlcore.Decode(&keys, r.(row).text(1))
		return nil
	}
	err := at.write(ctx, append(before, q)...)
	for try := 1; try < tries && code(err) == "40P01" && alone(at); try++ {
		err = at.write(ctx, append(before, q)...)
	}
	if err != nil {
		return err
	}
	if rows == 0 {
		return chat.Missing(field, q.Args[0].(string))
	}
	at.after(func() { l.memory.orphan(keys...) })
	return nil
}

// DeleteThread implements chat.Threads.
func (r rooms) DeleteThread(ctx context.Context, id string, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	if !l.core.Holds(l.found.Threads, "id", id) {
		return chat.Missing("threadId", id)
	}
	var dead chat.Head
	if !l.mended() {
		if dead, err = l.core.Head(ctx, r.at, id); err != nil {
			return err
		}
	}
	err = l.remove(ctx, r.at, "threadId", sqlcore.Query{SQL: l.sql.del.thread, Args: []any{id, "", w.Actor, w.Now}}, l.ending(id)...)
	if err == nil && !l.mended() {
		r.at.after(func() { l.memory.bury(dead, w.Now) })
	}
	return err
}

// DeleteStep implements chat.Steps.
func (r rooms) DeleteStep(ctx context.Context, ref chat.Ref, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	return l.removeRef(ctx, r.at, l.found.Steps, l.sql.del.step, ref, w)
}

// DeleteElement implements chat.Elements.
func (r rooms) DeleteElement(ctx context.Context, ref chat.Ref, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	return l.removeRef(ctx, r.at, l.found.Elements, l.sql.del.element, ref, w)
}

// DeleteFeedback implements chat.Feedbacks.
func (r rooms) DeleteFeedback(ctx context.Context, ref chat.Ref, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	return l.removeRef(ctx, r.at, l.found.Feedbacks, l.sql.del.feedback, ref, w)
}

func (l *layout) removeRef(ctx context.Context, at access, t sqlcore.Table, sql string, ref chat.Ref, w chat.Write) error {
	if !l.core.Holds(t, "id", ref.ID) {
		return chat.Missing("id", ref.ID)
	}
	return l.remove(ctx, at, "id", sqlcore.Query{SQL: sql, Args: []any{ref.ID, ref.ThreadID, w.Actor}})
}
