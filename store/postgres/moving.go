package postgres

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

var (
	_ chat.Mover  = rooms{}
	_ chat.Finder = rooms{}
	_ chat.Peeker = rooms{}
)

// Peek implements chat.Peeker.
func (r rooms) Peek(ctx context.Context) error {
	l, err := r.at.ground(ctx)
	if err == nil && l.core == nil {
		l, err = anew(ctx, r.at, l)
	}
	if err != nil {
		return err
	}
	if l.silent() {
		return chat.ErrUnmade
	}
	return l.broken
}

// FeedbackThread implements chat.Finder.
func (r rooms) FeedbackThread(ctx context.Context, id string) (string, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return "", err
	}
	return l.core.FeedbackThread(ctx, r.at, id)
}

// ThreadIDs implements chat.Mover.
func (r rooms) ThreadIDs(ctx context.Context, after string, limit int) ([]string, string, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, "", err
	}
	return l.core.ThreadIDs(ctx, r.at, after, limit)
}

// Whole implements chat.Mover.
func (r rooms) Whole(ctx context.Context, ids []string) ([]chat.Thread, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	return l.core.Whole(ctx, r.at, ids)
}

// Load implements chat.Mover. Rows are streamed in with COPY; what the triggers
// would note row by row is noted as one range a table.
func (r rooms) Load(ctx context.Context, threads []chat.Thread, w chat.Write) error {
	if len(threads) == 0 {
		return nil
	}
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	for i := range threads {
		if err := l.movable(&threads[i]); err != nil {
			return err
		}
	}
	err = r.at.atomic(ctx, func(at access) error {
		in, _ := at.(inner) // atomic gives no other
		m := &move{l: l, in: in, threads: threads, by: w}
		return m.run(ctx)
	})
	if errs.KindOf(err) == errs.Exists {
		err = errs.Wrap(errs.Conflict, hidden(err), "a step, an element or feedback has an id that another thread's has")
	}
	return err
}

// movable refuses ids that the columns cannot hold.
func (l *layout) movable(t *chat.Thread) error {
	err := l.holds(l.found.Threads, "id", t.ID)
	if t.UserID != "" && !l.core.Holds(l.found.Threads, "userId", t.UserID) {
		return noUser(t.UserID)
	}
	check := func(t sqlcore.Table, column, id string) {
		if err == nil {
			err = l.holds(t, column, id)
		}
	}
	vote := func(f *chat.Feedback) {
		check(l.found.Feedbacks, "id", f.ID)
		check(l.found.Feedbacks, "forId", f.ForID)
	}
	for i := range t.Steps {
		check(l.found.Steps, "id", t.Steps[i].ID)
		check(l.found.Steps, "parentId", t.Steps[i].ParentID)
		if f := t.Steps[i].Feedback; f != nil {
			vote(f)
		}
	}
	for i := range t.Elements {
		check(l.found.Elements, "id", t.Elements[i].ID)
		check(l.found.Elements, "forId", t.Elements[i].ForID)
	}
	for i := range t.Loose {
		vote(&t.Loose[i])
	}
	return err
}

// move is one Load inside its transaction.
type move struct {
	l       *layout
	in      inner
	threads []chat.Thread
	by      chat.Write
	ids     []string
	keys    []string // of bytes that the new rows name
}

func (m *move) run(ctx context.Context) error {
	for i := range m.threads {
		m.ids = append(m.ids, m.threads[i].ID)
		for j := range m.threads[i].Elements {
			if key := m.threads[i].Elements[j].ObjectKey; key != "" {
				m.keys = append(m.keys, key)
			}
		}
	}
	if err := m.owners(ctx); err != nil {
		return err
	}
	lost, err := m.clear(ctx)
	if err != nil {
		return err
	}
	if m.l.official {
		err = m.patches(ctx)
	} else {
		err = m.copy(ctx)
	}
	if err != nil {
		return err
	}
	return m.keep(ctx, lost)
}

