package postgres

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// upsert is the one statement that lays a patch over a row of steps or
// elements. The text is made once for a layout; its parameters are, in this
// order, the five of a write, one a bound field, and the extras.
type upsert[T any] struct {
	m       sqlcore.Mapping[T]
	columns []string // of the insert
	values  []string // what a new row gets
	sets    []string // what an old row gets
	next    int      // the number of the next parameter
}

// Parameters that every write has: what it is about, and who writes when.
const (
	pID     = "$1"
	pThread = "$2"
	pActor  = "$3"
	pNow    = "$4" // fixed-width UTC text
	pDead   = "$5" // tombstones older than this have crumbled
	pFields = 6
)

func newUpsert[T any](m sqlcore.Mapping[T], born map[string]string) *upsert[T] {
	u := &upsert[T]{m: m, next: pFields}
	for _, f := range m.Fields {
		c := f.Column
		switch f.Key {
		case "id":
			u.add(c.Name, cast(pID, c), "")
			continue
		case "threadId":
			u.add(c.Name, "ready.id", "")
			continue
		}
		p := cast(u.param(), c)
		fresh := p
		if start, ok := born[f.Key]; ok {
			fresh = fmt.Sprintf("coalesce(%s,%s)", p, cast(start, c))
		} else if c.NotNull {
			fresh = fmt.Sprintf("coalesce(%s,%s)", p, zero(c))
		}
		u.add(c.Name, fresh, fmt.Sprintf("coalesce(%s,old.%s)", p, sqlcore.Quote(c.Name)))
	}
	for _, c := range m.Fill {
		u.add(c.Name, zero(c), "")
	}
	return u
}

func (u *upsert[T]) param() string {
	u.next++
	return fmt.Sprintf("$%d", u.next-1)
}

// add takes a column; set "" leaves it out of updates.
func (u *upsert[T]) add(column, value, set string) {
	name := sqlcore.Quote(column)
	u.columns = append(u.columns, name)
	u.values = append(u.values, value)
	if set != "" {
		u.sets = append(u.sets, name+"="+set)
	}
}

// replace gives a column that add took another set.
func (u *upsert[T]) replace(column, value, set string) {
	name := sqlcore.Quote(column)
	for i := range u.columns {
		if u.columns[i] == name {
			u.values[i] = value
		}
	}
	for i := range u.sets {
		if strings.HasPrefix(u.sets[i], name+"=") {
			u.sets[i] = name + "=" + set
		}
	}
}

// extra merges the keys without a column, where there is a column for those.
func (u *upsert[T]) extra() {
	if u.m.Extra {
		p := u.param()
		name := sqlcore.Quote(sqlcore.ExtraColumn)
		u.add(sqlcore.ExtraColumn, p+"::jsonb", fmt.Sprintf("coalesce(old.%[1]s||%[2]s::jsonb,old.%[1]s,%[2]s::jsonb)", name, p))
	}
}

// insert is the text of the statement's last part. A row of another thread is
// left alone: the caller looks again and sees it.
func (u *upsert[T]) insert(table string) string {
	return fmt.Sprintf(`INSERT INTO %s AS old (%s) SELECT %s FROM ready ON CONFLICT ("id") DO UPDATE SET %s WHERE old."threadId"=EXCLUDED."threadId" OR old."threadId" IS NULL RETURNING 1`,
		table, strings.Join(u.columns, ","), strings.Join(u.values, ","), strings.Join(u.sets, ","))
}

// args are the values of a patch in the order of the parameters, after those
// that every write has.
func (u *upsert[T]) args(v *T) []any {
	args := make([]any, 0, len(u.m.Fields)+4)
	for _, f := range u.m.Fields {
		if f.Key == "id" || f.Key == "threadId" {
			continue
		}
		p := f.At(v)
		if sqlcore.Empty(p) {
			args = append(args, nil) // says nothing, also to a column that refuses NULL
			continue
		}
		args = append(args, sqlcore.Encode(p, f.Column))
	}
	return args
}

// common are the values that every write has.
func common(id, thread string, w chat.Write) []any {
	return []any{id, thread, w.Actor, chat.FormatTime(w.Now), w.Now.Add(-chat.TombstoneAge)}
}

// cast makes a value of a column's type out of an expression.
func cast(expr string, c sqlcore.Column) string { return expr + "::" + c.Type }

// zero is what a column that refuses NULL gets from a row without a value.
func zero(c sqlcore.Column) string {
	switch v := sqlcore.Zero(c).(type) {
	case bool:
		return "false"
	case int64:
		return "0"
	case []string:
		return "'{}'::" + c.Type
	case string:
		if c.Kind == sqlcore.UUID {
			v = "00000000-0000-0000-0000-000000000000"
		}
		return "'" + v + "'::" + c.Type
	}
	return "NULL"
}
