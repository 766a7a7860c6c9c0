package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Tables, views and foreign tables of the schema, with what is known of each
// column: "" asks for all, a name for one.
const dataColumnsSQL = `SELECT c.relname, a.attname,
  format_type(CASE WHEN t.typtype='d' THEN t.typbasetype ELSE a.atttypid END, CASE WHEN t.typtype='d' THEN t.typtypmod ELSE a.atttypmod END),
  a.attnotnull, a.atthasdef OR a.attidentity<>'', a.attgenerated<>'' OR a.attidentity='a',
  coalesce(i.indnkeyatts=1 AND i.indkey[0]=a.attnum, false), coalesce(n.nspname||'.'||x.collname,'')
FROM pg_class c
JOIN pg_namespace s ON s.oid=c.relnamespace
JOIN pg_attribute a ON a.attrelid=c.oid
JOIN pg_type t ON t.oid=a.atttypid
LEFT JOIN pg_index i ON i.indrelid=c.oid AND i.indisprimary
LEFT JOIN pg_collation x ON x.oid=a.attcollation
LEFT JOIN pg_namespace n ON n.oid=x.collnamespace
WHERE s.nspname=$1 AND ($2='' OR c.relname=$2) AND c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition
  AND a.attnum>0 AND NOT a.attisdropped AND NOT starts_with(lower(c.relname),'varve_')
ORDER BY c.relname, a.attnum`

// looking collects the tables of a database.
type looking struct {
	l      *layout
	tables []*sqlquery.Table
	made   map[string]note
}

type note struct {
	declaration string
	edition     int64
}

// find asks for a table, or for all with "", in one round trip.
func (q data) find(ctx context.Context, name string) ([]*sqlquery.Table, error) {
	l, err := q.layout(ctx)
	if err == nil && l.silent() && (name == "" || slices.Contains(sqlcore.Tables(), name)) {
		l, err = anew(ctx, q.at, l)
	}
	if err != nil {
		return nil, err
	}
	f := &looking{l: l, made: map[string]note{}}
	asks := []sqlcore.Query{{SQL: dataColumnsSQL, Args: []any{l.schema, name}, Each: f.column}}
	if l.founded() && l.has(dataVersion) {
		asks = append(asks, sqlcore.Query{SQL: `SELECT name,declaration,edition FROM ` + l.varve("varve_data_table") + ` WHERE $1='' OR name=$1`, Args: []any{name}, Each: f.declaration})
	}
	var versioned []entry
	if l.founded() && l.has(stateVersion) {
		asks = append(asks, versions(q).catalogue(l, "", &versioned))
	}
	if err := q.at.Run(ctx, asks...); err != nil {
		return nil, err
	}
	if err := f.overlay(); err != nil {
		return nil, err
	}
	for _, v := range versioned {
		f.add(reservedData(sqlquery.Versioned(&v.versions.Table), v.versions.Latest(func(micros string) string {
			return "(TIMESTAMPTZ 'epoch' + " + micros + " * INTERVAL '1 microsecond')"
		})))
	}
	for _, t := range conversationTables(l) {
		f.add(t)
	}
	return f.tables, nil
}

// add adds a reserved table, if no table before has its name.
func (f *looking) add(t *sqlquery.Table) {
	if !slices.ContainsFunc(f.tables, func(o *sqlquery.Table) bool { return o.Name == t.Name }) {
		f.tables = append(f.tables, t)
	}
}

func (f *looking) column(r sqlcore.Row) error {
	got := r.(row)
	name := got.text(0)
	if f.l.chat == f.l.schema && f.l.core != nil && slices.Contains(f.l.chats(), name) {
		return nil
	}
	if n := len(f.tables); n == 0 || f.tables[n-1].Name != name {
		f.tables = append(f.tables, &sqlquery.Table{Table: query.Table{Name: name}})
	}
	t := f.tables[len(f.tables)-1]
	c := sqlquery.Column{Native: got.text(2), Default: got.flag(4)}
	c.Name = got.text(1)
	c.Type, c.Refused = dataType(c.Native)
	c.Refused = c.Refused || got.flag(5)
	c.Required = got.flag(3) && !c.Default
	if k := c.Type.Kind; got.flag(6) && !c.Refused && (k == query.Text || k == query.Integer) {
		t.Key, c.Required = c.Name, true
		t.Generated = c.Default
	}
	t.Native = append(t.Native, c)
	return nil
}

// chats are the names of the tables in which conversations are.
func (l *layout) chats() []string {
	if !l.official {
		return sqlcore.Tables()
	}
	var names []string
	for _, theirs := range official {
		names = append(names, theirs)
	}
	return names
}

func (f *looking) declaration(r sqlcore.Row) error {
	got := r.(row)
	f.made[got.text(0)] = note{got.text(1), position(got.text(2))}
	return nil
}

func (f *looking) overlay() error {
	for _, t := range f.tables {
		t.Plain()
		made, ok := f.made[t.Name]
		if !ok {
			continue
		}
		if err := t.Overlay(made.declaration, func(c query.Column, _ bool) string { return dataDeclare(c.Type) }); err != nil {
			return err
		}
		t.Edition = made.edition
	}
	return nil
}

