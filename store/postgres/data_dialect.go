package postgres

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// casts are the types that parameters have, by their kind. What a column is
// set to has none: PostgreSQL knows the column.
var casts = map[query.Kind]string{query.Text: "text", query.File: "text", query.Integer: "bigint", query.Real: "double precision",
	query.Boolean: "boolean", query.Time: "timestamptz", query.Bytes: "bytea", query.Vector: "bytea", query.Tensor: "bytea", query.JSON: "json"}

// dataDialect tells how PostgreSQL answers questions as data.
func (l *layout) dataDialect() *sqlquery.Dialect {
	return &sqlquery.Dialect{
		Param:   dataParam,
		Name:    sqlcore.Quote,
		Table:   l.varve, // the same schema
		Bind:    dataBind,
		Compare: dataCompare,
		Equal:   dataEqual,
		Read:    dataRead,
		At:      dataAt,
		Same:    func(a, b string) string { return a + " IS NOT DISTINCT FROM " + b },
		Matches: func(expr, pattern string) string { return expr + " LIKE " + pattern },
		Holds:   func(expr, needle string) string { return "strpos(" + expr + "," + needle + ")>0" },
		Has:     dataHas,
		Among:   dataAmong,
		Params:  65535,
		// NULL is where the port wants it.
		Sort: func(expr string, descending, _ bool) string {
			if descending {
				return expr + " DESC"
			}
			return expr
		},
		All: "ALL",
	}
}

func dataParam(n int, k query.Kind) string {
	p := "$" + strconv.Itoa(n)
	if t := casts[k]; t != "" {
		p += "::" + t
	}
	return p
}

func dataBind(v any, _ query.Type) any {
	switch v := v.(type) {
	case json.RawMessage:
		return string(v)
	case []float32:
		return sqlquery.Vector(v)
	}
	return v
}

// base is a type without what is in brackets.
func base(native string) string {
	before, after, found := strings.Cut(native, "(")
	if !found {
		return native
	}
	_, after, _ = strings.Cut(after, ")")
	return strings.TrimSpace(before) + after
}

// dataCompare brings columns that others declared to what ours are by
// themselves. A collation stands only where it counts: it would keep an index
// from answering for a value.
func dataCompare(expr string, c *sqlquery.Column, ordered bool) string {
	if c.Own {
		return expr
	}
	expr = dataRead(expr, c)
	if k := c.Type.Kind; ordered && (k == query.Text || k == query.File) {
		expr += ` COLLATE "C"`
	}
	return expr
}

// dataRead casts what others declared, so that every kind comes in one form.
func dataRead(expr string, c *sqlquery.Column) string {
	if c.Own {
		return expr
	}
	native := base(c.Native)
	switch c.Type.Kind {
	case query.Text, query.File:
		if native != "text" && native != "character varying" {
			return expr + "::text"
		}
	case query.Integer:
		if native != "bigint" {
			return expr + "::bigint"
		}
	case query.Real:
		if native != "double precision" {
			return expr + "::double precision"
		}
	case query.Time:
		if native == "timestamp without time zone" {
			return "(" + expr + " AT TIME ZONE 'UTC')"
		}
	case query.JSON:
		if native != "json" {
			return expr + "::json"
		}
	}
	return expr
}

// dataEqual finds integers and UUIDs by the indexes on them.
func dataEqual(expr string, c *sqlquery.Column, value any, param func(any, query.Kind) string) string {
	if text, ok := value.(string); ok && c.Native == "uuid" && isUUID(text) && strings.ToLower(text) == text {
		return expr + "=" + param(text, "") + "::uuid"
	}
	if _, ok := value.(int64); ok && !c.Own && c.Type.Kind == query.Integer {
		return expr + "=" + param(value, query.Integer)
	}
	return ""
}

// member goes into JSON by one part of a path. A number is the name of a
// member, too.
func member(expr, part string, param func(any, query.Kind) string) string {
	if _, isIndex := sqlquery.Index(part); isIndex {
		return "(" + expr + "#>ARRAY[" + param(part, query.Text) + "])"
	}
	return "(" + expr + "->" + param(part, query.Text) + ")"
}

// A number in JSON that no double holds is none.
const (
	numberForm = `'^-?([0-9]{1,250}([.][0-9]{1,250})?|[0-9]{1,9}([.][0-9]{1,20})?[eE][-+]?0*[0-2]?[0-9]{1,2})$'`
	asNumber   = `(CASE WHEN json_typeof(:x)='number' AND (:x#>>'{}') ~ ` + numberForm + ` THEN (:x#>>'{}')::double precision END)`
	asText     = `(CASE WHEN json_typeof(:x)='string' THEN :x#>>'{}' END COLLATE "C")`
	asBoolean  = `(CASE WHEN json_typeof(:x)='boolean' THEN (:x#>>'{}')='true' END)`
	asJSON     = `(CASE WHEN json_typeof(:x)<>'null' THEN :x END)`
)

func dataAt(expr string, path []string, k query.Kind, param func(any, query.Kind) string) string {
	for _, part := range path {
		expr = member(expr, part, param)
	}
	return strings.ReplaceAll(form(k), ":x", expr)
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

func dataHas(expr string, value any, param func(any, query.Kind) string) string {
	form, kind := asText, query.Text
	switch value.(type) {
	case float64:
		form, kind = asNumber, query.Real
	case bool:
		form, kind = asBoolean, query.Boolean
	}
	return "CASE WHEN " + expr + " IS NULL THEN NULL WHEN json_typeof(" + expr + ")='array' THEN EXISTS (SELECT FROM json_array_elements(" + expr +
		") AS j(v) WHERE " + strings.ReplaceAll(form, ":x", "j.v") + "=" + param(value, kind) + ") ELSE false END"
}

// dataAmong makes one parameter of a list.
func dataAmong(expr string, values []any, t query.Type, param func(any, query.Kind) string) string {
	encoded, err := encode(values)
	if err != nil {
		return ""
	}
	texts := make([]string, len(encoded))
	for i, e := range encoded {
		texts[i] = string(e)
	}
	return "(" + expr + "=ANY(" + param(texts, "") + "::" + casts[t.Kind] + "[]))"
}
