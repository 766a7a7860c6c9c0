//go:build cgo && !no_duckdb

package duck

import (
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Column is a column of an answer. Type is the engine's word for what it
// holds: "BIGINT", "VARCHAR", "DECIMAL(18,3)", "JSON", "INTEGER[]".
type Column struct{ Name, Type string }

// Rows is an answer. It is read in blocks, once, by one goroutine.
type Rows struct {
	Columns []Column
	result  mapping.Result
	types   []mapping.LogicalType
	conn    mapping.Connection
}

// describe finds out what the answer's columns are.
func (r *Rows) describe() {
	for i := range mapping.ColumnCount(&r.result) {
		t := mapping.ColumnLogicalType(&r.result, i)
		r.types = append(r.types, t)
		r.Columns = append(r.Columns, Column{mapping.ColumnName(&r.result, i), typeName(t)})
	}
}

// Next returns the next block of rows, of some thousands at most; nil is the
// end. NULL is nil; numbers are int64, float64, or json.Number where they are
// decimal or too large; text, dates, times of day, intervals and UUIDs are
// string, moments are time.Time in UTC, bytes []byte, and JSON is
// json.RawMessage; what is nested is []any and [Object].
func (r *Rows) Next() ([][]any, error) {
	chunk := mapping.FetchChunk(r.result)
	if chunk.Ptr == nil {
		return nil, nil
	}
	defer mapping.DestroyDataChunk(&chunk)
	n := int(mapping.DataChunkGetSize(chunk))
	block, cells := make([][]any, n), make([]any, n*len(r.types))
	for i := range block {
		block[i], cells = cells[:len(r.types):len(r.types)], cells[len(r.types):]
	}
	for col, t := range r.types {
		read, err := reader(t, mapping.DataChunkGetVector(chunk, mapping.IdxT(col)))
		if err != nil {
			return nil, err
		}
		for i := range block {
			block[i][col] = read(i)
		}
	}
	return block, nil
}

// Close gives the answer's memory back. It may be called twice.
func (r *Rows) Close() {
	for i := range r.types {
		mapping.DestroyLogicalType(&r.types[i])
	}
	r.types = nil
	mapping.DestroyResult(&r.result)
}
