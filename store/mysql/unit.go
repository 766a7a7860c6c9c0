package mysql

import (
	"context"
	"strings"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// unit is one write. What it does is kept until it asks something or ends, and
// then travels together; its notes go last.
type unit struct {
	t     *tx
	due   []sqlcore.Query
	notes []note
	sent  bool

	weight, weighed int // the length of the texts of so many of due
}

// note is what becomes a change.Event.
type note struct {
	table, key string
	op         change.Op
	at         time.Time
	last       string // of a range of keys, else ""
}

// Run implements sqlcore.Querier, after all that was to be done so far.
func (u *unit) Run(ctx context.Context, queries ...sqlcore.Query) error {
	p, err := u.t.pack(append(u.due, queries...))
	if err != nil {
		return err
	}
	u.due, u.sent, u.weight, u.weighed = nil, true, 0, 0
	return u.t.post(ctx, p)
}

// do is to be done.
func (u *unit) do(sql string, args ...any) {
	u.due = append(u.due, sqlcore.Query{SQL: sql, Args: args})
}

// note notes a change of a row.
func (u *unit) note(table, key string, op change.Op, w chat.Write) {
	u.notes = append(u.notes, note{table, key, op, w.Now, ""})
}

// spill does what is due when that has become much.
func (u *unit) spill(ctx context.Context) error {
	const packet = 1 << 20
	for ; u.weighed < len(u.due); u.weighed++ {
		for _, arg := range u.due[u.weighed].Args {
			if s, ok := arg.(string); ok {
				u.weight += len(s)
			}
		}
	}
	if u.weight < packet && len(u.due) < many {
		return nil
	}
	return u.Run(ctx)
}

// many is how many rows one statement writes or looks up at most.
const many = 500

// finish does all there is to do, and ends with last.
func (u *unit) finish(ctx context.Context, last sqlcore.Query) error {
	for len(u.notes) > 0 {
		n := min(many, len(u.notes))
		sql, args := `INSERT INTO varve_change (tbl,"key",op,at,last) VALUES `, make([]any, 0, 5*n)
		for _, c := range u.notes[:n] {
			var last any
			if c.last != "" {
				last = c.last
			}
			args = append(args, c.table, c.key, string(c.op), moment(c.at), last)
		}
		u.do(sql+strings.TrimSuffix(strings.Repeat("(?,?,?,?,?),", n), ","), args...)
		if u.notes = u.notes[n:]; len(u.notes) > 0 {
			if err := u.Run(ctx); err != nil { // a packet of bounded length
				return err
			}
		}
	}
	return u.Run(ctx, last)
}

// moments is how DATETIME(6) reads and writes a time, in UTC.
const moments = "2006-01-02 15:04:05.000000"

func moment(t time.Time) string { return t.UTC().Format(moments) }
