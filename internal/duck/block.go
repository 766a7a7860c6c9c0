//go:build cgo && !no_duckdb

package duck

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Ints writes BIGINTs, or TIMESTAMPs in microseconds, from the first row on.
func (v *Vector) Ints(values []int64) { copy(unsafe.Slice((*int64)(v.data), len(values)), values) }

// Floats writes DOUBLEs.
func (v *Vector) Floats(values []float64) {
	copy(unsafe.Slice((*float64)(v.data), len(values)), values)
}

// Bools writes BOOLEANs: what is not 0 is true.
func (v *Vector) Bools(values []int64) {
	to := unsafe.Slice((*bool)(v.data), len(values))
	for i, n := range values {
		to[i] = n != 0
	}
}

// Texts writes VARCHARs or JSON: that of row i is text[ends[i-1]:ends[i]]. The
// chunk points into text, which spares a copy and a call for each. What is not
// UTF-8 becomes U+FFFD.
func (v *Vector) Texts(text []byte, ends []uint32) {
	if !whole(text, ends) {
		from := uint32(0)
		for row, end := range ends {
			v.Text(row, string(text[from:end]))
			from = end
		}
		return
	}
	var base unsafe.Pointer
	if len(text) > 0 {
		base = unsafe.Pointer(unsafe.SliceData(text))
		v.pins.Pin(base)
	}
	to := unsafe.Slice((*entry)(v.data), len(ends))
	from := uint32(0)
	for row, end := range ends {
		e := &to[row]
		e.length = end - from
		if e.length <= inline {
			e.rest = [inline]byte{}
			copy(e.rest[:], text[from:end])
		} else {
			copy(e.rest[:4], text[from:])
			binary.NativeEndian.PutUint64(e.rest[4:], uint64(uintptr(unsafe.Add(base, from))))
		}
		from = end
	}
}

// entry is a text in a vector: its beginning and where it lies, or all of it.
type entry struct {
	length uint32
	rest   [inline]byte
}

// whole tells whether every text is UTF-8: all are together, and none begins
// in the middle of a rune.
func whole(text []byte, ends []uint32) bool {
	if !utf8.Valid(text) {
		return false
	}
	from := uint32(0)
	for _, end := range ends {
		if end > from && !utf8.RuneStart(text[from]) {
			return false
		}
		from = end
	}
	return true
}

// Nulls writes NULL over the rows whose bits are set.
func (v *Vector) Nulls(bits []uint64) {
	if v.valid == nil {
		mapping.VectorEnsureValidityWritable(v.vector)
		v.valid = mapping.VectorGetValidity(v.vector)
	}
	words := unsafe.Slice((*uint64)(v.valid), len(bits))
	for i, word := range bits {
		words[i] &^= word
	}
}
