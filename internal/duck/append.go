//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"runtime"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// Appender writes rows into a table, a vector of some thousands at a time.
// They are part of the connection's transaction.
type Appender struct {
	appender mapping.Appender
	chunk    mapping.DataChunk
	types    []mapping.LogicalType
	vectors  []Vector
	rows     int
	pins     runtime.Pinner // texts that the chunk points to
}

// VectorSize is how many rows a chunk holds.
var VectorSize = int(mapping.VectorSize())

// Append begins to append to a table; a schema of "" is wherever it is found.
func (c *Conn) Append(schema, table string) (*Appender, error) {
	a := &Appender{}
	if mapping.AppenderCreate(c.conn, schema, table, &a.appender) == mapping.StateError {
		err := failure(mapping.AppenderError(a.appender))
		mapping.AppenderDestroy(&a.appender)
		return nil, err
	}
	for i := range mapping.AppenderColumnCount(a.appender) {
		a.types = append(a.types, mapping.AppenderColumnType(a.appender, i))
	}
	a.chunk = mapping.CreateDataChunk(a.types)
	a.vectors = make([]Vector, len(a.types))
	for i := range a.vectors {
		v := &a.vectors[i]
		v.vector, v.pins, v.width = mapping.DataChunkGetVector(a.chunk, mapping.IdxT(i)), &a.pins, floats(a.types[i])
	}
	a.begin()
	return a, nil
}

// begin empties the chunk.
func (a *Appender) begin() {
	mapping.DataChunkReset(a.chunk)
	a.pins.Unpin()
	a.rows = 0
	for i := range a.vectors {
		v := &a.vectors[i]
		v.data, v.valid = mapping.VectorGetData(v.vector), nil
		if v.width > 0 {
			v.data = mapping.VectorGetData(mapping.ArrayVectorGetChild(v.vector))
		}
	}
}

// Row is the number of the row that is being written and its vectors, one for
// each column. Every column must be set before the next call.
func (a *Appender) Row() (row int, columns []Vector, err error) {
	if a.rows == VectorSize {
		if err := a.Send(); err != nil {
			return 0, nil, err
		}
	}
	a.rows++
	return a.rows - 1, a.vectors, nil
}

// Block is at most VectorSize rows that are written column by column. Every
// column must be set, and what they are set to stays as it is until Send.
func (a *Appender) Block(rows int) (columns []Vector, err error) {
	if rows > VectorSize {
		return nil, errs.New(errs.Internal, "%d rows are more than DuckDB takes at once", rows)
	}
	if err := a.Send(); err != nil {
		return nil, err
	}
	a.rows = rows
	return a.vectors, nil
}

// Send ends a chunk.
func (a *Appender) Send() error {
	if a.rows == 0 {
		return nil
	}
	mapping.DataChunkSetSize(a.chunk, mapping.IdxT(a.rows))
	if mapping.AppendDataChunk(a.appender, a.chunk) == mapping.StateError {
		return a.failure()
	}
	a.begin()
	return nil
}

// Flush hands over what was written.
func (a *Appender) Flush(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := a.Send(); err != nil {
		return err
	}
	if mapping.AppenderFlush(a.appender) == mapping.StateError {
		return a.failure()
	}
	return nil
}

// failure is the error of rows that were not taken: errs.Invalid where that is
// for what is in them.
func (a *Appender) failure() error {
	data := mapping.AppenderErrorData(a.appender)
	defer mapping.DestroyErrorData(&data)
	if mapping.ErrorDataErrorType(data) == mapping.ErrorTypeConstraint {
		first, _, _ := strings.Cut(mapping.ErrorDataMessage(data), "\n")
		return errs.Field(errs.Invalid, "rows", "%s", first)
	}
	return failure(mapping.AppenderError(a.appender))
}

// Close gives memory back. What was not flushed is dropped with the
// transaction, which the caller undoes.
func (a *Appender) Close() {
	a.pins.Unpin()
	mapping.DestroyDataChunk(&a.chunk)
	for i := range a.types {
		mapping.DestroyLogicalType(&a.types[i])
	}
	mapping.AppenderDestroy(&a.appender)
}

// Vector is one column of the chunk that is being filled.
type Vector struct {
	vector      mapping.Vector
	data, valid unsafe.Pointer
	width       int // of a FLOAT[n], whose numbers data are; else 0
	pins        *runtime.Pinner
}

func put[T any](v *Vector, row int, value T) {
	*(*T)(unsafe.Add(v.data, uintptr(row)*unsafe.Sizeof(value))) = value
}

// Int writes a BIGINT, or a TIMESTAMP in microseconds.
func (v *Vector) Int(row int, n int64) { put(v, row, n) }

// Float writes a DOUBLE.
func (v *Vector) Float(row int, n float64) { put(v, row, n) }

// Bool writes a BOOLEAN.
func (v *Vector) Bool(row int, b bool) { put(v, row, b) }

// inline is the longest text that lies in the vector itself; such text needs
// no call into the engine.
const inline = 12

// Text writes a VARCHAR or JSON. What is not UTF-8 in it becomes U+FFFD.
func (v *Vector) Text(row int, s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= inline {
		var b [16]byte
		*(*uint32)(unsafe.Pointer(&b)) = uint32(len(s))
		copy(b[4:], s)
		put(v, row, b)
		return
	}
	mapping.VectorAssignStringElementLen(v.vector, mapping.IdxT(row), unsafe.Slice(unsafe.StringData(s), len(s)))
}

// Null writes NULL.
func (v *Vector) Null(row int) {
	if v.valid == nil {
		mapping.VectorEnsureValidityWritable(v.vector)
		v.valid = mapping.VectorGetValidity(v.vector)
	}
	word := (*uint64)(unsafe.Add(v.valid, row/64*8))
	*word &^= 1 << (row % 64)
	if v.width > 0 { // what lies there already would be stored
		clear(unsafe.Slice((*float32)(v.data), (row+1)*v.width)[row*v.width:])
	}
}

// Any writes a value as a table of versions holds it.
func (v *Vector) Any(row int, value any) error {
	switch x := value.(type) {
	case nil:
		v.Null(row)
	case string:
		v.Text(row, x)
	case int64:
		v.Int(row, x)
	case float64:
		v.Float(row, x)
	case bool:
		v.Bool(row, x)
	default:
		return errs.New(errs.Internal, "a %T cannot be mirrored", value)
	}
	return nil
}
