package sqlite

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// writeSQL holds the texts of the statements that write.
type writeSQL struct {
	stepHead, elementHead, threadHead string
	insertThread                      string
	insertStep, updateStep            string
	insertElement, updateElement      string
	insertUser, insertFeedback        string
	stepPatches, elementPatches       *patches
	fillThread, fillStep, fillElement []any
	fillUser, fillFeedback            []any
}

func newWriteSQL(p *schema) writeSQL {
	s, c := p.core.Schema, p.core
	var q writeSQL
	q.threadHead = `SELECT "id","userIdentifier" FROM threads WHERE "id"=?`
	q.stepHead = `SELECT s."threadId",s.rowid,t."id",t."userIdentifier" FROM (SELECT 1)` +
		` LEFT JOIN steps s ON s."id"=?1 LEFT JOIN threads t ON t."id"=coalesce(s."threadId",?2)`
	q.elementHead = `SELECT e."threadId",e.rowid,e."objectKey",t."id",t."userIdentifier" FROM (SELECT 1)` +
		` LEFT JOIN elements e ON e."id"=?1 LEFT JOIN threads t ON t."id"=?2`

	q.insertThread, q.fillThread = insert("threads", c.ThreadMap.Names(), c.ThreadMap.Fill)
	q.insertStep, q.fillStep = insert("steps", c.StepMap.Names(), c.StepMap.Fill)
	q.insertElement, q.fillElement = insert("elements", c.ElementMap.Names(), c.ElementMap.Fill)
	q.updateStep = update("steps", c.StepMap.Names())
	q.updateElement = update("elements", c.ElementMap.Names())
	q.stepPatches = &patches{table: "steps", columns: c.StepMap.Names()}
	q.elementPatches = &patches{table: "elements", columns: c.ElementMap.Names()}

	users := sqlcore.Map(s.Users, userFields)
	q.insertUser, q.fillUser = insert("users", users.Names(), users.Fill)
	votes := sqlcore.Map(s.Feedbacks, voteFields)
	q.insertFeedback, q.fillFeedback = insert("feedbacks", votes.Names(), votes.Fill)
	return q
}

var userFields = []chat.Field[chat.User]{
	{Key: "id", At: func(u *chat.User) any { return &u.ID }},
	{Key: "identifier", At: func(u *chat.User) any { return &u.Identifier }},
	{Key: "metadata", At: func(u *chat.User) any { return &u.Metadata }},
	{Key: "createdAt", At: func(u *chat.User) any { return &u.CreatedAt }},
}

// voteFields name the columns of a feedback in the order in which they are
// bound; every published schema has them all.
var voteFields = []chat.Field[chat.Feedback]{{Key: "id"}, {Key: "forId"}, {Key: "threadId"}, {Key: "value"}, {Key: "comment"}}

// insert makes an INSERT of columns and of what else refuses NULL, and the
// values of the latter.
func insert(table string, names []string, fill []sqlcore.Column) (sql string, values []any) {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, sqlcore.Quote(name))
	}
	for _, c := range fill {
		quoted = append(quoted, sqlcore.Quote(c.Name))
		values = append(values, sqlcore.Zero(c))
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(quoted)), ",")
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(quoted, ","), marks), values
}

// update makes an UPDATE of all columns; the id is bound last.
func update(table string, names []string) string {
	var set []string
	for _, name := range names {
		set = append(set, sqlcore.Quote(name)+"=?")
	}
	return fmt.Sprintf(`UPDATE %s SET %s WHERE "id"=?`, table, strings.Join(set, ","))
}

// patches makes UPDATEs of some columns and keeps their texts: programs patch
// in few shapes.
type patches struct {
	table   string
	columns []string
	texts   sync.Map // a bit for each column → text
}

func (p *patches) sql(which uint64) string {
	if text, ok := p.texts.Load(which); ok {
		return text.(string)
	}
	var names []string
	for i, name := range p.columns {
		if which&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	text := update(p.table, names)
	p.texts.Store(which, text)
	return text
}

// encoded is a row to be written and, of its columns, those that a patch
// names.
type encoded struct {
	values []any
	named  uint64
}

// encode encodes the fields of v and notes which of them patch names.
func encode[T any](m sqlcore.Mapping[T], v, patch *T, extra map[string]json.RawMessage) encoded {
	e := encoded{values: m.Values(v, extra)}
	for i, f := range m.Fields {
		if patch != nil && !sqlcore.Empty(f.At(patch)) {
			e.named |= 1 << i
		}
	}
	return e
}

// pick returns the values of some columns.
func (e encoded) pick(which uint64) []any {
	var out []any
	for i, v := range e.values {
		if which&(1<<i) != 0 {
			out = append(out, v)
		}
	}
	return out
}

// bits of the columns that a patch never writes.
func bits(names []string, never ...string) (out uint64) {
	for i, name := range names {
		for _, n := range never {
			if name == n {
				out |= 1 << i
			}
		}
	}
	return out
}

// encodeStep encodes a whole step and notes what patch names of it.
func (p *schema) encodeStep(s, patch *chat.Step) encoded {
	e := encoded{values: p.core.StepRow(s)}
	for i, f := range p.core.StepMap.Fields {
		if patch != nil && !sqlcore.Empty(f.At(patch)) {
			e.named |= 1 << i
		}
	}
	return e
}

// stows tells whether a step may hold things in its metadata that have no
// column, so that a change of the metadata must know the old one.
func (p *schema) stows() bool {
	return !p.core.StepMap.Extra || len(p.core.StepMap.Homeless) > 0
}
