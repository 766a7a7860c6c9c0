package sqlcore

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Core reads conversations out of a database whose schema is known. It keeps
// no state and is safe for concurrent use.
type Core struct {
	Schema     Schema
	Dialect    Dialect
	ThreadMap  Mapping[chat.Thread]
	StepMap    Mapping[chat.Step]
	ElementMap Mapping[chat.Element]
	sql        statements
}

// New prepares the queries for a schema. It is errs.Invalid when tables or
// columns are missing without which nothing can be kept, and names them.
func New(s Schema, d Dialect) (*Core, error) {
	if err := check(s); err != nil {
		return nil, err
	}
	c := &Core{Schema: s, Dialect: d,
		ThreadMap:  Map(s.Threads, ThreadFields()),
		StepMap:    Map(s.Steps, chat.StepFields()),
		ElementMap: Map(s.Elements, chat.ElementFields()),
	}
	c.sql = c.statements()
	return c, nil
}

// needed are the columns that every published version of the schema has and
// that nothing works without.
var needed = map[string][]string{
	"users":     {"id", "identifier", "metadata", "createdAt"},
	"threads":   {"id", "createdAt", "name", "userId", "userIdentifier", "tags", "metadata"},
	"steps":     {"id", "name", "type", "threadId", "parentId", "metadata", "input", "output", "createdAt"},
	"elements":  {"id", "threadId", "type", "name", "forId", "objectKey"},
	"feedbacks": {"id", "forId", "threadId", "value", "comment"},
}

func check(s Schema) error {
	for _, name := range Tables() {
		t := s.Table(name)
		if !t.Exists() {
			return errs.New(errs.Invalid, "table %q is missing; create Chainlit's tables completely, or none of them", name)
		}
		for _, column := range needed[name] {
			if !t.Has(column) {
				return errs.New(errs.Invalid, "table %q has no column %q, so it is not Chainlit's; conversations need another database or schema", name, column)
			}
		}
	}
	return nil
}

var threadFields = []chat.Field[chat.Thread]{
	{Key: "id", At: func(t *chat.Thread) any { return &t.ID }},
	{Key: "createdAt", At: func(t *chat.Thread) any { return &t.CreatedAt }},
	{Key: "name", At: func(t *chat.Thread) any { return &t.Name }},
	{Key: "userId", At: func(t *chat.Thread) any { return &t.UserID }},
	{Key: "userIdentifier", At: func(t *chat.Thread) any { return &t.UserIdentifier }},
	{Key: "tags", At: func(t *chat.Thread) any { return &t.Tags }},
	{Key: "metadata", At: func(t *chat.Thread) any { return &t.Metadata }},
}

// ThreadFields lists the columns of a thread. The slice is shared: do not
// change it.
func ThreadFields() []chat.Field[chat.Thread] { return threadFields }

// Activity tells whether threads carry their last activity.
func (c *Core) Activity() bool { return c.Schema.Threads.Has(ActivityColumn) }

// ErrSilent ends a transaction that comes to speak of conversations where there
// are no tables for them, which cannot be made in it: they are made outside, and
// it begins anew.
var ErrSilent = errs.New(errs.Unavailable, "there are no tables of conversations yet")

// Holds tells whether a column of a table can hold an id as it is.
func (c *Core) Holds(t Table, column, id string) bool {
	col, ok := t.Column(column)
	return ok && c.Dialect.Holds(id, col)
}

// statements are the texts that do not depend on a question.
type statements struct {
	user, users, head, owned, owns              string
	thread, threadSteps, threadVotes, threadEls string
	step, stepVotes, element, vote              string
	favorites, favoriteVotes                    string
	activity, list                              string
}

