package wire

import (
	"encoding/json"

	"github.com/varvedb/varve/state"
)

// Version is a version of a row of a versioned table: its columns by their
// names, then what begins with an underscore: _seq, its position; _version,
// its number in its row; _at, when it was written; _op; _actor; _source, of a
// restore; _entity, the number of the row.
type Version = json.RawMessage

// Versions answers reads and writes of versions.
type Versions struct {
	Data []Version `json:"data"`
}

// WrittenVersions answers a write: the versions in the order of the changes, with the
// columns of the table as it is declared now.
type WrittenVersions struct {
	Columns []state.Column `json:"columns"`
	Data    []Version      `json:"data"`
}

// Change asks for one version of a row.
type Change struct {
	Op     string                     `json:"op" enum:"append,update,put,delete,restore" doc:"append: the row must not be there; update, delete: it must; put: either"`
	Values map[string]json.RawMessage `json:"values,omitempty" doc:"of append, update and put: values by the names of columns, the key's among them"`
	Key    string                     `json:"key,omitempty" doc:"of delete and restore: the key; a JSON list of the values where it has several columns"`
	Whole  bool                       `json:"whole,omitempty" doc:"an update makes every column that is not given null"`
	Expect int64                      `json:"expect,omitempty" doc:"the version that the row must be at, else conflict"`
	Source int64                      `json:"source,omitempty" doc:"of restore: the version to take the values from"`
	Owner  *string                    `json:"owner,omitempty" doc:"the only user whose rows may be written; an acting user's are their own in any case"`
	Actor  string                     `json:"actor,omitempty" doc:"who writes"`
}

// Changes is the body of a write: all are made, in order, or none.
type Changes struct {
	Writes []Change `json:"writes"`
}

// Scan is the body of a query for rows.
type Scan struct {
	At      int64             `json:"at,omitempty" doc:"the state at a position; now when absent"`
	Where   []state.Condition `json:"where,omitempty" doc:"all must hold, for the version that is shown"`
	Order   []state.Order     `json:"order,omitempty" doc:"null comes last, and first when descending; ties in the order of _entity"`
	After   []any             `json:"after,omitempty" doc:"the values of the order, and last the _entity, of the row to go on behind"`
	First   int               `json:"first,omitempty" doc:"how many; 1 to 1000"`
	Deleted bool              `json:"deleted,omitempty" doc:"deleted rows too"`
}

// Position is a position in a table.
type Position struct {
	Seq int64 `json:"seq"`
}

// Compacted tells how many versions are gone.
type Compacted struct {
	Removed int64 `json:"removed"`
}
