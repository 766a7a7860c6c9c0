package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// chatTables are the tables of conversations as questions see them: none where
// tables of their names are somebody else's.
func (s *Store) chatTables(c *conn) ([]*sqlquery.Table, error) {
	found, err := c.chainlit()
	if err != nil {
		return nil, err
	}
	var out []*sqlquery.Table
	if len(found) == 0 {
		for _, t := range query.ConversationTables() {
			out = append(out, reservedTable(t, sqlquery.NoRows(&t, func(c query.Column) string { return "NULL AS " + sqlcore.Quote(c.Name) })))
		}
		return out, nil
	}
	if len(found) < len(sqlcore.Tables()) {
		return nil, nil
	}
	p, err := c.look(false)
	if err != nil {
		return nil, nil // they are not Chainlit's
	}
	for _, t := range query.ConversationTables() {
		out = append(out, reservedTable(t, conversationRows(&t, &p.core.Schema)))
	}
	return out, nil
}

// reservedTable has columns that are as Varve's own are: its subquery sees to
// that.
func reservedTable(t query.Table, rows string) *sqlquery.Table {
	out := &sqlquery.Table{Table: t, Rows: rows}
	for _, c := range t.Columns {
		out.Native = append(out.Native, sqlquery.Column{Column: c, Own: true})
	}
	return out
}

// conversationRows is the query for a table of conversations. What has no
// column was stowed in the metadata. Ids stand as they are, so that indexes
// find them.
func conversationRows(t *query.Table, s *sqlcore.Schema) string {
	native := *s.Table(t.Name)
	joined := slices.ContainsFunc(t.Columns, func(c query.Column) bool { return c.Name == "threadId" })
	var columns []string
	for _, col := range t.Columns {
		columns = append(columns, conversationColumn(t, &native, col, joined)+" AS "+sqlcore.Quote(col.Name))
	}
	sql := fmt.Sprintf("SELECT %s FROM main.%s n", strings.Join(columns, ","), sqlcore.Quote(t.Name))
	if joined {
		sql += ` LEFT JOIN main."threads" o ON o."id"=n."threadId"`
	}
	return sql
}

func conversationColumn(t *query.Table, native *sqlcore.Table, col query.Column, joined bool) string {
	expr := "n." + sqlcore.Quote(col.Name)
	switch {
	case joined && col.Name == "userIdentifier":
		return `nullif(o."userIdentifier",'')`
	case !native.Has(col.Name):
		if t.Name != "steps" {
			return "NULL"
		}
		// As JSON, since that is how it was stowed.
		return fmt.Sprintf(`varve_at(varve_noun(n."metadata",'stowed'),'%s','%s')`, col.Name, col.Type.Kind)
	}
	switch col.Type.Kind {
	case query.Boolean, query.Integer:
		return fmt.Sprintf("varve_noun(%s,'%s')", expr, col.Type.Kind)
	case query.JSON:
		return fmt.Sprintf("varve_noun(%s,'%s')", expr, sqlcore.PlainJSON(col.Name))
	}
	switch {
	case col.Name == "id" || col.Name == "threadId" || col.Name == "forId":
		return expr
	case t.Name == "steps" && col.Name == "input":
		return `CASE WHEN lower(n."showInput") IN ('false','none') OR coalesce(n."showInput",'')='' AND instr(coalesce(n."type",''),'message')=0 THEN NULL ELSE nullif(n."input",'') END`
	case col.Name == "showInput":
		return "nullif(lower(" + expr + "),'')"
	}
	return "nullif(" + expr + ",'')"
}

// stateTables are the versioned tables with their rows as they are.
func (s *Store) stateTables(c *conn) (out []*sqlquery.Table, err error) {
	if !s.known.Load() {
		return nil, nil
	}
	found, err := s.catalogue(c, ` ORDER BY name`)
	for _, d := range found {
		out = append(out, versionedTable(d.versions))
	}
	return out, err
}

// stateTable is the versioned table of a name, nil when there is none.
func (s *Store) stateTable(c *conn, name string) (*sqlquery.Table, error) {
	if !s.known.Load() {
		return nil, nil
	}
	v, err := s.table(c, sqlcore.TableName(name))
	if err != nil || v == nil || v.Table.Name != name {
		return nil, err
	}
	return versionedTable(v), nil
}

func versionedTable(v *sqlcore.Versions) *sqlquery.Table {
	return reservedTable(sqlquery.Versioned(&v.Table), v.Latest(func(micros string) string { return "varve_micros(" + micros + ")" }))
}
