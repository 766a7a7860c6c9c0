package postgres

import (
	"bytes"
	"context"
	"fmt"
	"iter"
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
		if !t.some {
			continue
		}
		if err := t.send(ctx, m.in.conn, m.l.target(t.name)); err != nil {
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
		if !t.some {
			continue
		}
		statements = append(statements, sqlcore.Query{
			SQL: fmt.Sprintf(`INSERT INTO %[1]s (position,tbl,key,last,op) SELECT coalesce((SELECT max(c.position) FROM %[1]s c WHERE c.position>b.base AND c.position<b.base+4194304),b.base)+1,$1,$2,$3,'insert'
FROM (SELECT (pg_current_xact_id()::text::bigint+%[2]s())<<22 AS base) b`, notes, m.l.varve("varve_base")),
			Args: []any{t.name, t.first, t.last}})
	}
	return m.in.write(ctx, statements...)
}

// stream is the rows of one table in COPY's text form. They are made while the
// server takes those before them, and never lie in memory all at once.
type stream struct {
	name    string
	columns []string
	also    []bool // which of the columns that Varve adds are there
	fill    []any  // what columns get that nobody fills and that refuse NULL
	lines   iter.Seq[line]
	some    bool // there are lines

	first, last string // the least and the greatest key of those that were sent
	text        bytes.Buffer
}

// line is a row: its key, and the values of the columns and of those that
// Varve adds.
type line struct {
	key    string
	values []any
	also   []any
}

func newStream(t sqlcore.Table, name string, columns []string, fill []sqlcore.Column, also ...string) *stream {
	s := &stream{name: name, columns: slices.Clone(columns)}
	for _, column := range also {
		s.also = append(s.also, t.Has(column))
		if t.Has(column) {
			s.columns = append(s.columns, column)
		}
	}
	for _, c := range fill {
		s.columns = append(s.columns, c.Name)
		s.fill = append(s.fill, sqlcore.Zero(c))
	}
	return s
}

// send hands all lines to the server.
func (s *stream) send(ctx context.Context, c session, table string) error {
	var names []string
	for _, name := range s.columns {
		names = append(names, sqlcore.Quote(name))
	}
	next, stop := iter.Pull(s.lines)
	defer stop()
	_, err := c.PgConn().CopyFrom(ctx, reader{s, next}, fmt.Sprintf(`COPY %s (%s) FROM STDIN`, table, strings.Join(names, ",")))
	return err
}

// write puts a line behind the text that waits to be sent.
func (s *stream) write(l line) {
	if s.first == "" || l.key < s.first {
		s.first = l.key
	}
	s.last = max(s.last, l.key)
	for i, v := range l.values {
		if i > 0 {
			s.text.WriteByte('\t')
		}
		writeCopy(&s.text, v)
	}
	for i, v := range l.also {
		if s.also[i] {
			s.text.WriteByte('\t')
			writeCopy(&s.text, v)
		}
	}
	for _, v := range s.fill {
		s.text.WriteByte('\t')
		writeCopy(&s.text, v)
	}
	s.text.WriteByte('\n')
}

// reader is the text of a stream.
type reader struct {
	s    *stream
	next func() (line, bool)
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	for r.s.text.Len() < len(p) {
		l, ok := r.next()
		if !ok {
			break
		}
		r.s.write(l)
	}
	return r.s.text.Read(p) // io.EOF when there is no more
}

// writeCopy writes one value in COPY's text form.
func writeCopy(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString(`\N`)
	case string:
		writeEscaped(b, v)
	case bool:
		b.Write(strconv.AppendBool(b.AvailableBuffer(), v))
	case int64:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), v, 10))
	case int:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(v), 10))
	case []string:
		writeEscaped(b, string(array(v)))
	}
}

// writeEscaped is most of what a copy costs here; a strings.Replacer takes
// three times as long.
func writeEscaped(b *bytes.Buffer, s string) {
	start := 0
	for i := range len(s) {
		escape := ""
		switch s[i] {
		case '\\':
			escape = `\\`
		case '\t':
			escape = `\t`
		case '\n':
			escape = `\n`
		case '\r':
			escape = `\r`
		default:
			continue
		}
		b.WriteString(s[start:i])
		b.WriteString(escape)
		start = i + 1
	}
	b.WriteString(s[start:])
}

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
		threads.some = true
		steps.some = steps.some || len(t.Steps) > 0
		elements.some = elements.some || len(t.Elements) > 0
		votes.some = votes.some || len(t.Loose) > 0 || slices.ContainsFunc(t.Steps, func(s chat.Step) bool { return s.Feedback != nil })
	}
	threads.lines = m.each(func(t *chat.Thread, yield func(line) bool) bool {
		return yield(line{t.ID, c.ThreadValues(t), []any{t.Activity(), fold(t.Name)}})
	})
	steps.lines = m.each(func(t *chat.Thread, yield func(line) bool) bool {
		for i := range t.Steps {
			s := t.Steps[i]
			s.ThreadID = t.ID
			if !yield(line{s.ID, c.StepRow(&s), []any{fold(s.Output)}}) {
				return false
			}
		}
		return true
	})
	elements.lines = m.each(func(t *chat.Thread, yield func(line) bool) bool {
		for i := range t.Elements {
			e := t.Elements[i]
			e.ThreadID = t.ID
			if !yield(line{e.ID, c.ElementMap.Values(&e, e.Extra), nil}) {
				return false
			}
		}
		return true
	})
	votes.lines = m.each(func(t *chat.Thread, yield func(line) bool) bool {
		for i := range t.Steps {
			if f := t.Steps[i].Feedback; f != nil && !yield(vote(f, t.ID)) {
				return false
			}
		}
		for i := range t.Loose {
			if !yield(vote(&t.Loose[i], t.ID)) {
				return false
			}
		}
		return true
	})
	return []*stream{threads, steps, elements, votes}
}

// each goes through what the threads yield.
func (m *move) each(of func(t *chat.Thread, yield func(line) bool) bool) iter.Seq[line] {
	return func(yield func(line) bool) {
		for i := range m.threads {
			if !of(&m.threads[i], yield) {
				return
			}
		}
	}
}

func vote(f *chat.Feedback, threadID string) line {
	var comment any
	if f.Comment != nil {
		comment = *f.Comment
	}
	return line{f.ID, []any{f.ID, f.ForID, threadID, f.Value, comment}, nil}
}

// named are fields of which only the names count.
func named(keys []string) []chat.Field[chat.Feedback] {
	var fields []chat.Field[chat.Feedback]
	for _, key := range keys {
		fields = append(fields, chat.Field[chat.Feedback]{Key: key})
	}
	return fields
}
