package mysql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// conversationTables are those of conversations as questions see them: without
// rows where nobody has made them, and none where tables of somebody else's have
// their names.
func conversationTables(l *layout) (list []*sqlquery.Table) {
	if l.refused != nil {
		return nil
	}
	for _, t := range query.ConversationTables() {
		if l.core != nil {
			list = append(list, conversationTable(l, t))
			continue
		}
		unmade := &sqlquery.Table{Table: t, Rows: sqlquery.NoRows(&t, func(c query.Column) string { return "NULL AS " + quoted(c.Name) })}
		for _, c := range t.Columns {
			unmade.Native = append(unmade.Native, sqlquery.Column{Column: c})
		}
		list = append(list, unmade)
	}
	return list
}

// conversationTable is a table of conversations as questions see it. The tables
// are Varve's own, so what is in them is in one form.
func conversationTable(l *layout, t query.Table) *sqlquery.Table {
	native := l.core.Schema.Table(t.Name)
	joined := slices.ContainsFunc(t.Columns, func(c query.Column) bool { return c.Name == "threadId" })
	var columns []string
	for _, c := range t.Columns {
		columns = append(columns, conversationColumn(&t, native, c, joined)+" AS "+quoted(c.Name))
	}
	out := &sqlquery.Table{Table: t, Rows: fmt.Sprintf("SELECT %s FROM %s n", strings.Join(columns, ","), quoted(t.Name))}
	if joined {
		out.Rows += ` LEFT JOIN threads o ON o."id"=n."threadId"`
	}
	for _, c := range t.Columns {
		column := sqlquery.Column{Column: c}
		if c.Type.Kind == query.JSON {
			kind := sqlcore.PlainJSON(c.Name)
			column.Mend = func(text string) any { return sqlcore.Plain(text, kind) }
		}
		out.Native = append(out.Native, column)
	}
	return out
}

func conversationColumn(t *query.Table, native *sqlcore.Table, col query.Column, joined bool) string {
	expr := "n." + quoted(col.Name)
	some := func(expr string) string { return "(CASE WHEN length(" + expr + ")>0 THEN " + expr + " END)" } // '' = ' ' here
	switch {
	case joined && col.Name == "userIdentifier":
		return some(`o."userIdentifier"`)
	case !native.Has(col.Name):
		return "NULL"
	case col.Type.Kind == query.Boolean || col.Type.Kind == query.Integer:
		return expr
	case col.Name == "id" || col.Name == "threadId" || col.Name == "forId":
		return expr
	case col.Name == "metadata":
		return "coalesce(" + some(expr) + ",'{}')"
	case col.Type.Kind == query.JSON:
		return "(CASE WHEN " + expr + " NOT IN ('{}','[]','null','') THEN " + expr + " END)"
	case t.Name == "steps" && col.Name == "input":
		return `(CASE WHEN lower(n."showInput") IN ('false','none') OR coalesce(n."showInput",'')='' AND locate('message',coalesce(n."type",''))=0 THEN NULL ELSE ` + some(expr) + ` END)`
	case col.Name == "showInput":
		return "lower(" + some(expr) + ")"
	}
	return some(expr)
}
