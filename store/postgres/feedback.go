package postgres

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// feedbackWrite is the statement for ApplyFeedback; pID is the step. A step may
// have several rows of other writers: the newest is the one that readers show
// and that keeps its id, and the others go.
func (l *layout) feedbackWrite() string {
	if l.official {
		return l.officialFeedback()
	}
	column := func(name string) sqlcore.Column {
		c, _ := l.found.Feedbacks.Column(name)
		return c
	}
	table := l.table("feedbacks")
	id, value := cast("$6", column("id")), cast("$7", column("value"))
	before := fmt.Sprintf(`mine AS MATERIALIZED (SELECT "threadId" FROM %[1]s WHERE "id"=%[2]s),
prior AS MATERIALIZED (SELECT "id" FROM %[3]s WHERE "forId"=%[2]s ORDER BY ctid DESC LIMIT 1),
taken AS MATERIALIZED (SELECT 1 FROM %[3]s WHERE "id"=%[4]s AND NOT EXISTS (SELECT FROM prior))`,
		l.table("steps"), pID, table, id)
	columns, values := `"id","forId","threadId","value","comment"`, fmt.Sprintf(`%s,%s,ready.id,%s,$8::text`, id, cast(pID, column("forId")), value)
	for _, c := range sqlcore.Map(l.found.Feedbacks, feedbackFields()).Fill {
		columns += "," + sqlcore.Quote(c.Name)
		values += "," + zero(c)
	}
	return l.gate(before, fmt.Sprintf(`coalesce((SELECT "threadId"::text FROM mine),nullif(%s::text,''))`, pThread), "NOT EXISTS (SELECT FROM taken)") +
		fmt.Sprintf(`,
others AS (DELETE FROM %[1]s f USING ready WHERE f."forId"=%[2]s AND f."id"<>(SELECT "id" FROM prior)),
changed AS (UPDATE %[1]s f SET "value"=%[3]s,"comment"=$8::text,"threadId"=ready.id FROM ready WHERE f."id"=(SELECT "id" FROM prior) RETURNING f."id"),
fresh AS (INSERT INTO %[1]s (%[4]s) SELECT %[5]s FROM ready WHERE NOT EXISTS (SELECT FROM prior) ON CONFLICT ("id") DO NOTHING RETURNING "id"),
written AS (SELECT "id" FROM changed UNION ALL SELECT "id" FROM fresh)
SELECT %[6]s, (SELECT id FROM whose) IS NULL, EXISTS (SELECT FROM taken), (SELECT "id" FROM written)`,
			table, pID, value, columns, values, verdict)
}

func feedbackFields() []chat.Field[chat.Feedback] {
	var fields []chat.Field[chat.Feedback]
	for _, key := range []string{"id", "forId", "threadId", "value", "comment"} {
		fields = append(fields, chat.Field[chat.Feedback]{Key: key})
	}
	return fields
}

// turns makes those who write about one id take turns where a statement alone
// does not: two first verdicts on a step become one row, for which no table of
// Chainlit's has a constraint.
const turns = `SELECT pg_advisory_xact_lock(hashtextextended('varve.'||$1::text,0))`

// ApplyFeedback implements chat.Feedbacks.
func (r rooms) ApplyFeedback(ctx context.Context, f chat.Feedback, w chat.Write) (string, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range []struct{ column, value string }{{"id", f.ID}, {"forId", f.ForID}, {"threadId", f.ThreadID}} {
		if err := l.holds(l.found.Feedbacks, id.column, id.value); err != nil {
			return "", err
		}
	}
	var comment any
	if f.Comment != nil {
		comment = *f.Comment
	}
	g := gated{l: l, by: w, thread: f.ThreadID,
		before: []sqlcore.Query{{SQL: turns, Args: []any{f.ForID}}},
		Query:  sqlcore.Query{SQL: l.sql.feedback, Args: append(common(f.ForID, f.ThreadID, w), f.ID, f.Value, comment)},
		refuse: func(o outcome) error {
			switch {
			case o.row.flag(0):
				return errs.Field(errs.NotFound, "forId", "there is no step %q; give threadId for a step that is not stored yet", f.ForID)
			case o.row.flag(1) && !o.dead && !o.barred:
				return errs.Field(errs.Conflict, "id", "feedback %q belongs to another step", f.ID)
			}
			return nil
		}}
	o, err := g.pass(ctx, r.at)
	if err != nil {
		return "", err
	}
	return o.row.text(2), nil
}
