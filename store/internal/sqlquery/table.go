package sqlquery

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Table is a table as a database holds it, with what the port does not say.
type Table struct {
	query.Table
	Native []Column // of the Table's Columns, in their order
	// Rows is the subquery that gives the rows of a reserved table; "": they
	// are those of the table of this name.
	Rows string
	// Edition is drawn at random when Varve makes the table; 0: another did.
	Edition int64
}

// Column is a column as a database holds it.
type Column struct {
	query.Column
	Native string // its type, as the database says it
	// Own: it is declared as Varve declares a column of its type.
	Own bool
	// Refused: its type is none that Varve knows. It is read as text.
	Refused bool
	// Default: the database fills it where it is left out.
	Default bool
	// Mend, where it is set, makes the value of what was stored as text.
	Mend func(text string) any
}

// Plain makes the Columns of the port from the native ones.
func (t *Table) Plain() {
	t.Columns = make([]query.Column, len(t.Native))
	for i := range t.Native {
		t.Columns[i] = t.Native[i].Column
	}
}

// KeyColumn is the column by which rows are found, or nil.
func (t *Table) KeyColumn() *Column {
	if i := t.Index(t.Key); t.Key != "" && i >= 0 {
		return &t.Native[i]
	}
	return nil
}

// Check is errs.Conflict when a plan's table is not as this one any more.
func (t *Table) Check(planned *query.Table) error {
	if t.Name == planned.Name && t.Key == planned.Key && t.Generated == planned.Generated && t.Reserved == planned.Reserved && sameColumns(t.Columns, planned.Columns) {
		return nil
	}
	return errs.New(errs.Conflict, "the table %q was changed by another program a moment ago; ask again", planned.Name)
}

func sameColumns(a, b []query.Column) bool {
	if len(a) != len(b) || len(a) > 0 && &a[0] == &b[0] {
		return len(a) == len(b)
	}
	return slices.EqualFunc(a, b, sameColumn)
}

func sameColumn(a, b query.Column) bool {
	return a.Name == b.Name && a.Required == b.Required && a.Type.Same(b.Type)
}

// Declared is errs.Exists when a table is not as Create wants it. It names a
// column that differs.
func (t *Table) Declared(want *query.Table) error {
	differs := func(column, format string, args ...any) error {
		return errs.Field(errs.Exists, column, "there is a table %q already, and in it "+format, append([]any{want.Name}, args...)...)
	}
	if t.Reserved != "" {
		return errs.Field(errs.Exists, "table", "%q is a table of Varve's own", want.Name)
	}
	for _, c := range want.Columns {
		i := t.Index(c.Name)
		if i < 0 {
			return differs(c.Name, "is no column %q", c.Name)
		}
		if there := t.Columns[i].Type; !there.Same(c.Type) {
			return differs(c.Name, "the column %q is of type %s, not %s", c.Name, there, c.Type)
		}
	}
	for _, c := range t.Columns {
		if want.Index(c.Name) < 0 {
			return differs(c.Name, "is a column %q more", c.Name)
		}
	}
	if t.Key != want.Key {
		return differs(want.Key, "the key is %q, not %q", t.Key, want.Key)
	}
	return nil
}

// noRows ends the subquery of a reserved table that nobody has made yet, in
// every dialect.
const noRows = " LIMIT 0"

// NoRows is the subquery of a reserved table that nobody has made yet: to ask
// for its rows makes nothing in a database that may be somebody else's. null is
// a column without a value.
func NoRows(t *query.Table, null func(query.Column) string) string {
	var columns []string
	for _, c := range t.Columns {
		columns = append(columns, null(c))
	}
	return "SELECT " + strings.Join(columns, ",") + noRows
}

// Unmade tells whether nobody has made the table yet, so that its name is free
// for a table of the user's.
func (t *Table) Unmade() bool { return strings.HasSuffix(t.Rows, noRows) }

// Missing is the error for a table that is not there.
func Missing(name string) error {
	return errs.Field(errs.NotFound, "table", "there is no table %q", name)
}

// Taken is the error for a name that Varve keeps for itself.
func Taken(name string) error {
	return errs.Field(errs.Invalid, "table", "%q is a name of Varve's own", name)
}

// Private tells whether a name is one that Varve keeps for itself.
func Private(name string) bool {
	const prefix = "varve_"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// Encode is what the catalogue keeps of a table that Create makes.
func Encode(t *query.Table) (string, error) {
	raw, err := json.Marshal(query.Table{Name: t.Name, Columns: t.Columns, Key: t.Key})
	if err != nil {
		return "", errs.Wrap(errs.Internal, err, "the table %q cannot be written down", t.Name)
	}
	return string(raw), nil
}

// Overlay takes the types from the catalogue for those columns that are still
// declared as Varve declared them, as declare says it: another program may
// have changed the table since. It was made by Varve if no column is missing.
func (t *Table) Overlay(declaration string, declare func(query.Column, bool) string) error {
	var made query.Table
	if err := json.Unmarshal([]byte(declaration), &made); err != nil {
		return errs.Wrap(errs.Internal, err, "what varve_data_table says of the table %q is damaged; restore that row from a backup", t.Name)
	}
	t.Created = made.Key == t.Key
	for _, c := range made.Columns {
		i := t.Index(c.Name)
		if i < 0 || !strings.EqualFold(t.Native[i].Native, declare(c, c.Name == made.Key)) {
			t.Created = false
			continue
		}
		n := &t.Native[i]
		n.Type, n.Own, n.Refused = c.Type, true, false
		t.Columns[i].Type = c.Type
	}
	return nil
}
