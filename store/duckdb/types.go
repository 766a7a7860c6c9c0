//go:build cgo && !no_duckdb

package duckdb

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// widest is how many numbers an array of the engine's may have: a longer vector
// is bytes.
const widest = 100_000

// declare is the type that a column is declared with. Times are in UTC.
func declare(c query.Column, _ bool) string {
	switch c.Type.Kind {
	case query.Integer:
		return "BIGINT"
	case query.Real:
		return "DOUBLE"
	case query.Boolean:
		return "BOOLEAN"
	case query.Time:
		return "TIMESTAMP"
	case query.Bytes, query.Tensor:
		return "BLOB"
	case query.JSON:
		return "JSON"
	case query.Vector:
		if n := c.Type.Count(); n <= widest {
			return "FLOAT[" + strconv.Itoa(n) + "]"
		}
		return "BLOB"
	}
	return "VARCHAR"
}

var kinds = map[string]query.Kind{
	"VARCHAR": query.Text, "UUID": query.Text,
	"TINYINT": query.Integer, "SMALLINT": query.Integer, "INTEGER": query.Integer, "BIGINT": query.Integer,
	"UTINYINT": query.Integer, "USMALLINT": query.Integer, "UINTEGER": query.Integer,
	"FLOAT": query.Real, "DOUBLE": query.Real,
	"BOOLEAN": query.Boolean, "BLOB": query.Bytes, "JSON": query.JSON,
	"TIMESTAMP": query.Time, "TIMESTAMP WITH TIME ZONE": query.Time, "TIMESTAMP_S": query.Time, "TIMESTAMP_MS": query.Time,
}

// known is what a type that another program declared means. refused: a value of
// the port's is not exactly one of it, so it is only read.
func known(native string) (t query.Type, refused bool) {
	if kind, ok := kinds[native]; ok {
		return query.Type{Kind: kind}, false
	}
	if numbers, ok := strings.CutPrefix(native, "FLOAT["); ok {
		if n, err := strconv.Atoi(strings.TrimSuffix(numbers, "]")); err == nil && n > 0 {
			return query.Type{Kind: query.Vector, Shape: []int{n}}, false
		}
	}
	if digits, ok := strings.CutPrefix(native, "DECIMAL("); ok {
		// What a double holds exactly as it is written, and no more.
		width, _, _ := strings.Cut(digits, ",")
		if n, err := strconv.Atoi(width); err == nil && n <= 15 {
			return query.Type{Kind: query.Real}, false
		}
		return query.Type{Kind: query.Text}, true
	}
	if nested(native) {
		return query.Type{Kind: query.JSON}, true
	}
	return query.Type{Kind: query.Text}, true
}

func nested(native string) bool {
	return strings.HasSuffix(native, "]") || strings.HasPrefix(native, "STRUCT(") || strings.HasPrefix(native, "MAP(") || strings.HasPrefix(native, "UNION(")
}

// plainly casts what others declared, so that every kind comes in one form.
func plainly(expr string, c *sqlquery.Column) string {
	if c.Own {
		return expr
	}
	switch c.Type.Kind {
	case query.Text, query.File:
		if c.Native != "VARCHAR" {
			return "CAST(" + expr + " AS VARCHAR)"
		}
	case query.Real:
		if c.Native != "DOUBLE" {
			return "CAST(" + expr + " AS DOUBLE)"
		}
	case query.Integer:
		if c.Native != "BIGINT" {
			return "CAST(" + expr + " AS BIGINT)"
		}
	case query.Time:
		if c.Native != "TIMESTAMP" {
			return "CAST(" + expr + " AS TIMESTAMP)"
		}
	case query.JSON:
		if c.Native != "JSON" {
			return "to_json(" + expr + ")"
		}
	}
	return expr
}

// bound brings a value of the port into the form that the engine binds.
func bound(v any, _ query.Type) any {
	switch v := v.(type) {
	case json.RawMessage:
		return string(v)
	case []float32:
		if len(v) > widest {
			return sqlquery.Vector(v)
		}
		return numbers(v)
	}
	return v
}

// numbers is a vector as text, which the engine reads back exactly.
func numbers(v []float32) string {
	b := append(make([]byte, 0, 12*len(v)), '[')
	for i, f := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(f), 'g', -1, 32)
	}
	return string(append(b, ']'))
}

// cell is a value of the engine's as the port has it.
func cell(o *sqlquery.Output, v any) (any, error) {
	switch x := v.(type) {
	case json.RawMessage:
		v = string(x)
	case []float32:
		if len(o.Path) == 0 && o.Type.Kind == query.Vector && len(x) == o.Type.Count() {
			return x, nil
		}
	}
	return o.Value(v)
}

// raw is a value of the engine's for who asked in its language: what is nested,
// and numbers that are more than Go's, come as text.
func raw(v any) (any, error) {
	switch v := v.(type) {
	case json.RawMessage:
		return string(v), nil
	case json.Number:
		return v.String(), nil
	case nil, string, int64, float64, bool, []byte, time.Time:
		return v, nil
	case []any, duck.Object:
		text, err := json.Marshal(v)
		return string(text), err
	}
	return v, nil
}
