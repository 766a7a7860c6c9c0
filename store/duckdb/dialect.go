//go:build cgo && !no_duckdb

package duckdb

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// dialect tells how DuckDB answers questions as data.
func (e *engine) dialect() *sqlquery.Dialect {
	return &sqlquery.Dialect{
		Param:   param,
		Name:    duck.Quote,
		Table:   e.place,
		Bind:    bound,
		Compare: func(expr string, c *sqlquery.Column, _ bool) string { return plainly(expr, c) },
		Equal:   equal,
		Read:    plainly,
		At:      at,
		Same:    func(a, b string) string { return a + " IS NOT DISTINCT FROM " + b },
		Matches: func(expr, pattern string) string { return expr + " LIKE " + pattern + ` ESCAPE '\'` },
		Holds:   func(expr, needle string) string { return "contains(" + expr + "," + needle + ")" },
		Has:     has,
		Among:   among,
		Params:  65535,
		Sort: func(expr string, descending, _ bool) string {
			if descending {
				return expr + " DESC NULLS FIRST"
			}
			return expr + " ASC NULLS LAST"
		},
		All: "ALL",
	}
}

var casts = map[query.Kind]string{query.Text: "VARCHAR", query.File: "VARCHAR", query.Integer: "BIGINT", query.Real: "DOUBLE",
	query.Boolean: "BOOLEAN", query.Time: "TIMESTAMP", query.Bytes: "BLOB"}

// param is typed, since functions of the engine's have several meanings. What a
// column is set to is not: the engine knows the column.
func param(n int, k query.Kind) string {
	p := "$" + strconv.Itoa(n)
	if t := casts[k]; t != "" {
		p += "::" + t
	}
	return p
}

// equal leaves the type of the value to the engine where that is the column's:
// a question for one key is planned in a tenth less time without the cast.
func equal(expr string, c *sqlquery.Column, value any, param func(any, query.Kind) string) string {
	if !c.Own || value == nil || casts[c.Type.Kind] == "" {
		return ""
	}
	return expr + "=" + param(value, "")
}

// What a place in JSON is, in the engine's words: :x is the JSON, :p the place.
const (
	asText    = `(CASE WHEN json_type(:x,:p)='VARCHAR' THEN json_extract_string(:x,:p) END)`
	asBoolean = `(CASE WHEN json_type(:x,:p)='BOOLEAN' THEN json_extract_string(:x,:p)='true' END)`
	asJSON    = `(CASE WHEN json_type(:x,:p)<>'NULL' THEN json_extract(:x,:p) END)`
	// A number that no double holds is none.
	asNumber = `(CASE WHEN json_type(:x,:p) NOT IN ('VARCHAR','BOOLEAN','NULL','ARRAY','OBJECT') AND isfinite(TRY_CAST(json_extract_string(:x,:p) AS DOUBLE)) THEN TRY_CAST(json_extract_string(:x,:p) AS DOUBLE) END)`
)

// pointer is a path as RFC 6901 writes it, of which a part that is a number is
// the name of a member or an index, whichever there is.
func pointer(path []string) string {
	var b strings.Builder
	for _, part := range path {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(part, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

func at(expr string, path []string, k query.Kind, param func(any, query.Kind) string) string {
	return strings.NewReplacer(":x", expr, ":p", param(pointer(path), query.Text)).Replace(form(k))
}

func form(k query.Kind) string {
	switch k {
	case query.Text:
		return asText
	case query.Real:
		return asNumber
	case query.Boolean:
		return asBoolean
	}
	return asJSON
}

func has(expr string, value any, param func(any, query.Kind) string) string {
	kind := query.Text
	switch value.(type) {
	case float64:
		kind = query.Real
	case bool:
		kind = query.Boolean
	}
	member := strings.NewReplacer(":x", "m", ":p", "'$'").Replace(form(kind))
	return "CASE WHEN " + expr + " IS NULL THEN NULL WHEN json_type(" + expr + ")='ARRAY' THEN list_contains([" + member +
		" FOR m IN json_extract(" + expr + ",'$[*]')]," + param(value, kind) + ") ELSE false END"
}

// long is how many members a list has that is bound as one value.
const long = 50

// among makes one parameter of a long list.
func among(expr string, values []any, t query.Type, param func(any, query.Kind) string) string {
	if len(values) < long || t.Kind != query.Text && t.Kind != query.Integer && t.Kind != query.File {
		return ""
	}
	list, err := json.Marshal(values)
	if err != nil {
		return ""
	}
	return "(" + expr + " IN (SELECT unnest(CAST(CAST(" + param(string(list), query.Text) + " AS JSON) AS " + casts[t.Kind] + "[]))))"
}