// owners finds the identifiers of the owners, which must be users.
func (m *move) owners(ctx context.Context) error {
	names := map[string]string{}
	var ids []string
	for i := range m.threads {
		id := m.threads[i].UserID
		if _, seen := names[id]; seen || id == "" || !m.l.core.Holds(m.l.found.Users, "id", id) {
			continue
		}
		names[id] = ""
		ids = append(ids, id)
	}
	known := map[string]bool{}
	q := sqlcore.Query{SQL: fmt.Sprintf(`SELECT u."id"::text,u."identifier" FROM %s u WHERE u."id"=%s`, m.l.table("users"), m.among("users", "id")), Args: []any{ids},
		Each: func(r sqlcore.Row) error {
			got := r.(row)
			names[got.text(0)], known[got.text(0)] = got.text(1), true
			return nil
		}}
	if err := m.in.write(ctx, q); err != nil {
		return err
	}
	for i := range m.threads {
		t := &m.threads[i]
		if t.UserID == "" {
			continue
		}
		if !known[t.UserID] {
			return noUser(t.UserID)
		}
		t.UserIdentifier = names[t.UserID]
	}
	return nil
}

// byIndex holds to the end of the transaction. The plans are kept from the first
// batches, when the tables were empty and to read them whole was the cheapest.
const byIndex = `SET LOCAL enable_seqscan=off`

// among is one of the values of the first argument, in the column's own type, for
// which there may be an index.
func (m *move) among(table, column string) string {
	c, _ := m.l.found.Table(table).Column(column)
	return "ANY($1::" + c.Type + "[])"
}

// clear takes away what is stored under the ids, tombstones too, and returns
// the keys of bytes that went with it.
func (m *move) clear(ctx context.Context) (keys []string, err error) {
	if m.l.official {
		return m.clearOfficial(ctx)
	}
	l := m.l
	of := func(table string) string { return `"threadId"=` + m.among(table, "threadId") }
	args := []any{m.ids}
	statements := []sqlcore.Query{
		{SQL: byIndex},
		{SQL: fmt.Sprintf(`SELECT 1 FROM %s WHERE "id"=%s ORDER BY "id" FOR UPDATE`, l.target("threads"), m.among("threads", "id")), Args: args},
		{SQL: fmt.Sprintf(`DELETE FROM %s WHERE %s`, l.target("feedbacks"), of("feedbacks")), Args: args},
		{SQL: fmt.Sprintf(`DELETE FROM %s WHERE "forId" IN (SELECT s."id" FROM %s s WHERE s.%s)`, l.target("feedbacks"), l.target("steps"), of("steps")), Args: args},
		{SQL: fmt.Sprintf(`DELETE FROM %s WHERE %s RETURNING "objectKey"`, l.target("elements"), of("elements")), Args: args, Each: func(r sqlcore.Row) error {
			if key, ok := r.Text(0); ok && key != "" {
				keys = append(keys, key)
			}
			return nil
		}},
		{SQL: fmt.Sprintf(`DELETE FROM %s WHERE %s`, l.target("steps"), of("steps")), Args: args},
		{SQL: fmt.Sprintf(`DELETE FROM %s WHERE "id"=%s`, l.target("threads"), m.among("threads", "id")), Args: args},
	}
	return keys, m.in.write(ctx, append(statements, m.exhume()...)...)
}

// exhume takes the tombstones of the threads away.
func (m *move) exhume() []sqlcore.Query {
	if !m.l.mended() {
		m.l.memory.exhume(m.ids...)
		return nil
	}
	return []sqlcore.Query{{SQL: `DELETE FROM ` + m.l.varve("varve_tombstone") + ` WHERE thread=ANY($1::text[])`, Args: []any{m.ids}}}
}

// keep remembers the keys of bytes that nothing names any more, and forgets
// those that are named again.
func (m *move) keep(ctx context.Context, lost []string) error {
	l := m.l
	if !l.mended() {
		keys := m.keys
		m.in.after(func() { l.memory.orphan(lost...); l.memory.adopt(keys...) })
		return nil
	}
	var statements []sqlcore.Query
	if len(lost) > 0 {
		statements = append(statements, sqlcore.Query{SQL: fmt.Sprintf(`INSERT INTO %s (key) SELECT DISTINCT k FROM unnest($1::text[]) k WHERE NOT EXISTS (SELECT FROM %s e WHERE e."objectKey"=k)`,
			l.varve("varve_orphan"), l.table("elements")), Args: []any{lost}})
	}
	if len(m.keys) > 0 {
		statements = append(statements, sqlcore.Query{SQL: `DELETE FROM ` + l.varve("varve_orphan") + ` WHERE key=ANY($1::text[])`, Args: []any{m.keys}})
	}
	if len(statements) == 0 {
		return nil
	}
	return m.in.write(ctx, statements...)
}
