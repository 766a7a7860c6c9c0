//go:build cgo && !no_duckdb

package duck

import (
	"encoding/json"
	"math/big"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// wide reads an integer of two words: as int64 where it fits, which is what
// sums nearly always do.
func wide(high int64, low uint64) any {
	if high == 0 && low < 1<<63 || high == -1 && low >= 1<<63 {
		return int64(low)
	}
	return json.Number(large(high, low).String())
}

func unsignedWide(high, low uint64) any {
	if high < 1<<63 {
		return wide(int64(high), low)
	}
	n := new(big.Int).SetUint64(high)
	return json.Number(n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(low)).String())
}

func large(high int64, low uint64) *big.Int {
	n := big.NewInt(high)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(low))
}

// decimal reads exact numbers, which are integers with a point at a fixed
// place.
func decimal(t mapping.LogicalType, f flat) cell {
	scale := int(mapping.DecimalScale(t))
	var digits func(row int) string
	switch mapping.DecimalInternalType(t) {
	case mapping.TypeSmallInt:
		digits = func(row int) string { return big.NewInt(int64(at[int16](f, row))).String() }
	case mapping.TypeInteger:
		digits = func(row int) string { return big.NewInt(int64(at[int32](f, row))).String() }
	case mapping.TypeBigInt:
		digits = func(row int) string { return big.NewInt(at[int64](f, row)).String() }
	default:
		digits = func(row int) string { w := at[[2]uint64](f, row); return large(int64(w[1]), w[0]).String() }
	}
	return func(row int) any { return json.Number(pointed(digits(row), scale)) }
}

// pointed puts the point before the last scale digits.
func pointed(digits string, scale int) string {
	if scale == 0 {
		return digits
	}
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

func enum(t mapping.LogicalType, f flat) cell {
	words := make([]string, mapping.EnumDictionarySize(t))
	for i := range words {
		words[i] = mapping.EnumDictionaryValue(t, mapping.IdxT(i))
	}
	switch mapping.EnumInternalType(t) {
	case mapping.TypeUTinyInt:
		return func(row int) any { return words[at[uint8](f, row)] }
	case mapping.TypeUSmallInt:
		return func(row int) any { return words[at[uint16](f, row)] }
	}
	return func(row int) any { return words[at[uint32](f, row)] }
}
