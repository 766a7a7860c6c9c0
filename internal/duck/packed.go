//go:build cgo && !no_duckdb

package duck

import (
	"slices"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// floats is the n of a type that is FLOAT[n], else 0.
func floats(t mapping.LogicalType) int {
	if mapping.GetTypeId(t) != mapping.TypeArray {
		return 0
	}
	child := mapping.ArrayTypeChildType(t)
	defer mapping.DestroyLogicalType(&child)
	if mapping.GetTypeId(child) != mapping.TypeFloat {
		return 0
	}
	return int(mapping.ArrayTypeArraySize(t))
}

// packed reads FLOAT[n]. A number that is NULL in it makes all of it nil: such
// a thing is no vector.
func packed(v mapping.Vector, n int) cell {
	child := mapping.ArrayVectorGetChild(v)
	f := flat{mapping.VectorGetData(v), mapping.VectorGetValidity(v)}
	in := flat{mapping.VectorGetData(child), mapping.VectorGetValidity(child)}
	return func(row int) any {
		if f.null(row) {
			return nil
		}
		for i := range n {
			if in.null(row*n + i) {
				return nil
			}
		}
		return slices.Clone(unsafe.Slice((*float32)(unsafe.Add(in.data, row*n*4)), n))
	}
}

// Floats32 writes a FLOAT[n], of which numbers has n.
func (v *Vector) Floats32(row int, numbers []float32) {
	copy(unsafe.Slice((*float32)(unsafe.Add(v.data, row*v.width*4)), v.width), numbers)
}

// Blob writes a BLOB.
func (v *Vector) Blob(row int, b []byte) {
	if len(b) <= inline {
		e := entry{length: uint32(len(b))}
		copy(e.rest[:], b)
		put(v, row, e)
		return
	}
	mapping.VectorAssignStringElementLen(v.vector, mapping.IdxT(row), b)
}
