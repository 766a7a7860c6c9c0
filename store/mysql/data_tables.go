package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// MariaDB says 'NULL' of a column without a default.
const dataColumnsSQL = `SELECT table_name,column_name,column_type,is_nullable='NO',column_default IS NOT NULL AND column_default<>'NULL',extra,column_key='PRI'
FROM information_schema.columns WHERE table_schema=database() AND (?1='' OR table_name=?1) AND lower(left(table_name,6))<>'varve_' ORDER BY table_name,ordinal_position`

// find asks for a table, or for all with "", in one round trip.
func (q data) find(ctx context.Context, l *layout, name string) (tables []*sqlquery.Table, err error) {
	if l.silent() && (name == "" || sqlcoreTable(name)) {
		if l, err = q.anew(ctx, l); err != nil {
			return nil, err
		}
	}
	keys := map[string]int{}
	made := map[string]sqlquery.Table{}
	err = q.at.Run(ctx, sqlcore.Query{SQL: dataColumnsSQL, Args: []any{name}, Each: func(r sqlcore.Row) error {
		got := r.(row)
		if l.core != nil && sqlcoreTable(got.text(0)) {
			return nil
		}
		if n := len(tables); n == 0 || tables[n-1].Name != got.text(0) {
			tables = append(tables, &sqlquery.Table{Table: query.Table{Name: got.text(0)}})
		}
		t := tables[len(tables)-1]
		if dataColumn(t, got) {
			keys[t.Name]++
		}
		return nil
	}}, sqlcore.Query{SQL: `SELECT name,declaration,edition FROM varve_data_table WHERE ?1='' OR name=?1`, Args: []any{name}, Each: func(r sqlcore.Row) error {
		got := r.(row)
		made[got.text(0)] = sqlquery.Table{Rows: got.text(1), Edition: got.number(2)}
		return nil
	}})
	for _, t := range tables {
		if keys[t.Name] != 1 {
			t.Key, t.Generated = "", false
		}
		t.Plain()
		if m, ok := made[t.Name]; ok && err == nil {
			t.Edition = m.Edition
			err = t.Overlay(m.Rows, dataDeclare)
		}
	}
	if err != nil {
		return nil, err
	}
	return append(tables, conversationTables(l)...), nil
}

// sqlcoreTable tells whether a table is one of conversations.
func sqlcoreTable(name string) bool { return slices.Contains(sqlcore.Tables(), name) }

// dataColumn adds a column to a table, and tells whether it is of the key.
func dataColumn(t *sqlquery.Table, got row) (isKey bool) {
	c := sqlquery.Column{Native: width.ReplaceAllString(got.text(2), "$1")}
	extra := strings.ToLower(got.text(5))
	made := strings.Contains(extra, "generated") && !strings.Contains(extra, "default_generated")
	c.Name = got.text(1)
	c.Default = got.text(4) == "1" || made || strings.Contains(extra, "auto_increment")
	c.Required = got.text(3) == "1" && !c.Default
	c.Type, c.Refused = dataType(c.Native)
	c.Refused = c.Refused || made
	if got.text(6) == "1" {
		isKey = true
		if k := c.Type.Kind; !c.Refused && (k == query.Text || k == query.Integer) {
			t.Key, c.Required = c.Name, true
			t.Generated = c.Default
		}
	}
	t.Native = append(t.Native, c)
	return isKey
}

// width is how wide an integer is shown, which older servers say and newer do
// not; of TINYINT(1) it says that it is a boolean.
var width = regexp.MustCompile(`^(smallint|mediumint|int|bigint)\(\d+\)`)

// dataDeclare is the type that a column is declared with, without its
// collation. JSON is text: the servers' own type alters numbers or is text with
// a check.
func dataDeclare(c query.Column, key bool) string {
	switch c.Type.Kind {
	case query.Integer:
		return "bigint"
	case query.Real:
		return "double"
	case query.Boolean:
		return "tinyint(1)"
	case query.Time:
		return "datetime(6)"
	case query.Bytes, query.Vector, query.Tensor:
		return "longblob"
	}
	if key {
		return "varchar(" + strconv.Itoa(query.MaxKey) + ")"
	}
	return "longtext"
}

