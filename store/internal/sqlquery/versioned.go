package sqlquery

import (
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/state"
)

// Versioned is a versioned table as questions see it.
func Versioned(t *state.Table) query.Table {
	columns := make([]query.Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = query.Column{Name: c.Name, Type: query.Type{Kind: query.Kind(c.Type)}}
	}
	return query.StateTable(t.Name, columns, t.Schema.Key, t.Owner)
}
