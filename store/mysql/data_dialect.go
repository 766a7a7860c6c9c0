package mysql

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// dataDialect tells how these servers answer questions as data. Texts of ours
// compare byte by byte, trailing spaces and all.
func (l *layout) dataDialect() *sqlquery.Dialect {
	return &sqlquery.Dialect{
		Param:   func(n int, _ query.Kind) string { return "?" + strconv.Itoa(n) },
		Name:    quoted,
		Table:   quoted,
		Bind:    dataBind,
		Compare: l.dataCompare,
		Equal:   l.dataEqual,
		At:      l.dataAt,
		Same:    func(a, b string) string { return a + "<=>" + b },
		Matches: func(expr, pattern string) string { return expr + " LIKE " + pattern },
		Holds:   func(expr, needle string) string { return "locate(" + needle + "," + expr + ")>0" },
		Has:     l.dataHas,
		Params:  1 << 20,
		Sort: func(expr string, descending, nullable bool) string {
			switch {
			case nullable && descending:
				return expr + " IS NULL DESC," + expr + " DESC"
			case nullable:
				return expr + " IS NULL," + expr
			case descending:
				return expr + " DESC"
			}
			return expr
		},
		All: "18446744073709551615",
	}
}

// quoted is a name between backticks, inside which neither the driver nor
// pack looks for places of values, nor takes a backslash for an escape.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func dataBind(v any, _ query.Type) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case time.Time:
		return moment(v)
	case json.RawMessage:
		return string(v)
	case []float32:
		return sqlquery.Vector(v)
	}
	return v
}

// exact makes of any text one that compares byte by byte.
func (l *layout) exact(expr string) string {
	return "(CONVERT(" + expr + " USING utf8mb4) COLLATE " + l.collation + ")"
}

// dataCompare brings columns that others declared to what ours are by
// themselves.
func (l *layout) dataCompare(expr string, c *sqlquery.Column, _ bool) string {
	if !c.Own && (c.Type.Kind == query.Text || c.Type.Kind == query.File) {
		return l.exact(expr)
	}
	return expr
}

// dataEqual has an index find what is equal in the column's own eyes, which
// all that is equal byte by byte is.
func (l *layout) dataEqual(expr string, c *sqlquery.Column, value any, param func(any, query.Kind) string) string {
	if c.Own || c.Refused || c.Type.Kind != query.Text {
		return ""
	}
	p := param(value, query.Text)
	return expr + "=" + p + " AND " + l.exact(expr) + "=" + p
}

// member goes into JSON by one part of a path. A number is the name of a
// member, too; what is no list is not taken for one with one element.
func member(expr, part string, param func(any, query.Kind) string) string {
	named := "json_extract(" + expr + "," + param(`$."`+part+`"`, query.Text) + ")"
	n, isIndex := sqlquery.Index(part)
	if !isIndex {
		return named
	}
	return "(CASE WHEN json_type(" + expr + ")='ARRAY' THEN json_extract(" + expr + "," + param("$["+strconv.Itoa(n)+"]", query.Text) + ") ELSE " + named + " END)"
}

func (l *layout) dataAt(expr string, path []string, k query.Kind, param func(any, query.Kind) string) string {
	for _, part := range path {
		expr = member(expr, part, param)
	}
	return strings.ReplaceAll(l.form(k), ":x", expr)
}

// form is a value in JSON as one of a kind, NULL where it is of another.
func (l *layout) form(k query.Kind) string {
	switch k {
	case query.Text:
		return "(CASE WHEN json_type(:x)='STRING' THEN " + l.exact("json_unquote(:x)") + " END)"
	case query.Real:
		return "(CASE WHEN json_type(:x) IN ('INTEGER','UNSIGNED INTEGER','DOUBLE','DECIMAL') THEN CAST(:x AS DOUBLE) END)"
	case query.Boolean:
		return "(CASE WHEN json_type(:x)='BOOLEAN' THEN json_unquote(:x)='true' END)"
	}
	return "(CASE WHEN json_type(:x)<>'NULL' THEN :x END)"
}

func (l *layout) dataHas(expr string, value any, param func(any, query.Kind) string) string {
	kind := query.Text
	switch value.(type) {
	case float64:
		kind = query.Real
	case bool:
		kind, value = query.Boolean, dataBind(value, query.Type{})
	}
	element := strings.ReplaceAll(l.form(kind), ":x", "json_extract("+expr+",concat('$[',j.i-1,']'))")
	return "CASE WHEN " + expr + " IS NULL THEN NULL WHEN json_type(" + expr + ")='ARRAY' THEN EXISTS (SELECT 1 FROM json_table(" + expr +
		",'$[*]' COLUMNS (i FOR ORDINALITY)) j WHERE " + element + "=" + param(value, kind) + ") ELSE FALSE END"
}
