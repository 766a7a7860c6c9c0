package memory

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
)

// reserved are the tables of the other rooms, a versioned one before one of
// conversations with the same name.
func (d *data) reserved() []query.Table {
	var out []query.Table
	names := map[string]bool{}
	for _, s := range d.sheets {
		out, names[s.table.Name] = append(out, shownAs(&s.table)), true
	}
	for _, t := range query.ConversationTables() {
		if !names[t.Name] {
			out = append(out, t)
		}
	}
	return out
}

// shownAs shows a versioned table to the databackend.
func shownAs(t *state.Table) query.Table {
	columns := make([]query.Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = query.Column{Name: c.Name, Type: query.Type{Kind: query.Kind(c.Type)}}
	}
	return query.StateTable(t.Name, columns, t.Key, t.Owner)
}

func (d *data) reservedRows(t *query.Table) [][]any {
	if t.Reserved == query.StateRoom {
		return d.versionedRows(t.Name)
	}
	var rows [][]any
	switch t.Name {
	case "users":
		for _, u := range d.users {
			rows = append(rows, []any{u.ID, filled(u.Identifier), filled(u.CreatedAt), object(u.Metadata, true)})
		}
	case "threads":
		for _, th := range d.threads {
			rows = append(rows, []any{th.ID, filled(th.CreatedAt), filled(th.Name), filled(th.UserID), filled(th.UserIdentifier), list(th.Tags), object(th.Metadata, true)})
		}
	case "steps":
		for _, s := range d.steps {
			if s.value.Hidden() {
				s.value.Input = ""
			}
			rows = append(rows, append(cells(chat.StepFields(), &s.value), d.ownerOf(s.value.ThreadID)))
		}
	case "elements":
		for _, e := range d.elements {
			rows = append(rows, append(cells(chat.ElementFields(), &e.value), d.ownerOf(e.value.ThreadID)))
		}
	case "feedbacks":
		for _, f := range d.feedbacks {
			comment := any(nil)
			if f.Comment != nil {
				comment = filled(*f.Comment)
			}
			rows = append(rows, []any{f.ID, f.ForID, filled(f.ThreadID), int64(f.Value), comment, d.ownerOf(f.ThreadID)})
		}
	}
	return rows
}

func (d *data) ownerOf(thread string) any { return filled(d.threads[thread].UserIdentifier) }

// cells are the fields of a step or an element in their order.
func cells[T any](fields []chat.Field[T], v *T) []any {
	out := make([]any, len(fields), len(fields)+1)
	for i, f := range fields {
		switch p := f.At(v).(type) {
		case *string:
			out[i] = filled(*p)
		case *chat.ShowInput:
			out[i] = filled(string(*p))
		case **bool:
			if *p != nil {
				out[i] = **p
			}
		case **int64:
			if *p != nil {
				out[i] = **p
			}
		case *[]string:
			out[i] = list(*p)
		case *chat.Object:
			out[i] = object(*p, f.Key == "metadata")
		case *json.RawMessage:
			out[i] = compact(*p)
		}
	}
	return out
}

// filled is a text, or NULL for one that is empty.
func filled(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list(tags []string) any {
	if len(tags) == 0 {
		return nil
	}
	return written(tags)
}

func object(o chat.Object, always bool) any {
	if len(o) > 0 {
		return written(o)
	}
	if always {
		return json.RawMessage("{}")
	}
	return nil
}

func written(v any) any {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return compact(b.Bytes())
}

func compact(raw []byte) any {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return nil
	}
	switch b.String() {
	case "null", "{}", "[]", `""`:
		return nil
	}
	return json.RawMessage(b.Bytes())
}

// versionedRows are the rows of a versioned table as they are.
func (d *data) versionedRows(name string) [][]any {
	s, err := d.sheet(name)
	if err != nil {
		return nil
	}
	var rows [][]any
	for _, versions := range s.rows {
		c, ok := newestAt(versions, 0)
		if !ok || c.Op == state.OpDelete {
			continue
		}
		v := c.as(&s.table)
		rows = append(rows, append(v.Values, v.Seq, v.Number, v.At, filled(v.Actor)))
	}
	return rows
}