// dataType is what a type that another program declared means. refused: it is
// read as text and not written.
func dataType(native string) (t query.Type, refused bool) {
	name, rest, _ := strings.Cut(native, "(")
	name, _, _ = strings.Cut(name, " ")
	kind := query.Text
	switch name {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
	case "tinyint":
		kind = query.Integer
		if native == "tinyint(1)" {
			kind = query.Boolean
		}
	case "smallint", "mediumint", "int", "bigint":
		kind = query.Integer
	case "double", "float":
		kind = query.Real
	case "decimal":
		// What a double holds exactly as it is written, and no more.
		digits, _, _ := strings.Cut(rest, ",")
		if n, err := strconv.Atoi(digits); err != nil || n > 15 {
			return query.Type{Kind: query.Text}, true
		}
		kind = query.Real
	case "datetime", "timestamp":
		kind = query.Time
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		kind = query.Bytes
	case "json":
		kind = query.JSON
	default:
		refused = true
	}
	return query.Type{Kind: kind}, refused
}

// Create implements query.Store. DDL commits by itself here, so that no table
// is made inside an Update. The catalogue is written first: what it says of a
// table that is not there does no harm.
func (q data) Create(ctx context.Context, t query.Table) error {
	if sqlquery.Private(t.Name) {
		return sqlquery.Taken(t.Name)
	}
	l, err := q.layout(ctx)
	if err != nil {
		return err
	}
	l.seen.Forget(t.Name)
	if err := q.createdAs(ctx, l, &t); !errors.Is(err, errs.NotFound) {
		return err
	}
	o, outside := q.at.(outer)
	if !outside {
		return errs.Field(errs.Unsupported, "table", "%q cannot be made inside a transaction, which this database would end; make it before", t.Name)
	}
	declaration, err := sqlquery.Encode(&t)
	if err != nil {
		return err
	}
	var edition [8]byte
	rand.Read(edition[:])
	return o.s.lend(ctx, func(c *sql.Conn) error {
		if err := o.s.takeTurn(ctx, c); err != nil {
			return err
		}
		err := q.createdAs(ctx, l, &t)
		if errors.Is(err, errs.NotFound) {
			err = send(ctx, c, o.s.limit, sqlcore.Query{SQL: `REPLACE INTO varve_data_table (name,declaration,edition) VALUES (?,?,?)`,
				Args: []any{t.Name, declaration, int64(binary.LittleEndian.Uint64(edition[:]) >> 1)}}, sqlcore.Query{SQL: createData(l, &t)})
		}
		l.seen.Forget(t.Name)
		if failed := send(context.WithoutCancel(ctx), c, o.s.limit, sqlcore.Query{SQL: over}); err == nil {
			err = failed
		}
		return err
	})
}

// createdAs is nil where a table is there as it is wanted, and errs.NotFound
// where the name is free.
func (q data) createdAs(ctx context.Context, l *layout, want *query.Table) error {
	there, err := q.find(ctx, l, want.Name)
	if err != nil {
		return err
	}
	for _, t := range there {
		if t.Name == want.Name && !t.Unmade() {
			return t.Declared(want)
		}
	}
	return sqlquery.Missing(want.Name)
}

func createData(l *layout, t *query.Table) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + quoted(t.Name) + " (")
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		declared := dataDeclare(c, c.Name == t.Key)
		b.WriteString(quoted(c.Name) + " " + declared)
		if declared == "longtext" || strings.HasPrefix(declared, "varchar") {
			b.WriteString(" CHARACTER SET utf8mb4 COLLATE " + l.collation)
		}
		if c.Name == t.Key {
			b.WriteString(" NOT NULL PRIMARY KEY")
		} else if c.Required {
			b.WriteString(" NOT NULL")
		}
	}
	b.WriteString(") ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=" + l.collation)
	return b.String()
}

// Drop implements query.Store.
func (q data) Drop(ctx context.Context, name string) error {
	l, err := q.layout(ctx)
	if err != nil {
		return err
	}
	l.seen.Forget(name)
	t, err := q.table(ctx, name)
	if err != nil {
		return err
	}
	if !t.Created {
		return errs.Field(errs.Forbidden, "table", "%q was not made by Varve; whoever made it may drop it", name)
	}
	o, outside := q.at.(outer)
	if !outside {
		return errs.Field(errs.Unsupported, "table", "%q cannot be dropped inside a transaction, which this database would end", name)
	}
	err = o.s.lend(ctx, func(c *sql.Conn) error {
		return send(ctx, c, o.s.limit, sqlcore.Query{SQL: "DROP TABLE " + quoted(name)},
			sqlcore.Query{SQL: `DELETE FROM varve_data_table WHERE name=?`, Args: []any{name}})
	})
	l.seen.Forget(name)
	return err
}
