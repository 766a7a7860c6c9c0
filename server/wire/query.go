package wire

import "github.com/varvedb/varve/query"

// Databackend tells about the database of the tables.
type Databackend struct {
	Features query.Features `json:"features"`
}

// Head is the first line of an answer in lines: its columns, or what a write
// did.
type Head struct {
	Columns []query.OutputColumn `json:"columns,omitempty"`
	IDs     []string             `json:"ids,omitempty" doc:"keys of the rows that were written"`
	Created *query.Table         `json:"created,omitempty" doc:"the table that the insert made"`
}

// End is the last line of an answer in lines. An answer without one was cut
// off.
type End struct {
	End     bool     `json:"end,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}
