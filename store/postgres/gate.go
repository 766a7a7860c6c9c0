package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// gate is the beginning of every write to a thread: it finds the thread, checks
// tombstone and owner, makes the thread when it is missing, and leaves its id
// in "ready" when the write may go on. whose is the expression for the
// thread's id, and also a further condition for the write; both may use what
// before defines.
//
// A thread that this statement saw is held and not made, and one that it makes
// it did not see. If another transaction deletes or makes it meanwhile, neither
// happens, "ready" is empty, and the caller asks again with fresh eyes: so a
// late write does not resurrect a thread, and two first writes make one.
//
// The thread is held in the way of one who changes it, so that those who write
// to one thread take turns. FOR KEY SHARE, which foreign keys use and which would
// let them in together, is not enough: the server loses such a lock that is
// taken while another transaction changes the row and looks for room on another
// page, and then a deletion does not wait for the write.
func (l *layout) gate(before, whose, also string) string {
	id, _ := l.found.Threads.Column("id")
	if also == "" {
		also = "true"
	}
	sql := "WITH "
	if before != "" {
		sql += before + ", "
	}
	return sql + fmt.Sprintf(`whose AS MATERIALIZED (SELECT (%[1]s)::%[2]s AS id),
seen AS MATERIALIZED (SELECT t."id", %[3]s AS owner FROM whose, %[4]s t WHERE t."id"=whose.id),
dead AS MATERIALIZED (%[5]s),
barred AS MATERIALIZED (SELECT 1 FROM seen WHERE %[6]s),
open AS MATERIALIZED (SELECT id FROM whose WHERE id IS NOT NULL AND NOT EXISTS (SELECT FROM dead) AND NOT EXISTS (SELECT FROM barred) AND %[7]s),
made AS (%[8]s),
held AS (SELECT t."id" FROM %[4]s t WHERE t."id"=(SELECT id FROM open) AND EXISTS (SELECT FROM seen) FOR NO KEY UPDATE OF t),
ready AS MATERIALIZED (SELECT "id" AS id FROM made UNION ALL SELECT "id" FROM held)`,
		whose, id.Type, l.owner("t"), l.table("threads"), l.dead("(SELECT id::text FROM whose)"), theirs("owner"), also, l.birth())
}