// dataDeclare is the type that a column is declared with. JSON is JSON, not
// JSONB: numbers in it stay as they were written.
func dataDeclare(t query.Type) string {
	switch t.Kind {
	case query.Integer:
		return "bigint"
	case query.Real:
		return "double precision"
	case query.Boolean:
		return "boolean"
	case query.Time:
		return "timestamp with time zone"
	case query.JSON:
		return "json"
	case query.Bytes, query.Vector, query.Tensor:
		return "bytea"
	}
	return "text"
}

// dataType is what a type that another program declared means. refused: it is
// read as text and not written.
func dataType(native string) (t query.Type, refused bool) {
	kind := query.Text
	switch base(native) {
	case "text", "character varying", "uuid":
	case "bigint", "integer", "smallint":
		kind = query.Integer
	case "double precision", "real":
		kind = query.Real
	case "boolean":
		kind = query.Boolean
	case "timestamp with time zone", "timestamp without time zone":
		kind = query.Time
	case "bytea":
		kind = query.Bytes
	case "json", "jsonb":
		kind = query.JSON
	case "numeric":
		// What a double holds exactly as it is written, and no more.
		digits, _, _ := strings.Cut(strings.TrimPrefix(native, "numeric("), ",")
		if n, err := strconv.Atoi(strings.TrimSuffix(digits, ")")); err != nil || n > 15 {
			return query.Type{Kind: query.Text}, true
		}
		kind = query.Real
	default:
		refused = true
	}
	return query.Type{Kind: kind}, refused
}

// Create implements query.Store.
func (q data) Create(ctx context.Context, t query.Table) error {
	if sqlquery.Private(t.Name) {
		return sqlquery.Taken(t.Name)
	}
	l, err := q.layout(ctx)
	if err != nil {
		return err
	}
	if !l.founded() || !l.has(dataVersion) {
		return errs.New(errs.Unsupported, "tables cannot be made in a database that Varve did not make, since there is no place to note their types; `varve doctor --apply` makes one")
	}
	q.s.seen.Forget(t.Name)
	if err := q.createdAs(ctx, &t); !errors.Is(err, errs.NotFound) {
		return err
	}
	for _, c := range t.Columns {
		if column(c.Name) != sqlcore.Quote(c.Name) {
			return errs.Field(errs.Unsupported, c.Name, "is a name that PostgreSQL has for itself; choose another")
		}
	}
	return q.at.atomic(ctx, func(at access) error {
		in := data{q.s, at}
		if err := at.Run(ctx, sqlcore.Query{SQL: lock}); err != nil { // two that make one table take turns
			return err
		}
		if err := in.createdAs(ctx, &t); !errors.Is(err, errs.NotFound) {
			return err
		}
		declaration, err := sqlquery.Encode(&t)
		if err != nil {
			return err
		}
		var edition [8]byte
		rand.Read(edition[:])
		return at.write(ctx, sqlcore.Query{SQL: createData(l, &t)}, sqlcore.Query{
			SQL:  `INSERT INTO ` + l.varve("varve_data_table") + ` (name,declaration,edition) VALUES ($1,$2,$3) ON CONFLICT (name) DO UPDATE SET declaration=EXCLUDED.declaration,edition=EXCLUDED.edition`,
			Args: []any{t.Name, declaration, int64(binary.LittleEndian.Uint64(edition[:]) >> 1)}})
	})
}

// createdAs is nil where a table is there as it is wanted, and errs.NotFound
// where the name is free. Versioned tables have others.
func (q data) createdAs(ctx context.Context, want *query.Table) error {
	there, err := q.find(ctx, want.Name)
	if err != nil {
		return err
	}
	for _, t := range there {
		if t.Name == want.Name && t.Reserved != query.StateRoom && !t.Unmade() {
			return t.Declared(want)
		}
	}
	return sqlquery.Missing(want.Name)
}

func createData(l *layout, t *query.Table) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + l.varve(t.Name) + " (")
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(sqlcore.Quote(c.Name) + " " + dataDeclare(c.Type))
		if k := c.Type.Kind; k == query.Text || k == query.File {
			b.WriteString(` COLLATE "C"`)
		}
		if c.Name == t.Key {
			b.WriteString(" PRIMARY KEY")
		} else if c.Required {
			b.WriteString(" NOT NULL")
		}
	}
	b.WriteString(")")
	return b.String()
}

// Drop implements query.Store.
func (q data) Drop(ctx context.Context, name string) error {
	q.s.seen.Forget(name)
	l, err := q.layout(ctx)
	if err != nil {
		return err
	}
	err = q.at.atomic(ctx, func(at access) error {
		t, err := data{q.s, at}.table(ctx, name)
		if err != nil {
			return err
		}
		if !t.Created {
			return errs.Field(errs.Forbidden, "table", "%q was not made by Varve; whoever made it may drop it", name)
		}
		return at.write(ctx, sqlcore.Query{SQL: `DROP TABLE ` + l.varve(name)},
			sqlcore.Query{SQL: `DELETE FROM ` + l.varve("varve_data_table") + ` WHERE name=$1`, Args: []any{name}})
	})
	q.s.seen.Forget(name)
	return err
}
