//go:build cgo && !no_duckdb

package duck

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// A cell reads one value of a vector.
type cell func(row int) any

// flat is a vector's memory, as the engine lays it out: values beside each
// other, and a bit for each that says whether it is there.
type flat struct{ data, valid unsafe.Pointer }

func at[T any](f flat, row int) T {
	return *(*T)(unsafe.Add(f.data, uintptr(row)*unsafe.Sizeof(*new(T))))
}

func (f flat) null(row int) bool {
	if f.valid == nil {
		return false
	}
	word := *(*uint64)(unsafe.Add(f.valid, row/64*8))
	return word&(1<<(row%64)) == 0
}

// text is a string's bytes: short ones lie in the vector itself, longer ones
// behind a pointer.
func (f flat) text(row int) []byte {
	p := unsafe.Add(f.data, row*16)
	n := *(*uint32)(p)
	if n > 12 {
		return unsafe.Slice(*(**byte)(unsafe.Add(p, 8)), n)
	}
	return unsafe.Slice((*byte)(unsafe.Add(p, 4)), n)
}

// reader makes the cell for a vector of a type.
func reader(t mapping.LogicalType, v mapping.Vector) (cell, error) {
	f := flat{mapping.VectorGetData(v), mapping.VectorGetValidity(v)}
	read, err := value(t, v, f)
	if err != nil {
		return nil, err
	}
	return func(row int) any {
		if f.null(row) {
			return nil
		}
		return read(row)
	}, nil
}

func value(t mapping.LogicalType, v mapping.Vector, f flat) (cell, error) {
	id := mapping.GetTypeId(t)
	if c := number(id, f); c != nil {
		return c, nil
	}
	if c := moment(id, f); c != nil {
		return c, nil
	}
	switch id {
	case mapping.TypeSQLNull:
		return func(int) any { return nil }, nil
	case mapping.TypeBoolean:
		return func(row int) any { return at[bool](f, row) }, nil
	case mapping.TypeVarchar:
		if mapping.LogicalTypeGetAlias(t) == "JSON" {
			return func(row int) any { return json.RawMessage(append([]byte(nil), f.text(row)...)) }, nil
		}
		return func(row int) any { return string(f.text(row)) }, nil
	case mapping.TypeBlob:
		return func(row int) any { return append([]byte{}, f.text(row)...) }, nil
	case mapping.TypeUUID:
		return func(row int) any { return uuid(at[[2]uint64](f, row)) }, nil
	case mapping.TypeEnum:
		return enum(t, f), nil
	case mapping.TypeDecimal:
		return decimal(t, f), nil
	}
	return nested(t, v, f)
}

func number(id mapping.Type, f flat) cell {
	switch id {
	case mapping.TypeTinyInt:
		return integer[int8](f)
	case mapping.TypeSmallInt:
		return integer[int16](f)
	case mapping.TypeInteger:
		return integer[int32](f)
	case mapping.TypeBigInt:
		return integer[int64](f)
	case mapping.TypeUTinyInt:
		return integer[uint8](f)
	case mapping.TypeUSmallInt:
		return integer[uint16](f)
	case mapping.TypeUInteger:
		return integer[uint32](f)
	case mapping.TypeUBigInt:
		return func(row int) any { return wide(0, at[uint64](f, row)) }
	case mapping.TypeHugeInt:
		return func(row int) any { w := at[[2]uint64](f, row); return wide(int64(w[1]), w[0]) }
	case mapping.TypeUHugeInt:
		return func(row int) any { w := at[[2]uint64](f, row); return unsignedWide(w[1], w[0]) }
	case mapping.TypeFloat:
		return func(row int) any { return float64(at[float32](f, row)) }
	case mapping.TypeDouble:
		return func(row int) any { return at[float64](f, row) }
	}
	return nil
}

func integer[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](f flat) cell {
	return func(row int) any { return int64(at[T](f, row)) }
}

// The engine counts from 1970 in days, seconds and smaller; the largest and
// smallest stand for infinity.
func moment(id mapping.Type, f flat) cell {
	switch id {
	case mapping.TypeDate:
		return func(row int) any { return date(at[int32](f, row)) }
	case mapping.TypeTime:
		return func(row int) any { return clock(at[int64](f, row)) }
	case mapping.TypeTimeTZ:
		return func(row int) any { return zoned(at[uint64](f, row)) }
	case mapping.TypeInterval:
		return func(row int) any {
			return span(at[int64](f, 2*row), at[int64](f, 2*row+1))
		}
	case mapping.TypeTimestamp, mapping.TypeTimestampTZ:
		return instant(f, time.UnixMicro)
	case mapping.TypeTimestampMS:
		return instant(f, time.UnixMilli)
	case mapping.TypeTimestampS:
		return instant(f, func(s int64) time.Time { return time.Unix(s, 0) })
	case mapping.TypeTimestampNS:
		return instant(f, func(ns int64) time.Time { return time.Unix(0, ns) })
	}
	return nil
}

func instant(f flat, from func(int64) time.Time) cell {
	return func(row int) any {
		switch n := at[int64](f, row); n {
		case math.MaxInt64:
			return "infinity"
		case -math.MaxInt64:
			return "-infinity"
		default:
			return from(n).UTC()
		}
	}
}

func date(days int32) any {
	switch days {
	case math.MaxInt32:
		return "infinity"
	case -math.MaxInt32:
		return "-infinity"
	}
	return time.Unix(int64(days)*86400, 0).UTC().Format(time.DateOnly)
}

func clock(micros int64) string {
	if micros == 24*time.Hour.Microseconds() {
		return "24:00:00"
	}
	return time.UnixMicro(micros).UTC().Format("15:04:05.999999")
}

// zoned reads a time of day with its offset: 40 bits of microseconds before 24
// of seconds, the latter counted down from the largest offset there is.
func zoned(bits uint64) string {
	const largest = 16*3600 - 1
	offset := largest - int(bits&0xffffff)
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	return clock(int64(bits>>24)) + sign + time.Unix(int64(offset), 0).UTC().Format("15:04")
}

// span reads an interval: months and days in one word, microseconds in the
// next.
func span(word, micros int64) string {
	var s []byte
	part := func(n int64, unit string) {
		if n != 0 {
			if len(s) > 0 {
				s = append(s, ' ')
			}
			s = strconv.AppendInt(s, n, 10)
			s = append(s, unit...)
			if n != 1 && n != -1 {
				s = append(s, 's')
			}
		}
	}
	months, days := int64(int32(word)), word>>32
	part(months/12, " year")
	part(months%12, " month")
	part(days, " day")
	if micros != 0 || len(s) == 0 {
		if len(s) > 0 {
			s = append(s, ' ')
		}
		if micros < 0 {
			s, micros = append(s, '-'), -micros
		}
		s = strconv.AppendInt(s, micros/time.Hour.Microseconds(), 10)
		s = time.UnixMicro(micros).UTC().AppendFormat(s, ":04:05.999999")
	}
	return string(s)
}

// uuid reads an identifier, of which the engine keeps the first bit turned
// over so that it sorts as a number.
func uuid(w [2]uint64) string {
	var b [16]byte
	w[1] ^= 1 << 63
	for i := range 8 {
		b[i], b[8+i] = byte(w[1]>>(56-8*i)), byte(w[0]>>(56-8*i))
	}
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func unreadable(name string) error {
	return errs.Field(errs.Unsupported, "sql", "a column of type %s cannot be handed out; cast it to VARCHAR", name)
}