// birth makes a thread that was not there, with nothing but its time.
func (l *layout) birth() string {
	if l.official {
		return l.officialBirth()
	}
	created, _ := l.found.Threads.Column("createdAt")
	meta, _ := l.found.Threads.Column("metadata")
	columns, values := `"id","createdAt","metadata"`, fmt.Sprintf("id,%s,%s", cast(pNow+"::text", created), cast("'{}'", meta))
	for _, c := range l.core.ThreadMap.Fill {
		columns += "," + sqlcore.Quote(c.Name)
		values += "," + zero(c)
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM open WHERE NOT EXISTS (SELECT FROM seen)%s ON CONFLICT ("id") DO NOTHING RETURNING "id"`,
		l.table("threads"), columns, values, l.announced("open.id"))
}

// announced is a further condition for making a thread: that [layout.making] was
// called for it in this transaction. Without it the thread could have been made
// and deleted again since the statement began to look, and would be made anew in
// spite of its tombstone.
func (l *layout) announced(id string) string {
	if !l.mended() {
		return "" // there is no tombstone to see
	}
	return fmt.Sprintf(` AND current_setting('varve.making',true)=(%s)::text`, id)
}

// making is the statement that goes before one that makes a thread: from here
// to the end of the transaction nobody deletes the thread.
func (l *layout) making(id string) sqlcore.Query {
	return sqlcore.Query{SQL: `SELECT pg_advisory_xact_lock_shared(` + threadLock + `),set_config('varve.making',$1::text,true)`, Args: []any{id}}
}

// ending are the statements that go before the one that deletes a thread: they
// wait for whoever makes the thread or writes to it, and keep others from it. A
// thread that they did not find is not deleted, since its writers were not waited
// for, and the deletion would not see what they are writing.
func (l *layout) ending(id string) []sqlcore.Query {
	return []sqlcore.Query{
		{SQL: `SELECT pg_advisory_xact_lock(` + threadLock + `)`, Args: []any{id}},
		{SQL: fmt.Sprintf(`SELECT set_config('varve.ending',coalesce((SELECT "id"::text FROM %s WHERE "id"=$1 FOR UPDATE),''),true)`, l.target("threads")), Args: []any{id}},
	}
}

// ended is the condition that ending found a thread.
func ended(id string) string { return id + `::text=current_setting('varve.ending',true)` }

// threadLock is the advisory lock of the thread whose id is the first parameter.
const threadLock = `hashtextextended('varve.thread.'||$1::text,0)`

// verdict is the answer of a statement that began with a gate: was the row
// written, is the thread dead, is it another's, which is it if it has to be made.
const verdict = `(SELECT count(*) FROM written)>0, EXISTS (SELECT FROM dead), EXISTS (SELECT FROM barred), (SELECT id::text FROM open WHERE NOT EXISTS (SELECT FROM seen))`

// owner is the identifier of a thread's owner. Rows made by hand may lack it.
func (l *layout) owner(t string) string {
	return fmt.Sprintf(`coalesce(%[1]s."userIdentifier", (SELECT u."identifier" FROM %[2]s u WHERE u."id"=%[1]s."userId"))`, t, l.table("users"))
}

// dead selects a row when a thread's tombstone stands.
func (l *layout) dead(id string) string {
	sql := fmt.Sprintf(`SELECT 1 WHERE %s::text IS NULL`, pDead)
	if l.mended() {
		sql = fmt.Sprintf(`SELECT 1 FROM %s d WHERE d.thread=%s AND d.at>%s::timestamptz`, l.varve("varve_tombstone"), id, pDead)
	}
	if l.official {
		sql += l.marked(id)
	}
	return sql
}

// theirs tells whether an owner is somebody else than the actor.
func theirs(owner string) string {
	return fmt.Sprintf(`%[1]s::text<>'' AND coalesce(%[2]s,'') NOT IN ('',%[1]s::text)`, pActor, owner)
}

// outcome is what a gated statement answered.
type outcome struct {
	written, dead, barred bool
	absent                string // the thread, if it has to be made
	row                   row    // what comes after the verdict
}

func (o *outcome) read(r sqlcore.Row) error {
	got := r.(row)
	o.written, o.dead, o.barred, o.absent = got.flag(0), got.flag(1), got.flag(2), got.text(3)
	o.row = make(row, len(got)-4)
	for i := range o.row {
		if got[i+4] != nil {
			o.row[i] = append([]byte{}, got[i+4]...)
		}
	}
	return nil
}

// races is how often a write is tried that another transaction keeps getting
// ahead of. Each time somebody else's write succeeded.
const races = 20

// gated is a statement that begins with a gate.
type gated struct {
	sqlcore.Query
	l      *layout
	by     chat.Write
	thread string              // what a refusal names
	before []sqlcore.Query     // statements of the same transaction that go ahead
	refuse func(outcome) error // further refusals, asked first
}

// errTheirs is the refusal of a write to another's thread, in the words that
// every store uses.
var errTheirs = chat.Allow("somebody", "somebody else", "")

// pass runs a gated statement until it has a verdict.
func (g gated) pass(ctx context.Context, at access) (outcome, error) {
	if !g.l.mended() && g.l.memory.dead(g.thread, g.by.Now) {
		return outcome{}, chat.Deleted(g.thread)
	}
	before := slices.Clip(g.before)
	for range races {
		var o outcome
		g.Each = o.read
		if err := at.write(ctx, append(before, g.Query)...); err != nil {
			// A thread can go between the look and the check of the foreign key, and
			// two writers can each wait for the other's placeholder. A transaction
			// around this holds what the other waits for, so it must start anew.
			if c := code(err); c == "23503" || (c == "40P01" && alone(at)) {
				continue
			}
			return o, err
		}
		if g.refuse != nil {
			if err := g.refuse(o); err != nil {
				return o, err
			}
		}
		switch {
		case o.dead:
			return o, chat.Deleted(g.thread)
		case o.barred:
			return o, errTheirs
		case o.written:
			return o, nil
		case o.absent != "" && g.l.mended():
			before = append(slices.Clip(g.before), g.l.making(o.absent))
		}
	}
	return outcome{}, errs.Field(errs.Unavailable, "threadId", "other writes to the thread came first %d times; try again", races)
}
