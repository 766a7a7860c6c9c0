package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// reservedData is a reserved table whose subquery gives every column the type
// that Varve declares for its kind. The collation of texts is whatever it is.
func reservedData(t query.Table, rows string) *sqlquery.Table {
	out := &sqlquery.Table{Table: t, Rows: rows}
	for _, c := range t.Columns {
		out.Native = append(out.Native, sqlquery.Column{Column: c, Native: dataDeclare(c.Type)})
	}
	return out
}

// conversationTables are those of conversations as questions see them: without
// rows where nobody has made them, and none where tables of somebody else's have
// their names.
func conversationTables(l *layout) (list []*sqlquery.Table) {
	if l.broken != nil {
		return nil
	}
	for _, t := range query.ConversationTables() {
		if l.core == nil {
			list = append(list, reservedData(t, sqlquery.NoRows(&t, func(c query.Column) string {
				return "NULL::" + dataDeclare(c.Type) + " AS " + sqlcore.Quote(c.Name)
			})))
			continue
		}
		list = append(list, conversationTable(l, t))
	}
	return list
}

// conversationTable is a table of conversations as questions see it.
func conversationTable(l *layout, t query.Table) *sqlquery.Table {
	native := l.found.Table(t.Name)
	joined := slices.ContainsFunc(t.Columns, func(c query.Column) bool { return c.Name == "threadId" })
	var columns []string
	for _, c := range t.Columns {
		columns = append(columns, l.conversationColumn(&t, native, c, joined)+" AS "+sqlcore.Quote(c.Name))
	}
	sql := fmt.Sprintf("SELECT %s FROM %s n", strings.Join(columns, ","), l.table(t.Name))
	if joined {
		sql += fmt.Sprintf(` LEFT JOIN %s o ON o."id"=n."threadId"`, l.table("threads"))
	}
	out := reservedData(t, sql)
	for i := range out.Native {
		c := &out.Native[i]
		if c.Type.Kind != query.JSON {
			continue
		}
		kind := sqlcore.PlainJSON(c.Name)
		c.Mend = func(text string) any { return sqlcore.Plain(text, kind) }
	}
	return out
}

func (l *layout) conversationColumn(t *query.Table, native *sqlcore.Table, col query.Column, joined bool) string {
	expr := "n." + sqlcore.Quote(col.Name)
	stored, there := native.Column(col.Name)
	switch {
	case joined && col.Name == "userIdentifier":
		return `nullif(o."userIdentifier"::text,'')`
	case !there:
		metadata, _ := native.Column("metadata")
		if t.Name != "steps" || metadata.Type != "jsonb" {
			return "NULL::" + casts[col.Type.Kind]
		}
		return stowed(col)
	}
	switch col.Type.Kind {
	case query.Boolean:
		if stored.Kind == sqlcore.Bool {
			return expr
		}
		return fmt.Sprintf(`(CASE WHEN lower(%[1]s::text) IN ('1','t','true') THEN true WHEN lower(%[1]s::text) IN ('0','f','false') THEN false END)`, expr)
	case query.Integer:
		return fmt.Sprintf(`(CASE WHEN %[1]s::text ~ '^-?[0-9]{1,18}$' THEN %[1]s::text::bigint END)`, expr)
	case query.JSON:
		return l.conversationJSON(expr, stored)
	}
	switch {
	case col.Name == "id" || col.Name == "threadId" || col.Name == "forId":
		if stored.Kind == sqlcore.UUID {
			return expr + "::text"
		}
		return expr
	case t.Name == "steps" && col.Name == "input":
		return `(CASE WHEN lower(n."showInput"::text) IN ('false','none') OR coalesce(n."showInput"::text,'')='' AND strpos(coalesce(n."type"::text,''),'message')=0 THEN NULL ELSE nullif(n."input"::text,'') END)`
	case col.Name == "showInput":
		return "nullif(lower(" + expr + "::text),'')"
	}
	return "nullif(" + expr + "::text,'')"
}

// stowed is a field of a step that has no column, out of its metadata.
func stowed(col query.Column) string {
	at := fmt.Sprintf(`(n."metadata"#>>'{varve,%s}')`, col.Name)
	switch col.Type.Kind {
	case query.Boolean:
		return "(CASE WHEN " + at + " IN ('true','false') THEN " + at + "='true' END)"
	case query.JSON:
		return fmt.Sprintf(`(n."metadata"#>'{varve,%s}')::json`, col.Name)
	}
	return "nullif(" + at + ",'')"
}

// conversationJSON is JSON in whatever column it is: what was encoded twice is
// a text here, and made whole when it is read.
func (l *layout) conversationJSON(expr string, c sqlcore.Column) string {
	name := sqlcore.PlainJSON(c.Name)
	switch {
	case c.Kind == sqlcore.List:
		return "(CASE WHEN cardinality(" + expr + ")>0 THEN array_to_json(" + expr + ") END)"
	case c.Type == "jsonb" && name == "metadata":
		return "coalesce((CASE WHEN jsonb_typeof(" + expr + ")='object' THEN " + expr + "-'varve' ELSE nullif(" + expr + ",'null') END)::json,'{}'::json)"
	case c.Type == "jsonb":
		return "(CASE WHEN " + expr + " NOT IN ('{}','[]','null','\"\"') THEN " + expr + "::json END)"
	case c.Type == "json":
		expr = "nullif(" + expr + "::text,'null')"
	}
	if name == "metadata" {
		expr = "coalesce(nullif(" + expr + ",''),'{}')"
	} else {
		expr = "(CASE WHEN " + expr + " NOT IN ('{}','[]','null','') THEN " + expr + " END)"
	}
	if l.server >= 160000 {
		return "(CASE WHEN " + expr + " IS JSON THEN " + expr + "::json END)"
	}
	return "to_json(" + expr + ")"
}
