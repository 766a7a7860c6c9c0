//go:build cgo && !no_duckdb

package duck

import (
	"context"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Column is a column of an answer. Type is the engine's word for what it
// holds: "BIGINT", "VARCHAR", "DECIMAL(18,3)", "JSON", "INTEGER[]".
type Column struct{ Name, Type string }

// Rows is an answer. It is read in blocks, once, by one goroutine.
type Rows struct {
	Columns []Column
	// Packed: what is declared FLOAT[n] comes as []float32.
	Packed bool
	result mapping.Result
	types  []mapping.LogicalType
	conn   mapping.Connection
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
	return r.block(chunk)
}

// Fetch is Next for an answer that is computed as it is fetched: it may fail,
// and ends with ctx.
func (r *Rows) Fetch(ctx context.Context) (block [][]any, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var chunk mapping.DataChunk
	(&Conn{r.conn}).interruptible(ctx, func() { chunk = mapping.FetchChunk(r.result) })
	if chunk.Ptr != nil {
		return r.block(chunk)
	}
	if mapping.ResultError(&r.result) != "" {
		return nil, within(ctx, resultError(ctx, &r.result))
	}
	return nil, nil
}

func (r *Rows) block(chunk mapping.DataChunk) ([][]any, error) {
	defer mapping.DestroyDataChunk(&chunk)
	n := int(mapping.DataChunkGetSize(chunk))
	block, cells := make([][]any, n), make([]any, n*len(r.types))
	for i := range block {
		block[i], cells = cells[:len(r.types):len(r.types)], cells[len(r.types):]
	}
	for col, t := range r.types {
		read, err := r.reader(t, mapping.DataChunkGetVector(chunk, mapping.IdxT(col)))
		if err != nil {
			return nil, err
		}
		for i := range block {
			block[i][col] = read(i)
		}
	}
	return block, nil
}

func (r *Rows) reader(t mapping.LogicalType, v mapping.Vector) (cell, error) {
	if n := floats(t); r.Packed && n > 0 {
		return packed(v, n), nil
	}
	return reader(t, v)
}

// Close gives the answer's memory back. It may be called twice.
func (r *Rows) Close() {
	for i := range r.types {
		mapping.DestroyLogicalType(&r.types[i])
	}
	r.types = nil
	mapping.DestroyResult(&r.result)
}
