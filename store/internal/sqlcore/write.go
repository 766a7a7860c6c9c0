package sqlcore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/varvedb/varve/chat"
)

// This file serves the engines that merge in Go: they look, lay the patch over
// what they saw with the functions of package chat, and write columns. Values
// are bound to "?" in the order of the columns.

// Insert makes an INSERT of columns and of what else refuses NULL, and the
// values of the latter.
func Insert(table string, names []string, fill []Column) (sql string, values []any) {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, Quote(name))
	}
	for _, c := range fill {
		quoted = append(quoted, Quote(c.Name))
		values = append(values, Zero(c))
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(quoted)), ",")
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(quoted, ","), marks), values
}

// Update makes an UPDATE of columns; the id is bound last.
func Update(table string, names []string) string {
	var set []string
	for _, name := range names {
		set = append(set, Quote(name)+"=?")
	}
	return fmt.Sprintf(`UPDATE %s SET %s WHERE "id"=?`, table, strings.Join(set, ","))
}

// Patches makes UPDATEs of some columns and keeps their texts: programs patch
// in few shapes. It is safe for concurrent use.
type Patches struct {
	Table   string
	Columns []string // at most 64
	texts   sync.Map // a bit for each column → text
}

// SQL is the UPDATE of some columns, a bit for each.
func (p *Patches) SQL(which uint64) string {
	if text, ok := p.texts.Load(which); ok {
		return text.(string)
	}
	var names []string
	for i, name := range p.Columns {
		if which&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	text := Update(p.Table, names)
	p.texts.Store(which, text)
	return text
}

// Bits are those of some columns.
func (p *Patches) Bits(names ...string) (out uint64) {
	for i, name := range p.Columns {
		if slices.Contains(names, name) {
			out |= 1 << i
		}
	}
	return out
}

// Encoded is a row to be written and, of its columns, those that a patch
// names.
type Encoded struct {
	Values []any
	Named  uint64
}

// Encode encodes the fields of v and notes which of them patch names.
func (m Mapping[T]) Encode(v, patch *T, extra map[string]json.RawMessage) Encoded {
	return Encoded{m.Values(v, extra), m.named(patch)}
}

func (m Mapping[T]) named(patch *T) (bits uint64) {
	for i, f := range m.Fields {
		if patch != nil && !Empty(f.At(patch)) {
			bits |= 1 << i
		}
	}
	return bits
}

// Pick returns the values of some columns.
func (e Encoded) Pick(which uint64) []any {
	var out []any
	for i, v := range e.Values {
		if which&(1<<i) != 0 {
			out = append(out, v)
		}
	}
	return out
}

// EncodeStep encodes a whole step, as StepRow does, and notes what patch names
// of it.
func (c *Core) EncodeStep(s, patch *chat.Step) Encoded {
	return Encoded{c.StepRow(s), c.StepMap.named(patch)}
}

// Stows tells whether a step may hold things in its metadata that have no
// column, so that a change of the metadata must know the old one.
func (c *Core) Stows() bool { return !c.StepMap.Extra || len(c.StepMap.Homeless) > 0 }

// ThreadChanges are the columns that a patch changed in a thread and their
// values, none when it changed nothing.
func (c *Core) ThreadChanges(old, merged chat.Thread, patch chat.ThreadPatch) (names []string, values []any) {
	put := func(column string, value any) {
		names, values = append(names, column), append(values, value)
	}
	if merged.Name != old.Name {
		put("name", merged.Name)
	}
	if merged.UserID != old.UserID || merged.UserIdentifier != old.UserIdentifier {
		put("userId", merged.UserID)
		put("userIdentifier", merged.UserIdentifier)
	}
	if patch.Tags != nil {
		tags, _ := c.Schema.Threads.Column("tags")
		put("tags", Encode(&merged.Tags, tags))
	}
	if len(patch.Metadata) > 0 {
		put("metadata", string(AppendJSON(nil, merged.Metadata)))
	}
	return names, values
}

// UserFields name the columns of a user. The slice is shared: do not change it.
func UserFields() []chat.Field[chat.User] { return userFields }

var userFields = []chat.Field[chat.User]{
	{Key: "id", At: func(u *chat.User) any { return &u.ID }},
	{Key: "identifier", At: func(u *chat.User) any { return &u.Identifier }},
	{Key: "metadata", At: func(u *chat.User) any { return &u.Metadata }},
	{Key: "createdAt", At: func(u *chat.User) any { return &u.CreatedAt }},
}

// VoteFields name the columns of a feedback in the order in which they are
// bound; every published schema has them all. The slice is shared: do not
// change it.
func VoteFields() []chat.Field[chat.Feedback] { return voteFields }

var voteFields = []chat.Field[chat.Feedback]{{Key: "id"}, {Key: "forId"}, {Key: "threadId"}, {Key: "value"}, {Key: "comment"}}

// Tree lists a step and those under it, parents first. Parents may form a
// circle.
func Tree(root string, children map[string][]string) []string {
	tree, seen := []string{root}, map[string]bool{root: true}
	for i := 0; i < len(tree); i++ {
		for _, child := range children[tree[i]] {
			if !seen[child] {
				seen[child] = true
				tree = append(tree, child)
			}
		}
	}
	return slices.Clip(tree)
}
