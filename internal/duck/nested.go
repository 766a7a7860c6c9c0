//go:build cgo && !no_duckdb

package duck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Object is a struct or a map of the engine's: members in their order. It is
// an object in JSON, and the names of a map's members are its keys as text.
type Object []Member

// Member is one member of an [Object].
type Member struct {
	Name  string
	Value any
}

// MarshalJSON implements json.Marshaler.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func nested(t mapping.LogicalType, v mapping.Vector, f flat) (cell, error) {
	switch mapping.GetTypeId(t) {
	case mapping.TypeList:
		child := mapping.ListTypeChildType(t)
		defer mapping.DestroyLogicalType(&child)
		read, err := reader(child, mapping.ListVectorGetChild(v))
		return func(row int) any { e := at[[2]uint64](f, row); return several(read, int(e[0]), int(e[1])) }, err
	case mapping.TypeArray:
		child := mapping.ArrayTypeChildType(t)
		defer mapping.DestroyLogicalType(&child)
		n := int(mapping.ArrayTypeArraySize(t))
		read, err := reader(child, mapping.ArrayVectorGetChild(v))
		return func(row int) any { return several(read, row*n, n) }, err
	case mapping.TypeStruct:
		return structure(t, v)
	case mapping.TypeMap:
		return association(t, v, f)
	case mapping.TypeUnion:
		return union(t, v)
	}
	return nil, unreadable(typeName(t))
}

func several(read cell, from, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = read(from + i)
	}
	return out
}

func structure(t mapping.LogicalType, v mapping.Vector) (cell, error) {
	n := int(mapping.StructTypeChildCount(t))
	names, cells := make([]string, n), make([]cell, n)
	for i := range n {
		child := mapping.StructTypeChildType(t, mapping.IdxT(i))
		read, err := reader(child, mapping.StructVectorGetChild(v, mapping.IdxT(i)))
		mapping.DestroyLogicalType(&child)
		if err != nil {
			return nil, err
		}
		names[i], cells[i] = mapping.StructTypeChildName(t, mapping.IdxT(i)), read
	}
	return func(row int) any {
		o := make(Object, n)
		for i := range o {
			o[i] = Member{names[i], cells[i](row)}
		}
		return o
	}, nil
}

// association reads a map, which is a list of pairs.
func association(t mapping.LogicalType, v mapping.Vector, f flat) (cell, error) {
	key, value := mapping.MapTypeKeyType(t), mapping.MapTypeValueType(t)
	defer mapping.DestroyLogicalType(&key)
	defer mapping.DestroyLogicalType(&value)
	pairs := mapping.ListVectorGetChild(v)
	keys, err := reader(key, mapping.StructVectorGetChild(pairs, 0))
	if err != nil {
		return nil, err
	}
	values, err := reader(value, mapping.StructVectorGetChild(pairs, 1))
	return func(row int) any {
		e := at[[2]uint64](f, row)
		o := make(Object, e[1])
		for i := range o {
			o[i] = Member{fmt.Sprint(keys(int(e[0]) + i)), values(int(e[0]) + i)}
		}
		return o
	}, err
}

// union reads the member that a value is: its tag is the first child.
func union(t mapping.LogicalType, v mapping.Vector) (cell, error) {
	tags := mapping.StructVectorGetChild(v, 0)
	f := flat{mapping.VectorGetData(tags), mapping.VectorGetValidity(tags)}
	cells := make([]cell, mapping.UnionTypeMemberCount(t))
	for i := range cells {
		child := mapping.UnionTypeMemberType(t, mapping.IdxT(i))
		read, err := reader(child, mapping.StructVectorGetChild(v, mapping.IdxT(i+1)))
		mapping.DestroyLogicalType(&child)
		if err != nil {
			return nil, err
		}
		cells[i] = read
	}
	return func(row int) any {
		if f.null(row) {
			return nil
		}
		return cells[at[uint8](f, row)](row)
	}, nil
}

