package state

import (
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// maxName bounds the names of tables and columns: with what Varve puts around
// them they fit into every database.
const maxName = 48

// maxColumns is far below what any database allows.
const maxColumns = 500

func sameName(a, b string) bool { return strings.EqualFold(a, b) }

// checkName refuses what is no name of a table or column.
func checkName(field, name string) error {
	ok := name != "" && len(name) <= maxName
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		ok = ok && (letter || i > 0 && (r == '_' || r >= '0' && r <= '9'))
	}
	if !ok {
		return errs.Field(errs.Invalid, field, "%q is no name: it begins with a letter and goes on with letters, digits and underscores, at most %d of them", name, maxName)
	}
	if strings.HasPrefix(strings.ToLower(name), "varve_") {
		return errs.Field(errs.Invalid, field, "%q: names that begin with varve_ are Varve's own", name)
	}
	return nil
}

// check refuses a declaration that contradicts itself.
func (s *Schema) check() error {
	if err := checkName("name", s.Name); err != nil {
		return err
	}
	if len(s.Columns) > maxColumns {
		return errs.Field(errs.TooLarge, "columns", "are %d; a table has at most %d", len(s.Columns), maxColumns)
	}
	seen := map[string]bool{}
	for _, c := range s.Columns {
		if err := c.check(); err != nil {
			return err
		}
		if name := strings.ToLower(c.Name); seen[name] {
			return errs.Field(errs.Invalid, "columns", "%q is there twice; names are compared without case", c.Name)
		}
		seen[strings.ToLower(c.Name)] = true
	}
	if len(s.Key) == 0 {
		return errs.Field(errs.Invalid, "key", "is missing: name the columns that make a row the same row")
	}
	for i, k := range s.Key {
		if at := s.Index(k); at < 0 || s.Columns[at].Type != Text && s.Columns[at].Type != Integer || slices.Contains(s.Key[:i], k) {
			return errs.Field(errs.Invalid, "key", "%q must be a column of type text or integer, named once", k)
		}
	}
	if at := s.Index(s.Owner); s.Owner != "" && (at < 0 || s.Columns[at].Type != Text) {
		return errs.Field(errs.Invalid, "owner", "%q must be a column of type text", s.Owner)
	}
	return nil
}

var types = []Type{Text, Integer, Real, Boolean, Time, Bytes, JSON}

func (c *Column) check() error {
	if err := checkName("columns", c.Name); err != nil {
		return err
	}
	for _, was := range c.Was {
		if err := checkName("columns", was); err != nil {
			return err
		}
	}
	if !slices.Contains(types, c.Type) {
		return errs.Field(errs.Invalid, "columns", "%q has no type %q; there are text, integer, real, boolean, time, bytes and json", c.Name, c.Type)
	}
	return nil
}
