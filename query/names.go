package query

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Bounds that every database keeps.
const (
	MaxName = 63            // bytes of the name of a table or column
	MaxKey  = 768           // bytes of a key: it stands in an index
	MaxText = datum.MaxSize // bytes of one value
)

// CheckName lets through what every database takes as the name of a table or
// column when it is quoted: from 1 to 63 bytes of UTF-8 without control
// characters and characters beyond the basic plane, not beginning or ending in
// a space, nor beginning with "varve_", "sqlite_" or "pg_". field is what the
// error names.
func CheckName(field, name string) error {
	switch {
	case name == "":
		return errs.Field(errs.Invalid, field, "is empty")
	case len(name) > MaxName:
		return errs.Field(errs.Invalid, field, "has a name of %d bytes; a name has at most %d", len(name), MaxName)
	case !utf8.ValidString(name):
		return errs.Field(errs.Invalid, field, "has a name that is not UTF-8")
	case strings.TrimSpace(name) != name:
		return errs.Field(errs.Invalid, field, "has a name that begins or ends in a space")
	case strings.ContainsFunc(name, unnameable):
		return errs.Field(errs.Invalid, field, "has a name with a character that not every database takes in one")
	}
	for _, prefix := range []string{"varve_", "sqlite_", "pg_"} {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return errs.Field(errs.Invalid, field, "names beginning with %q are taken; choose another", prefix)
		}
	}
	return nil
}

func unnameable(r rune) bool { return r > 0xffff || unicode.IsControl(r) || r == utf8.RuneError }

// CheckTable checks the declaration of a table of the user's: its names, that
// no two are the same but for case, and its key, which is one of its columns.
func CheckTable(t Table) error {
	if err := CheckName("table", t.Name); err != nil {
		return err
	}
	if len(t.Columns) == 0 {
		return errs.Field(errs.Invalid, "columns", "the table %q has none", t.Name)
	}
	for i, c := range t.Columns {
		if err := CheckName(cmp.Or(c.Name, "columns"), c.Name); err != nil {
			return err
		}
		if j := t.Like(c.Name); j < i {
			return errs.Field(errs.Invalid, c.Name, "and %q are the same to databases that do not tell case", t.Columns[j].Name)
		}
		if again, err := ParseType(c.Type.String()); err != nil || !again.Same(c.Type) {
			return errs.Field(errs.Invalid, c.Name, "is of no type that there is")
		}
	}
	key := t.Index(t.Key)
	if key < 0 {
		return errs.Field(errs.Invalid, "key", "%q is none of the columns of %q", t.Key, t.Name)
	}
	if k := t.Columns[key].Type.Kind; k != Text && k != Integer {
		return errs.Field(errs.Invalid, "key", "%q is of type %s; a key is text or integer", t.Key, k)
	}
	if t.Generated || t.Documents || t.Reserved != "" || t.Owner != "" {
		return errs.Field(errs.Invalid, "table", "%q has what only a table has that is there already", t.Name)
	}
	return nil
}

// SameTable is nil where a table that is there can stand for one that is asked
// for: it has its columns, in whatever order, and its key. Else it is
// errs.Exists and names what differs.
func SameTable(there, asked *Table) error {
	for _, c := range asked.Columns {
		i := there.Index(c.Name)
		if i < 0 {
			return errs.Field(errs.Exists, c.Name, "the table %q is there without this column", there.Name)
		}
		if have := there.Columns[i].Type; !have.Same(c.Type) {
			return errs.Field(errs.Exists, c.Name, "the table %q is there and has this column as %s", there.Name, have)
		}
	}
	for _, c := range there.Columns {
		if asked.Index(c.Name) < 0 {
			return errs.Field(errs.Exists, c.Name, "the table %q is there and has this column too", there.Name)
		}
	}
	if there.Key != asked.Key {
		return errs.Field(errs.Exists, "key", "the table %q is there and its key is %q", there.Name, there.Key)
	}
	return nil
}
