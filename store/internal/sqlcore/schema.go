package sqlcore

import (
	"slices"
	"strings"
)

// Kind is how a column keeps its values.
type Kind int

// The kinds of columns that are found in Chainlit's tables.
const (
	Text Kind = iota
	UUID
	Bool
	Int
	JSON
	List // an array of texts
)

// KindOf classifies a column by its declared type, in any spelling that
// PostgreSQL's catalogs or the DDL of SQLite files use.
func KindOf(declared string) Kind {
	t := strings.ToLower(strings.TrimSpace(declared))
	switch {
	case strings.HasSuffix(t, "[]"), t == "array", t == "_text", t == "_varchar":
		return List
	case strings.HasPrefix(t, "uuid"):
		return UUID
	case strings.HasPrefix(t, "bool"):
		return Bool
	case strings.HasPrefix(t, "json"):
		return JSON
	case strings.Contains(t, "int"):
		return Int
	}
	return Text
}

// Column is a column as it was found.
type Column struct {
	Name    string
	Type    string // as declared
	Kind    Kind
	NotNull bool
	Default bool // it has one
}

// Table is a table as it was found. The zero value is a table that is missing.
type Table struct {
	Name    string
	Columns []Column   // in their order
	Indexes [][]string // the columns of each index, leading first
}

// Exists tells whether the table was found.
func (t Table) Exists() bool { return len(t.Columns) > 0 }

// Column returns a column by its exact name.
func (t Table) Column(name string) (Column, bool) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return t.Columns[i], true
}

// Has tells whether the table has a column.
func (t Table) Has(name string) bool {
	_, ok := t.Column(name)
	return ok
}

// Indexed tells whether some index starts with these columns.
func (t Table) Indexed(columns ...string) bool {
	return slices.ContainsFunc(t.Indexes, func(index []string) bool {
		return len(index) >= len(columns) && slices.Equal(index[:len(columns)], columns)
	})
}

// Schema is Chainlit's tables as they were found in one database.
type Schema struct {
	Users, Threads, Steps, Elements, Feedbacks Table
}

// Tables are the names of Chainlit's tables, in the order in which they refer
// to each other.
func Tables() []string { return []string{"users", "threads", "steps", "elements", "feedbacks"} }

// Table returns one of the tables by name, to be filled or read.
func (s *Schema) Table(name string) *Table {
	switch name {
	case "users":
		return &s.Users
	case "threads":
		return &s.Threads
	case "steps":
		return &s.Steps
	case "elements":
		return &s.Elements
	case "feedbacks":
		return &s.Feedbacks
	}
	return nil
}

// Names of the columns that Varve adds to Chainlit's tables.
const (
	ActivityColumn = "varve_last_activity" // threads: fixed-width UTC text, "" when unknown
	ExtraColumn    = "varve_extra"         // steps, elements: unknown keys, a JSON object
)

// PrivateKey is where the metadata of a step keeps what has no column.
const PrivateKey = "varve"
