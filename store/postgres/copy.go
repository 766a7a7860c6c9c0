package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// bulk keeps the triggers from noting each row of the transaction: what they
// would do, [move.copy] does for all rows at once. It ends with the
// transaction.
const bulk = `SET LOCAL varve.bulk='on'`

// copy streams the rows in, threads first. It is for the documented tables.
func (m *move) copy(ctx context.Context) error {
	if m.l.mended() {
		if err := run(ctx, m.in.conn, sqlcore.Query{SQL: bulk}); err != nil {
			return classify(err)
		}
	}
	tables := m.tables()
	for _, t := range tables {
		if len(t.keys) == 0 {
			continue
		}
		var names []string
		for _, name := range t.columns {
			names = append(names, sqlcore.Quote(name))
		}
		sql := fmt.Sprintf(`COPY %s (%s) FROM STDIN`, m.l.target(t.name), strings.Join(names, ","))
		if _, err := m.in.conn.PgConn().CopyFrom(ctx, &t.rows, sql); err != nil {
			return classify(err)
		}
	}
	if !m.l.mended() {
		return nil
	}
	return m.note(ctx, tables)
}

// note writes one note a table: everything between the first key and the last
// may be new.
func (m *move) note(ctx context.Context, tables []*stream) error {
	notes := m.l.varve("varve_change")
	statements := []sqlcore.Query{{SQL: `SET LOCAL varve.bulk='off'`}}
	for _, t := range tables {
		if len(t.keys) == 0 {
			continue
		}
		statements = append(statements, sqlcore.Query{
			SQL: fmt.Sprintf(`INSERT INTO %[1]s (position,tbl,key,last,op) SELECT coalesce((SELECT max(c.position) FROM %[1]s c WHERE c.position>b.base AND c.position<b.base+4194304),b.base)+1,$1,$2,$3,'insert'
FROM (SELECT (pg_current_xact_id()::text::bigint+%[2]s())<<22 AS base) b`, notes, m.l.varve("varve_base")),
			Args: []any{t.name, slices.Min(t.keys), slices.Max(t.keys)}})
	}
	return m.in.write(ctx, statements...)
}

// stream is the rows of one table in COPY's text form.
type stream struct {
	name    string
	columns []string
	also    []string // of the columns, those that Varve added
	fill    []any    // what columns get that nobody fills and that refuse NULL
	keys    []string
	rows    bytes.Buffer
}

func newStream(t sqlcore.Table, name string, columns []string, fill []sqlcore.Column, also ...string) *stream {
	s := &stream{name: name, columns: slices.Clone(columns)}
	for _, column := range also {
		if t.Has(column) {
			s.also = append(s.also, column)
			s.columns = append(s.columns, column)
		}
	}
	for _, c := range fill {
		s.columns = append(s.columns, c.Name)
		s.fill = append(s.fill, sqlcore.Zero(c))
	}
	return s
}

// add takes a row: the values of its columns, and of those that Varve added.
func (s *stream) add(key string, values []any, also map[string]any) {
	s.keys = append(s.keys, key)
	for i, v := range values {
		if i > 0 {
			s.rows.WriteByte('\t')
		}
		writeCopy(&s.rows, v)
	}
	for _, name := range s.also {
		s.rows.WriteByte('\t')
		writeCopy(&s.rows, also[name])
	}
	for _, v := range s.fill {
		s.rows.WriteByte('\t')
		writeCopy(&s.rows, v)
	}
	s.rows.WriteByte('\n')
}

// writeCopy writes one value in COPY's text form.
func writeCopy(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString(`\N`)
	case string:
		copyEscaper.WriteString(b, v)
	case bool:
		b.Write(strconv.AppendBool(b.AvailableBuffer(), v))
	case int64:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), v, 10))
	case int:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(v), 10))
	case []string:
		copyEscaper.WriteString(b, string(array(v)))
	}
}

var copyEscaper = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// tables are the threads as rows, in the order in which keys refer to others.
func (m *move) tables() []*stream {
	c, found := m.l.core, m.l.found
	threads := newStream(found.Threads, "threads", c.ThreadMap.Names(), c.ThreadMap.Fill, sqlcore.ActivityColumn, foldColumn)
	steps := newStream(found.Steps, "steps", c.StepMap.Names(), c.StepMap.Fill, foldColumn)
	elements := newStream(found.Elements, "elements", c.ElementMap.Names(), c.ElementMap.Fill)
	columns := []string{"id", "forId", "threadId", "value", "comment"}
	votes := newStream(found.Feedbacks, "feedbacks", columns, sqlcore.Map(found.Feedbacks, named(columns)).Fill)
	for i := range m.threads {
		t := &m.threads[i]
		threads.add(t.ID, c.ThreadValues(t), map[string]any{sqlcore.ActivityColumn: t.Activity(), foldColumn: fold(t.Name)})
		for j := range t.Steps {
			s := t.Steps[j]
			s.ThreadID = t.ID
			steps.add(s.ID, c.StepRow(&s), map[string]any{foldColumn: fold(s.Output)})
			if s.Feedback != nil {
				votes.vote(*s.Feedback, t.ID)
			}
		}
		for j := range t.Elements {
			e := t.Elements[j]
			e.ThreadID = t.ID
			elements.add(e.ID, c.ElementMap.Values(&e, e.Extra), nil)
		}
		for _, f := range t.Loose {
			votes.vote(f, t.ID)
		}
	}
	return []*stream{threads, steps, elements, votes}
}

func (s *stream) vote(f chat.Feedback, threadID string) {
	var comment any
	if f.Comment != nil {
		comment = *f.Comment
	}
	s.add(f.ID, []any{f.ID, f.ForID, threadID, f.Value, comment}, nil)
}

// named are fields of which only the names count.
func named(keys []string) []chat.Field[chat.Feedback] {
	var fields []chat.Field[chat.Feedback]
	for _, key := range keys {
		fields = append(fields, chat.Field[chat.Feedback]{Key: key})
	}
	return fields
}
