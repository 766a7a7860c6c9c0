package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// nano is a time of nanoseconds, which may be more than a column of times keeps.
type nano time.Time

// reading tells how a leaf is read: as nil, bool, int64, uint64, float32, float64,
// string, []byte, json.RawMessage, time.Time or nano.
func reading(n parquet.Node) func(parquet.Value) (any, error) {
	var logical format.LogicalTypeValue
	if l := n.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.StringType, *format.EnumType:
		return text
	case *format.JsonType:
		return document
	case *format.UUIDType:
		return func(v parquet.Value) (any, error) {
			b := v.ByteArray()
			if len(b) != 16 {
				return nil, errors.New("is no UUID")
			}
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
		}
	case *format.DecimalType:
		return func(v parquet.Value) (any, error) { return decimal(v, int(l.Scale)) }
	case *format.DateType:
		return func(v parquet.Value) (any, error) { return time.Unix(int64(v.Int32())*86400, 0).UTC(), nil }
	case *format.TimestampType:
		if l.Unit.Value != nil {
			return func(v parquet.Value) (any, error) { return instant(v.Int64(), l.Unit.Value.Duration()), nil }
		}
	case *format.TimeType:
		if l.Unit.Value != nil {
			return func(v parquet.Value) (any, error) { return clock(v, l.Unit.Value.Duration()), nil }
		}
	case *format.IntType:
		if !l.IsSigned {
			return unsigned
		}
	}
	return plain
}

func text(v parquet.Value) (any, error) {
	s := string(v.ByteArray())
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return nil, errors.New("is no text in UTF-8, or has the character NUL")
	}
	return s, nil
}

func document(v parquet.Value) (any, error) {
	if !json.Valid(v.ByteArray()) {
		return nil, errors.New("is no JSON")
	}
	return json.RawMessage(string(v.ByteArray())), nil
}

func unsigned(v parquet.Value) (any, error) {
	if v.Kind() == parquet.Int32 {
		return int64(v.Uint32()), nil
	}
	if n := v.Uint64(); n > math.MaxInt64 {
		return n, nil
	}
	return int64(v.Uint64()), nil
}

// instant is a time that is so many units from 1970 on.
func instant(n int64, unit time.Duration) any {
	per := int64(time.Second / unit)
	seconds := n / per
	if n%per < 0 {
		seconds--
	}
	t := time.Unix(seconds, (n-seconds*per)*int64(unit)).UTC()
	if unit == time.Nanosecond {
		return nano(t)
	}
	return t
}

func clock(v parquet.Value, unit time.Duration) any {
	n := int64(0)
	if n = v.Int64(); v.Kind() == parquet.Int32 {
		n = int64(v.Int32())
	}
	return time.Unix(0, n*int64(unit)).UTC().Format("15:04:05.999999999")
}

// decimal is a number as text, to its last digit.
func decimal(v parquet.Value, scale int) (any, error) {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		n.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		n.SetInt64(v.Int64())
	default:
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 { // two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	digits, sign := strings.TrimPrefix(n.String(), "-"), ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if scale <= 0 {
		return sign + digits, nil
	}
	if scale > 1000 {
		return nil, errors.New("has a scale that no number has")
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:], nil
}

// plain reads what the file says nothing more about.
func plain(v parquet.Value) (any, error) {
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean(), nil
	case parquet.Int32:
		return int64(v.Int32()), nil
	case parquet.Int64:
		return v.Int64(), nil
	case parquet.Int96: // a day of Julius Caesar's, and nanoseconds in it
		n := v.Int96()
		day := int64(n[2]) - 2440588
		return nano(time.Unix(day*86400, int64(uint64(n[1])<<32|uint64(n[0]))).UTC()), nil
	case parquet.Float:
		return number(v.Float())
	case parquet.Double:
		return number(v.Double())
	}
	return append([]byte{}, v.ByteArray()...), nil
}

// number takes what is no number for nothing, as pandas means it.
func number[T float32 | float64](f T) (any, error) {
	if math.IsNaN(float64(f)) {
		return nil, nil
	}
	if math.IsInf(float64(f), 0) {
		return nil, errors.New("is infinite")
	}
	return f + 0, nil
}
