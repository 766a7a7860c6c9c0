package sqlcore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
)

// Positions of ThreadIDs: behind a thread in the order of ids, or after all of
// them, where ids follow that only other tables know.
const (
	behind = "t"
	strays = "s"
)

// ThreadIDs is the first half of chat.Mover.
func (c *Core) ThreadIDs(ctx context.Context, q Querier, after string, limit int) (ids []string, next string, err error) {
	if after == strays {
		ids, err = c.strays(ctx, q)
		return ids, "", err
	}
	d := c.Dialect
	id := d.SortID(`t."id"`)
	sql := fmt.Sprintf(`SELECT t."id" FROM %s t`, d.Table("threads"))
	var args []any
	if last, ok := strings.CutPrefix(after, behind); ok {
		col, _ := c.Schema.Threads.Column("id")
		sql += fmt.Sprintf(` WHERE %s>%s`, id, d.Compare(d.Param(1), col))
		args = append(args, last)
	}
	sql += fmt.Sprintf(` ORDER BY %s LIMIT %d`, id, limit)
	if ids, err = column(ctx, q, sql, args...); err != nil {
		return nil, "", err
	}
	if len(ids) < limit {
		return ids, strays, nil
	}
	return ids, behind + ids[len(ids)-1], nil
}

// strays are ids that steps, elements or feedback name and no thread has, in
// order. Databases whose tables have no foreign keys come to have some.
func (c *Core) strays(ctx context.Context, q Querier) ([]string, error) {
	d := c.Dialect
	found := map[string]bool{}
	for _, table := range []string{"steps", "elements", "feedbacks"} {
		ids, err := column(ctx, q, c.named(table)+fmt.Sprintf(` AND NOT EXISTS (SELECT 1 FROM %s t WHERE t."id"=x."threadId")`, d.Table("threads")))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			found[id] = id != ""
		}
	}
	maps.DeleteFunc(found, func(_ string, named bool) bool { return !named })
	return slices.Sorted(maps.Keys(found)), nil
}

// named begins a question for the ids of threads that the rows of a table
// name, as x."threadId". Where there is an index and the engine does not do so
// by itself, it goes from one id to the next: a thread has many steps.
func (c *Core) named(table string) string {
	rows := c.Dialect.Table(table)
	if !c.Dialect.Hop || !c.Schema.Table(table).Indexed("threadId") {
		return fmt.Sprintf(`SELECT DISTINCT x."threadId" FROM %s x WHERE x."threadId" IS NOT NULL`, rows)
	}
	next := `(SELECT r."threadId" FROM ` + rows + ` r WHERE r."threadId"%s ORDER BY r."threadId" LIMIT 1)`
	return fmt.Sprintf(`WITH RECURSIVE x("threadId") AS (SELECT `+next+` UNION ALL SELECT `+next+` FROM x WHERE x."threadId" IS NOT NULL)`+
		` SELECT x."threadId" FROM x WHERE x."threadId" IS NOT NULL`, ` IS NOT NULL`, `>x."threadId"`)
}

func column(ctx context.Context, q Querier, sql string, args ...any) (values []string, err error) {
	_, err = one(ctx, q, sql, func(r Row) error {
		if v, ok := r.Text(0); ok {
			values = append(values, v)
		}
		return nil
	}, args...)
	return values, err
}

// lengths are how many threads one question is about, so that few texts of
// questions are prepared: ids are repeated up to the next.
var lengths = []int{1, 8, 64}

// Whole is the second half of chat.Mover.
func (c *Core) Whole(ctx context.Context, q Querier, ids []string) (found []chat.Thread, err error) {
	most := lengths[len(lengths)-1]
	for len(ids) > most {
		part, err := c.Whole(ctx, q, ids[:most])
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
		ids = ids[most:]
	}
	g := gathering{threads: map[string]*chat.Thread{}}
	if err := q.Run(ctx, g.questions(c, ids)...); err != nil {
		return nil, err
	}
	return append(found, g.gathered()...), nil
}

