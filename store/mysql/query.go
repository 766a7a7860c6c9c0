package mysql

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// row is a row in the server's text form, which is what the core decodes.
type row []sql.RawBytes

// Text implements sqlcore.Row.
func (r row) Text(i int) (string, bool) { return string(r[i]), r[i] != nil }

// text is column i, "" when NULL.
func (r row) text(i int) string { return string(r[i]) }

// number is column i as an integer.
func (r row) number(i int) int64 {
	n, _ := strconv.ParseInt(string(r[i]), 10, 64) // of an integer column: cannot fail
	return n
}

// asker is a pool or one connection of it.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// send sends all statements in one packet and reads the answers of those that
// have an Each, which are the questions among them: one round trip. The server
// stops at the first that fails. limit is how long a packet may be.
func send(ctx context.Context, c asker, limit int, queries ...sqlcore.Query) error {
	p, err := pack(queries, limit)
	if err != nil {
		return err
	}
	return post(ctx, c, p)
}

// post is send for what was packed.
func post(ctx context.Context, c asker, p packet) error {
	answers, err := c.QueryContext(ctx, p.text, p.args...)
	if err != nil {
		return classify(err)
	}
	defer answers.Close()
	more := true
	for _, q := range p.queries {
		if q.Each == nil {
			continue
		}
		if !more {
			break // the statement before it failed
		}
		if err := each(answers, q.Each); err != nil {
			return err
		}
		more = answers.NextResultSet()
	}
	return classify(answers.Err())
}

func each(answers *sql.Rows, fn func(sqlcore.Row) error) error {
	columns, err := answers.Columns()
	if err != nil {
		return classify(err)
	}
	got := make(row, len(columns))
	into := make([]any, len(columns))
	for i := range got {
		into[i] = &got[i]
	}
	for answers.Next() {
		if err := answers.Scan(into...); err != nil {
			return classify(err)
		}
		if err := fn(got); err != nil {
			return err
		}
	}
	return classify(answers.Err())
}

// packet is statements as they are sent.
type packet struct {
	queries []sqlcore.Query
	text    string
	args    []any
}

// pack joins statements; errs.TooLarge when they are more than limit. A parameter is "?" in its turn, or "?2" for the second
// argument, which may stand in several places; the driver knows the former.
func pack(queries []sqlcore.Query, limit int) (packet, error) {
	var b strings.Builder
	var args []any
	for i, q := range queries {
		if i > 0 {
			b.WriteByte(';')
		}
		next := 0
		for rest := q.SQL; ; {
			before, after, found := place(rest)
			b.WriteString(before)
			if !found {
				break
			}
			b.WriteByte('?')
			digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
			which := next
			if digits > 0 {
				n, _ := strconv.Atoi(after[:digits]) // digits only
				which = n - 1
			} else {
				next++
			}
			args = append(args, q.Args[which])
			rest = after[digits:]
		}
	}
	if size(b.Len(), args) > limit {
		return packet{}, errs.New(errs.TooLarge, "the call is larger than the server's max_allowed_packet of %d bytes; raise that", limit)
	}
	return packet{queries, b.String(), args}, nil
}

// place cuts SQL at its first place of a value. What stands between backticks
// is a name.
func place(sql string) (before, after string, found bool) {
	at := strings.IndexByte(sql, '?')
	if at < 0 || strings.IndexByte(sql[:at], '`') < 0 {
		return strings.Cut(sql, "?")
	}
	named := false
	for i := range len(sql) {
		switch {
		case sql[i] == '`':
			named = !named
		case sql[i] == '?' && !named:
			return sql[:i], sql[i+1:], true
		}
	}
	return sql, "", false
}

// size is an upper bound of the length of a packet, exact where it matters:
// texts are the only arguments that can be long, and those that need escapes
// get longer.
func size(text int, args []any) int {
	n := text + 64
	for _, arg := range args {
		n += 40
		switch v := arg.(type) {
		case string:
			n += len(v) + escapes(v)
		case []byte:
			n += 2 * len(v) // if every one of them needs an escape
		}
	}
	return n
}

// escapes counts the characters of a text that are sent with a backslash.
func escapes(s string) (n int) {
	for i := range len(s) {
		switch s[i] {
		case 0, '\n', '\r', 0x1a, '\'', '"', '\\':
			n++
		}
	}
	return n
}