var typeNames = map[mapping.Type]string{
	mapping.TypeBoolean: "BOOLEAN", mapping.TypeTinyInt: "TINYINT", mapping.TypeSmallInt: "SMALLINT", mapping.TypeInteger: "INTEGER",
	mapping.TypeBigInt: "BIGINT", mapping.TypeUTinyInt: "UTINYINT", mapping.TypeUSmallInt: "USMALLINT", mapping.TypeUInteger: "UINTEGER",
	mapping.TypeUBigInt: "UBIGINT", mapping.TypeHugeInt: "HUGEINT", mapping.TypeUHugeInt: "UHUGEINT", mapping.TypeFloat: "FLOAT",
	mapping.TypeDouble: "DOUBLE", mapping.TypeDate: "DATE", mapping.TypeTime: "TIME", mapping.TypeTimeTZ: "TIMETZ",
	mapping.TypeTimestamp: "TIMESTAMP", mapping.TypeTimestampTZ: "TIMESTAMPTZ", mapping.TypeTimestampS: "TIMESTAMP_S",
	mapping.TypeTimestampMS: "TIMESTAMP_MS", mapping.TypeTimestampNS: "TIMESTAMP_NS", mapping.TypeInterval: "INTERVAL",
	mapping.TypeVarchar: "VARCHAR", mapping.TypeBlob: "BLOB", mapping.TypeUUID: "UUID", mapping.TypeBit: "BIT",
	mapping.TypeBigNum: "BIGNUM", mapping.TypeTimeNS: "TIME_NS", mapping.TypeGeometry: "GEOMETRY", mapping.TypeVariant: "VARIANT",
	mapping.TypeSQLNull: `"NULL"`,
}

// typeName is a type as the engine writes it, so that it can be read back. An
// enumeration has no name of its own and is given as text.
func typeName(t mapping.LogicalType) string {
	of := func(child mapping.LogicalType) string {
		defer mapping.DestroyLogicalType(&child)
		return typeName(child)
	}
	switch id := mapping.GetTypeId(t); id {
	case mapping.TypeVarchar:
		if mapping.LogicalTypeGetAlias(t) == "JSON" {
			return "JSON"
		}
		return "VARCHAR"
	case mapping.TypeEnum:
		return "VARCHAR"
	case mapping.TypeDecimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", mapping.DecimalWidth(t), mapping.DecimalScale(t))
	case mapping.TypeList:
		return of(mapping.ListTypeChildType(t)) + "[]"
	case mapping.TypeArray:
		return fmt.Sprintf("%s[%d]", of(mapping.ArrayTypeChildType(t)), mapping.ArrayTypeArraySize(t))
	case mapping.TypeMap:
		return "MAP(" + of(mapping.MapTypeKeyType(t)) + ", " + of(mapping.MapTypeValueType(t)) + ")"
	case mapping.TypeStruct:
		return "STRUCT(" + members(int(mapping.StructTypeChildCount(t)), func(i int) string {
			return Quote(mapping.StructTypeChildName(t, mapping.IdxT(i))) + " " + of(mapping.StructTypeChildType(t, mapping.IdxT(i)))
		}) + ")"
	case mapping.TypeUnion:
		return "UNION(" + members(int(mapping.UnionTypeMemberCount(t)), func(i int) string {
			return Quote(mapping.UnionTypeMemberName(t, mapping.IdxT(i))) + " " + of(mapping.UnionTypeMemberType(t, mapping.IdxT(i)))
		}) + ")"
	default:
		return typeNames[id]
	}
}

// holds tells whether a type, or one within it, is among some.
func holds(t mapping.LogicalType, some ...mapping.Type) bool {
	of := func(child mapping.LogicalType) bool {
		defer mapping.DestroyLogicalType(&child)
		return holds(child, some...)
	}
	id := mapping.GetTypeId(t)
	switch id {
	case mapping.TypeList:
		return of(mapping.ListTypeChildType(t))
	case mapping.TypeArray:
		return of(mapping.ArrayTypeChildType(t))
	case mapping.TypeMap:
		return of(mapping.MapTypeKeyType(t)) || of(mapping.MapTypeValueType(t))
	case mapping.TypeStruct:
		for i := range mapping.StructTypeChildCount(t) {
			if of(mapping.StructTypeChildType(t, i)) {
				return true
			}
		}
	case mapping.TypeUnion:
		for i := range mapping.UnionTypeMemberCount(t) {
			if of(mapping.UnionTypeMemberType(t, i)) {
				return true
			}
		}
	}
	return slices.Contains(some, id)
}

func members(n int, each func(int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = each(i)
	}
	return strings.Join(parts, ", ")
}

// Quote makes an identifier of any text.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Text makes a literal of any text.
func Text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