// gathering puts the rows of some threads together.
type gathering struct {
	threads map[string]*chat.Thread
	order   []string
	votes   map[string]*chat.Feedback // the newest row wins where a step has several
	loose   map[string]*chat.Feedback
}

func (g *gathering) of(id string) *chat.Thread {
	t := g.threads[id]
	if t == nil {
		t = &chat.Thread{ID: id}
		g.threads[id] = t
		g.order = append(g.order, id)
	}
	return t
}

func (g *gathering) questions(c *Core, ids []string) []Query {
	d, s := c.Dialect, c.Schema
	g.votes, g.loose = map[string]*chat.Feedback{}, map[string]*chat.Feedback{}
	steps, feedbacks := d.Table("steps"), d.Table("feedbacks")
	ask := func(t Table, alias, name, sql, order string, each func(Row)) Query {
		where, args := c.among(t, alias+"."+Quote(name), name, ids)
		return Query{SQL: fmt.Sprintf(sql, where) + " ORDER BY " + order, Args: args, Each: func(r Row) error {
			each(r)
			return nil
		}}
	}
	vote := func(into map[string]*chat.Feedback) func(Row) {
		return func(r Row) {
			f := scanVote(r)
			into[f.ForID] = f
		}
	}
	return []Query{
		ask(s.Threads, "t", "id", `SELECT `+c.ThreadMap.Select(d, "t")+`,`+c.sql.activity+` FROM `+d.Table("threads")+` t WHERE %s`, "1", func(r Row) {
			t := c.scanThread(r)
			*g.of(t.ID) = t
		}),
		ask(s.Steps, "s", "threadId", `SELECT `+c.StepMap.Select(d, "s")+` FROM `+steps+` s WHERE %s`, `s."threadId",s."createdAt",s.`+d.Order, func(r Row) {
			var step chat.Step
			c.scanStep(r, &step)
			t := g.of(step.ThreadID)
			t.Steps = append(t.Steps, step)
		}),
		ask(s.Elements, "e", "threadId", `SELECT `+c.ElementMap.Select(d, "e")+` FROM `+d.Table("elements")+` e WHERE %s`, `e.`+d.Order, func(r Row) {
			var e chat.Element
			c.scanElement(r, &e)
			t := g.of(e.ThreadID)
			t.Elements = append(t.Elements, e)
		}),
		ask(s.Steps, "s", "threadId", `SELECT `+c.votes()+` FROM `+steps+` s JOIN `+feedbacks+` f ON f."forId"=s."id" WHERE %s`, `f.`+d.Order, vote(g.votes)),
		ask(s.Feedbacks, "f", "threadId", `SELECT `+c.votes()+` FROM `+feedbacks+` f WHERE %s AND NOT EXISTS (SELECT 1 FROM `+steps+` s WHERE s."id"=f."forId")`, `f.`+d.Order, vote(g.loose)),
	}
}

// among is the condition that a column is one of some ids.
func (c *Core) among(t Table, expr, name string, ids []string) (string, []any) {
	col, _ := t.Column(name)
	var args []any
	for _, id := range ids {
		if c.Dialect.Holds(id, col) {
			args = append(args, id)
		}
	}
	if len(args) == 0 {
		return "1=0", nil
	}
	at, _ := slices.BinarySearch(lengths, len(args))
	var list []string
	for i := range lengths[at] {
		if i >= len(args) {
			args = append(args, args[0])
		}
		list = append(list, c.Dialect.Compare(c.Dialect.Param(i+1), col))
	}
	return expr + " IN (" + strings.Join(list, ",") + ")", args
}

func (g *gathering) gathered() []chat.Thread {
	for _, f := range g.loose {
		t := g.of(f.ThreadID)
		t.Loose = append(t.Loose, *f)
	}
	found := make([]chat.Thread, 0, len(g.order))
	for _, id := range g.order {
		t := g.threads[id]
		for i := range t.Steps {
			t.Steps[i].Feedback = g.votes[t.Steps[i].ID]
		}
		slices.SortFunc(t.Loose, func(a, b chat.Feedback) int { return strings.Compare(a.ForID, b.ForID) })
		found = append(found, *t)
	}
	return found
}
