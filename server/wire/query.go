package wire

import "github.com/varvedb/varve/query"

// Databackend tells about the database of the tables, and what belongs to it.
type Databackend struct {
	Features query.Features `json:"features"`
	*Parts
}

// Parts are what was opened, without secrets.
type Parts struct {
	Name        string `json:"name" doc:"of the database, by which it is dropped"`
	Databackend Part   `json:"databackend" doc:"where the tables are"`
	Metadata    Part   `json:"metadata" doc:"where components are registered"`
	Artifacts   Part   `json:"artifacts" doc:"where large bytes lie"`
	Compute     Part   `json:"compute" doc:"what runs jobs"`
}

// Part is one part of a data layer.
type Part struct {
	Kind string `json:"kind" doc:"the scheme of its URL"`
	URL  string `json:"url" doc:"without secrets"`
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
