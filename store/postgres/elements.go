package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// elementWrite is the statement for ApplyElement.
type elementWrite struct {
	*upsert[chat.Element]
	sql string
}

func (l *layout) elementWrite() elementWrite {
	if l.official {
		return elementWrite{upsert: &upsert[chat.Element]{m: l.core.ElementMap}, sql: l.officialElement()}
	}
	w := elementWrite{upsert: newUpsert(l.core.ElementMap, nil)}
	w.extra()
	key := w.number("objectKey") + "::text"
	before := fmt.Sprintf(`mine AS MATERIALIZED (SELECT "id","threadId","objectKey" FROM %s WHERE "id"=%s FOR UPDATE),
foreigner AS MATERIALIZED (SELECT 1 FROM mine WHERE "threadId"::text<>%s::text)`, l.table("elements"), pID, pThread)
	w.sql = l.gate(before, pThread+"::text", "NOT EXISTS (SELECT FROM foreigner)") +
		fmt.Sprintf(",\nwritten AS (%s)", w.insert(l.table("elements")))
	w.sql += l.replacing(key)
	w.sql += fmt.Sprintf("\nSELECT %s, EXISTS (SELECT FROM foreigner), (SELECT \"objectKey\" FROM mine)", verdict)
	return w
}

// replacing is a part of a statement that remembers bytes which a write put
// others in the place of, and keeps the new ones.
func (l *layout) replacing(key string) string {
	if !l.mended() {
		return ""
	}
	return fmt.Sprintf(`,
lost AS (%s),
kept AS (DELETE FROM %s o USING written WHERE o.key=coalesce(%s,(SELECT "objectKey" FROM mine)))`,
		l.orphan(fmt.Sprintf(`(SELECT mine.* FROM mine,written WHERE "objectKey"<>%s)`, key)), l.varve("varve_orphan"), key)
}

// orphan remembers the keys of elements that are taken away, unless another
// element has the same bytes.
func (l *layout) orphan(taken string) string {
	return fmt.Sprintf(`INSERT INTO %[1]s (key) SELECT x."objectKey" FROM %[2]s x WHERE x."objectKey"<>'' AND NOT EXISTS (
  SELECT FROM %[3]s e WHERE e."objectKey"=x."objectKey" AND e."id" NOT IN (SELECT y."id" FROM %[2]s y))`,
		l.varve("varve_orphan"), taken, l.table("elements"))
}

// elementArgs are the parameters of a patch.
func (l *layout) elementArgs(e chat.Element, by chat.Write) []any {
	if l.official {
		return l.officialElementArgs(e, by)
	}
	args := append(common(e.ID, e.ThreadID, by), l.sql.element.args(&e)...)
	if l.sql.element.m.Extra {
		args = append(args, optional(sqlcore.Extra(e.Extra)))
	}
	return args
}

// ApplyElement implements chat.Elements.
func (r rooms) ApplyElement(ctx context.Context, e chat.Element, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	for _, id := range []struct{ column, value string }{{"id", e.ID}, {"threadId", e.ThreadID}, {"forId", e.ForID}} {
		if err := l.holds(l.found.Elements, id.column, id.value); err != nil {
			return err
		}
	}
	l.leaveOut(e)
	g := gated{l: l, by: w, thread: e.ThreadID, Query: sqlcore.Query{SQL: l.sql.element.sql, Args: l.elementArgs(e, w)}, refuse: func(o outcome) error {
		if o.row.flag(0) {
			return chat.ForeignElement(e.ID)
		}
		return nil
	}}
	o, err := g.pass(ctx, r.at)
	if err == nil && !l.mended() {
		r.at.after(func() { l.replaced(o.row.text(1), e.ObjectKey) })
	}
	return err
}

// leaveOut says, once, that keys of elements have no column here. Unlike a step
// an element has no metadata to keep them in.
func (l *layout) leaveOut(e chat.Element) {
	lost := l.sql.element.m.Stowed(&e, e.Extra)
	if len(lost) == 0 {
		return
	}
	l.dropped.Do(func() {
		l.log.Warn("a key of an element has no column in this database and is left out; the doctor can add it",
			"keys", slices.Sorted(maps.Keys(lost)))
	})
}

// replaced remembers in memory that an element's bytes were replaced.
func (l *layout) replaced(old, fresh string) {
	if fresh != "" && old != fresh {
		l.memory.orphan(old)
		l.memory.adopt(fresh)
	}
}

// Element implements chat.Elements.
func (r rooms) Element(ctx context.Context, ref chat.Ref) (chat.Element, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.Element{}, err
	}
	return l.core.Element(ctx, r.at, ref)
}