func (c *Core) statements() statements {
	d, s := c.Dialect, c.Schema
	table := func(name string) string { return d.Table(name) }
	eq := func(alias, column string, t Table, n int) string {
		col, _ := t.Column(column)
		return alias + "." + Quote(column) + "=" + d.Compare(d.Param(n), col)
	}
	var q statements
	id, _ := s.Users.Column("id")
	meta, _ := s.Users.Column("metadata")
	user := fmt.Sprintf(`SELECT %s,u."createdAt",%s,u."identifier" FROM %s u WHERE `, d.Read(`u."id"`, id), d.Read(`u."metadata"`, meta), table("users"))
	q.user = user + `u."identifier"=` + d.Param(1)
	byName := d.SortText(`u."identifier"`)
	q.users = user + fmt.Sprintf(`%s>%s ORDER BY %[1]s LIMIT %[3]s`, byName, d.Param(1), d.Param(2))

	q.activity = c.activity()
	threads := c.ThreadMap.Select(d, "t")
	q.thread = fmt.Sprintf(`SELECT %s,%s FROM %s t WHERE %s`, threads, q.activity, table("threads"), eq("t", "id", s.Threads, 1))
	tid, _ := s.Threads.Column("id")
	uid, _ := s.Threads.Column("userId")
	q.head = fmt.Sprintf(`SELECT %s,%s,t."userIdentifier",%s FROM %s t WHERE %s`,
		d.Read(`t."id"`, tid), d.Read(`t."userId"`, uid), q.activity, table("threads"), eq("t", "id", s.Threads, 1))
	// Databases differ in the types of the two ids, so that they are not compared.
	q.owned = fmt.Sprintf(`SELECT %s FROM %s t WHERE t."userIdentifier"=%s`, d.Read(`t."id"`, tid), table("threads"), d.Param(1))
	q.owns = fmt.Sprintf(`SELECT %s FROM %s t WHERE %s`, d.Read(`t."id"`, tid), table("threads"), eq("t", "userId", s.Threads, 1))
	q.list = fmt.Sprintf(`SELECT %s,%%s FROM %s t`, threads, table("threads"))

	steps := c.StepMap.Select(d, "s")
	q.threadSteps = fmt.Sprintf(`SELECT %s FROM %s s WHERE %s ORDER BY s."createdAt",s.%s`,
		steps, table("steps"), eq("s", "threadId", s.Steps, 1), d.Order)
	q.step = fmt.Sprintf(`SELECT %s FROM %s s WHERE %s`, steps, table("steps"), eq("s", "id", s.Steps, 1))

	votes := c.votes()
	q.threadVotes = fmt.Sprintf(`SELECT %s FROM %s s JOIN %s f ON f."forId"=s."id" WHERE %s ORDER BY f.%s`,
		votes, table("steps"), table("feedbacks"), eq("s", "threadId", s.Steps, 1), d.Order)
	q.stepVotes = fmt.Sprintf(`SELECT %s FROM %s f WHERE %s ORDER BY f.%s`,
		votes, table("feedbacks"), eq("f", "forId", s.Feedbacks, 1), d.Order)

	q.vote = fmt.Sprintf(`SELECT %s FROM %s f WHERE %s`, votes, table("feedbacks"), eq("f", "id", s.Feedbacks, 1))

	elements := c.ElementMap.Select(d, "e")
	q.threadEls = fmt.Sprintf(`SELECT %s FROM %s e WHERE %s ORDER BY e.%s`,
		elements, table("elements"), eq("e", "threadId", s.Elements, 1), d.Order)
	q.element = fmt.Sprintf(`SELECT %s FROM %s e WHERE %s`, elements, table("elements"), eq("e", "id", s.Elements, 1))

	q.favorites = fmt.Sprintf(`SELECT %s FROM %s t JOIN %s s ON s."threadId"=t."id" WHERE %s AND %s ORDER BY s.%s DESC`,
		steps, table("threads"), table("steps"), eq("t", "userId", s.Threads, 1), d.Starred, d.Order)
	q.favoriteVotes = fmt.Sprintf(`SELECT %s FROM %s t JOIN %s s ON s."threadId"=t."id" JOIN %s f ON f."forId"=s."id" WHERE %s AND %s ORDER BY f.%s`,
		votes, table("threads"), table("steps"), table("feedbacks"), eq("t", "userId", s.Threads, 1), d.Starred, d.Order)
	return q
}

func (c *Core) votes() string {
	var out string
	for _, name := range []string{"id", "forId", "threadId", "value", "comment"} {
		col, _ := c.Schema.Feedbacks.Column(name)
		if out != "" {
			out += ","
		}
		out += c.Dialect.read("f", col)
	}
	return out
}

// activity is the expression for the last activity of thread t: its column, or
// the latest of its own time and those of its steps.
func (c *Core) activity() string {
	if c.Activity() {
		return "t." + Quote(ActivityColumn)
	}
	d := c.Dialect
	created := fmt.Sprintf(`coalesce(%s,'')`, d.Time(`t."createdAt"`))
	steps := fmt.Sprintf(`coalesce((SELECT max(%s) FROM %s s WHERE s."threadId"=t."id"),'')`, d.Time(`s."createdAt"`), d.Table("steps"))
	return fmt.Sprintf(`%s(%s,%s)`, d.Greatest, created, steps)
}

// one asks for a thing of which there is one, and tells whether it was there.
func one(ctx context.Context, q Querier, sql string, each func(Row) error, args ...any) (bool, error) {
	found := false
	err := q.Run(ctx, Query{SQL: sql, Args: args, Each: func(r Row) error {
		found = true
		return each(r)
	}})
	return found, err
}
