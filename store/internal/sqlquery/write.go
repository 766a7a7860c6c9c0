package sqlquery

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Keys makes a statement that answers the keys of the rows that a condition
// lets through. tail is what the dialect adds, as to lock them.
func Keys(t *Table, where *query.Cond, d *Dialect, tail string) (*Asked, error) {
	c := &compiler{d: d, tables: []*Table{t}}
	c.b.WriteString("SELECT ")
	out := &Asked{Columns: []Output{c.key()}}
	c.b.WriteString(" FROM ")
	c.table(0)
	c.where(&query.Plan{Where: *where})
	c.b.WriteString(tail)
	out.SQL, out.Args = c.b.String(), c.args
	return out, c.failed()
}

// key writes the key of the table and says how it is read.
func (c *compiler) key() Output {
	r := query.Ref{Column: c.tables[0].Index(c.tables[0].Key)}
	return c.output(&r)
}

// Update makes a statement that sets columns and answers keys.
func Update(t *Table, set []query.Assign, where *query.Cond, d *Dialect) (*Asked, error) {
	c := &compiler{d: d, tables: []*Table{t}}
	c.b.WriteString("UPDATE ")
	c.table(0)
	c.b.WriteString(" SET ")
	c.set(set)
	return c.returning(where)
}

// Delete makes a statement that removes rows and answers their keys.
func Delete(t *Table, where *query.Cond, d *Dialect) (*Asked, error) {
	c := &compiler{d: d, tables: []*Table{t}}
	c.b.WriteString("DELETE FROM ")
	c.table(0)
	return c.returning(where)
}

func (c *compiler) returning(where *query.Cond) (*Asked, error) {
	c.where(&query.Plan{Where: *where})
	c.b.WriteString(" RETURNING ")
	// Not every engine knows the alias there.
	key := c.tables[0].KeyColumn()
	expr := c.d.Name(key.Name)
	if c.d.Read != nil {
		expr = c.d.Read(expr, key)
	}
	c.b.WriteString(expr)
	return &Asked{SQL: c.b.String(), Args: c.args, Columns: []Output{{Column: key}}}, c.failed()
}

func (c *compiler) set(set []query.Assign) {
	for i, s := range set {
		if i > 0 {
			c.b.WriteByte(',')
		}
		column := &c.tables[0].Native[s.Column]
		c.b.WriteString(c.d.Name(column.Name) + "=" + c.param(c.d.Bind(s.Value, column.Type), ""))
	}
}

// UpdateKeys and DeleteKeys are for engines that answer no keys: they change
// the rows of some keys.
func UpdateKeys(t *Table, set []query.Assign, keys []any, d *Dialect) (*Asked, error) {
	c := &compiler{d: d, tables: []*Table{t}}
	c.b.WriteString("UPDATE ")
	c.table(0)
	c.b.WriteString(" SET ")
	c.set(set)
	return c.ofKeys(keys)
}

// DeleteKeys removes rows by their keys.
func DeleteKeys(t *Table, keys []any, d *Dialect) (*Asked, error) {
	c := &compiler{d: d, tables: []*Table{t}}
	c.b.WriteString("DELETE t0 FROM ")
	c.table(0)
	return c.ofKeys(keys)
}

func (c *compiler) ofKeys(keys []any) (*Asked, error) {
	at := c.tables[0].Index(c.tables[0].Key)
	c.where(&query.Plan{Where: query.Cond{Op: query.In, Ref: query.Ref{Column: at, Type: c.tables[0].Columns[at].Type}, Value: keys}})
	return &Asked{SQL: c.b.String(), Args: c.args}, c.failed()
}

// Writable is an error for a column that cannot be written, and for a table
// whose rows cannot.
func (t *Table) Writable(columns ...int) error {
	switch {
	case t.Reserved != "":
		return errs.Field(errs.Forbidden, "table", "%q is written as what it is, not by questions", t.Name)
	case t.Key == "":
		return errs.Field(errs.Unsupported, "table", "%q has no key of one column that is text or a number, so its rows are read only", t.Name)
	}
	for _, i := range columns {
		if c := &t.Native[i]; c.Refused {
			return errs.Field(errs.Unsupported, c.Name, "is of the database's type %s, which is read as text and not written here", c.Native)
		}
	}
	return nil
}

// Run is a part of an insert: rows that fill the same columns.
type Run struct {
	From, To int
	Columns  []int
}

// Runs cuts an insert into parts. What is NULL in a column that the database
// fills itself is left out. It refuses values of columns that cannot be written.
func (t *Table) Runs(rows [][]any) ([]Run, error) {
	if err := t.Writable(); err != nil {
		return nil, err
	}
	var special []int // columns that are not simply filled
	for i := range t.Native {
		if c := &t.Native[i]; c.Default || c.Refused || t.Generated && c.Name == t.Key {
			special = append(special, i)
		}
	}
	if len(special) == 0 {
		all := make([]int, len(t.Native))
		for i := range all {
			all[i] = i
		}
		return []Run{{0, len(rows), all}}, nil
	}
	var runs []Run
	for i, row := range rows {
		if i > 0 && !slices.ContainsFunc(special, func(at int) bool { return (row[at] == nil) != (rows[i-1][at] == nil) }) {
			runs[len(runs)-1].To = i + 1
			continue
		}
		columns, err := t.filled(row, special)
		if err != nil {
			return nil, err
		}
		runs = append(runs, Run{i, i + 1, columns})
	}
	return runs, nil
}

func (t *Table) filled(row []any, special []int) (columns []int, err error) {
	for i := range t.Native {
		if row[i] == nil && slices.Contains(special, i) {
			continue
		}
		if err := t.Writable(i); err != nil {
			return nil, err
		}
		columns = append(columns, i)
	}
	return columns, nil
}

// KeyText is a key as text.
func KeyText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// CompareKeys is the order of keys.
func CompareKeys(a, b any) int {
	switch x := a.(type) {
	case int64:
		y, _ := b.(int64)
		return cmp.Compare(x, y)
	case string:
		y, _ := b.(string)
		return strings.Compare(x, y)
	}
	return 0
}

// SortKeys puts keys in their order and gives their texts.
func SortKeys(keys []any) []string {
	slices.SortFunc(keys, CompareKeys)
	return KeyTexts(keys)
}

// KeyTexts are keys as text.
func KeyTexts(keys []any) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = KeyText(k)
	}
	return out
}

// Span is the least and the greatest of keys, the latter "" for one key.
func Span(keys []any) (first, last string) {
	first = KeyText(slices.MinFunc(keys, CompareKeys))
	if len(keys) > 1 {
		last = KeyText(slices.MaxFunc(keys, CompareKeys))
	}
	return first, last
}

// TakenKey is the error for a key that a row has already.
func TakenKey(t *Table, key any) error { return query.TakenKey(&t.Table, KeyText(key)) }

// TakenValue is the error for what another row has in a column in which whoever
// made the table wants it once. What the engine says of that names things of its
// own, and may repeat the value.
func TakenValue(t *Table) error {
	return errs.New(errs.Exists, "another row of the table %q has a value that no two of its rows may have", t.Name)
}

// ParseKey reads a key from its text.
func (t *Table) ParseKey(text string) (any, error) {
	if c := t.KeyColumn(); c.Type.Kind == query.Integer {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errs.Field(errs.Internal, c.Name, "a key is no number")
		}
		return n, nil
	}
	return text, nil
}
