package state

// Type is what a column holds. Beside its value every column may hold NULL,
// which is nil in Go, unless it is part of a key of one column.
type Type string

// The types, and what holds a value of each in a [Row] and at the port.
const (
	Text    Type = "text"    // string, without NUL
	Integer Type = "integer" // int64
	Real    Type = "real"    // float64, finite
	Boolean Type = "boolean" // bool
	Time    Type = "time"    // time.Time in UTC, of whole microseconds
	Bytes   Type = "bytes"   // []byte
	JSON    Type = "json"    // json.RawMessage, compact; lists and nested values
)

// Column is one column of a table as its users see it.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// Was lists former names, so that a declaration under the new name finds
	// the column: renaming it rewrites nothing.
	Was []string `json:"was,omitempty"`
}

// Schema declares a table.
//
// Names of tables and columns begin with a letter and go on with letters,
// digits and underscores, at most 48 bytes; they are compared without case.
// Names of columns that begin with an underscore belong to Varve: _seq,
// _version, _at, _op, _actor.
type Schema struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	// Key names the columns that make a row the same row: of type text or
	// integer, one or several. In a key of several NULL is a value like any
	// other, equal to itself only.
	Key []string `json:"key"`
	// Owner names the column, of type text, with the user to whom a row
	// belongs; "" when rows belong to nobody.
	Owner string `json:"owner,omitempty"`
}

// Place is where the values of a column are stored: a widened column has two,
// the newer first, and its value is that of the first that is not NULL.
type Place struct {
	Name string `json:"name"` // of the column in the database
	Type Type   `json:"type"`
}

// Table is a declared table as a database holds it. Columns are only ever
// added at the end, and what a Place holds never moves, so that a Table read
// some time ago still reads right.
type Table struct {
	Schema
	// Places belong to Columns, one list for each.
	Places [][]Place `json:"places"`
	// Generation grows when the table is cleared: what was derived from it is
	// to be derived again.
	Generation int64 `json:"generation"`
	// Horizon is the position before which versions were compacted away or
	// cleared: an older state cannot be told any more, and every version from
	// it on is there. 0: none were.
	Horizon int64 `json:"horizon"`
	// Edition is another number whenever the declaration changed or versions
	// were forgotten: who has a copy of the log makes a new one. Within a
	// generation nothing else changes what was read once.
	Edition int64 `json:"edition"`
}

// Index is the number of the column with a name, or -1. Names are compared
// without case.
func (s *Schema) Index(name string) int {
	for i := range s.Columns {
		if sameName(s.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}
