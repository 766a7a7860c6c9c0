package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// introspect reads what the database holds, in two round trips, and changes
// nothing. The error is that of the connection; what is wrong with the tables
// is in the layout.
func (s *Store) introspect(ctx context.Context) (*layout, error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return s.introspectOn(ctx, c.Conn())
}

// introspectOn is introspect on a connection, inside its transaction if it is
// in one.
func (s *Store) introspectOn(ctx context.Context, conn *pgx.Conn) (*layout, error) {
	c := session{Conn: conn}
	l := &layout{memory: &s.memory, log: s.log, dropped: &s.dropped, ran: map[int]bool{}, indexes: map[string]bool{}, added: map[string]bool{}}
	var backend uint32
	err := run(ctx, c, sqlcore.Query{
		SQL: `SELECT coalesce(current_schema(), ''), current_setting('server_version_num'), pg_backend_pid()`,
		Each: func(r sqlcore.Row) error {
			l.schema, _ = r.Text(0)
			l.server = number(r, 1)
			backend = uint32(number(r, 2))
			return nil
		}})
	if err != nil {
		return nil, classify(err)
	}
	if l.server < oldest {
		return nil, errs.New(errs.Unsupported, "this server is older than PostgreSQL 13")
	}
	if l.schema == "" {
		return nil, errs.New(errs.Unavailable, "none of the schemas in this role's search_path exists; create one or set search_path")
	}
	l.chat = l.schema
	if s.schema != "" {
		l.chat = s.schema
	}
	// A pooler hands out a cancellation key of its own.
	s.pooled.Store(backend != c.PgConn().PID())
	finds := &finds{l: l, asked: s.official}
	if err := run(ctx, c, finds.queries()...); err != nil {
		return nil, classify(err)
	}
	if finds.journal {
		if err := run(ctx, c, finds.history()...); err != nil {
			return nil, classify(err)
		}
	}
	finds.judge()
	l.settle()
	return l, nil
}

// oldest is the first version that has what is used of PostgreSQL.
const oldest = 130000

// finds collects what introspection sees.
type finds struct {
	l       *layout
	asked   bool // for the official tables
	journal bool // varve_migration is there
	made    string
	shape   string
}

const columnsSQL = `SELECT c.relname, a.attname,
  format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, NULL),
  a.attnotnull, a.atthasdef OR a.attidentity <> ''
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum`

const indexesSQL = `SELECT c.relname, x.relname, i.indpred IS NULL, array_agg(coalesce(a.attname, '') ORDER BY k.place)
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (attnum, place)
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND i.indisvalid
GROUP BY c.relname, x.relname, i.indpred IS NULL`

// The labels of the enumeration that the official tables have for steps.
const labelsSQL = `SELECT e.enumlabel FROM pg_enum e
JOIN pg_attribute a ON a.atttypid = e.enumtypid AND a.attname = 'type' AND NOT a.attisdropped
JOIN pg_class c ON c.oid = a.attrelid AND c.relname = 'Step'
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1
ORDER BY e.enumsortorder`

const ownSQL = `SELECT to_regclass($1) IS NOT NULL, EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm'),
  EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass($2) AND contype = 'f' AND convalidated)`

func (f *finds) queries() []sqlcore.Query {
	return []sqlcore.Query{
		{SQL: columnsSQL, Args: []any{f.l.chat, tables()}, Each: f.column},
		{SQL: indexesSQL, Args: []any{f.l.chat, tables()}, Each: f.index},
		{SQL: labelsSQL, Args: []any{f.l.chat}, Each: func(r sqlcore.Row) error {
			f.l.types = append(f.l.types, r.(row).text(0))
			return nil
		}},
		{SQL: ownSQL, Args: []any{f.l.varve("varve_migration"), sqlcore.Quote(f.l.chat) + ".steps"}, Each: func(r sqlcore.Row) error {
			got := r.(row)
			f.journal, f.l.trgmAvailable, f.l.bound = got.flag(0), got.flag(1), got.flag(2)
			return nil
		}},
	}
}

func (f *finds) column(r sqlcore.Row) error {
	got := r.(row)
	t := f.table(got.text(0))
	t.Name = got.text(0)
	t.Columns = append(t.Columns, sqlcore.Column{
		Name: got.text(1), Type: got.text(2), Kind: sqlcore.KindOf(got.text(2)),
		NotNull: got.flag(3), Default: got.flag(4)})
	return nil
}

func (f *finds) index(r sqlcore.Row) error {
	got := r.(row)
	f.l.indexes[got.text(1)] = true
	if !got.flag(2) {
		return nil // a partial index stands in for no other
	}
	var columns []string
	sqlcore.Decode(&columns, got.text(3))
	t := f.table(got.text(0))
	t.Indexes = append(t.Indexes, columns)
	return nil
}

// table is where a table of either shape is collected.
func (f *finds) table(name string) *sqlcore.Table {
	if t := f.l.found.Table(name); t != nil {
		return t
	}
	return f.l.stored.Table(documented(name))
}

// history asks what Varve did here before.
func (f *finds) history() []sqlcore.Query {
	return []sqlcore.Query{
		{SQL: `SELECT version FROM ` + f.l.varve("varve_migration"), Each: func(r sqlcore.Row) error {
			f.l.ran[number(r, 0)] = true
			f.l.version = max(f.l.version, number(r, 0))
			return nil
		}},
		{SQL: `SELECT value FROM ` + f.l.varve("varve_meta") + ` WHERE key = 'origin'`, Each: func(r sqlcore.Row) error {
			f.made, _ = r.Text(0)
			return nil
		}},
		{SQL: `SELECT ` + f.l.varve("varve_base") + `(), coalesce(max(position),0)>>22, pg_snapshot_xmax(pg_current_snapshot()) FROM ` + f.l.varve("varve_change"),
			Each: func(r sqlcore.Row) error {
				got := r.(row)
				f.l.base = position(got.text(0))
				f.l.ahead = position(got.text(1)) - (position(got.text(2)) + f.l.base) + 1
				return nil
			}},
		{SQL: `SELECT value FROM ` + f.l.varve("varve_meta") + ` WHERE key = '` + shapeKey + `'`, Each: func(r sqlcore.Row) error {
			f.shape, _ = r.Text(0)
			return nil
		}},
		{SQL: `SELECT key FROM ` + f.l.varve("varve_meta") + ` WHERE starts_with(key, $1)`, Args: []any{addedKey}, Each: func(r sqlcore.Row) error {
			f.l.added[strings.TrimPrefix(r.(row).text(0), addedKey)] = true
			return nil
		}},
	}
}

// judge decides whose database it is.
func (f *finds) judge() {
	l := f.l
	l.official = f.official()
	lie := &l.found
	if l.official {
		lie = &l.stored
	}
	there := slices.ContainsFunc(sqlcore.Tables(), func(name string) bool { return lie.Table(name).Exists() })
	switch {
	case f.made != "":
		l.origin = origin(f.made)
	case there:
		l.origin = foreign
	}
	l.trgm = l.indexes[searchIndex]
	if l.origin == mended && !l.has(indexesVersion) {
		// Until every thread has its last activity the column orders nothing.
		t := &lie.Threads
		t.Columns = slices.DeleteFunc(t.Columns, func(c sqlcore.Column) bool { return c.Name == sqlcore.ActivityColumn })
	}
	if f.asked && !l.official {
		l.broken = errs.New(errs.Conflict, "schema=%s was asked for, but Varve keeps conversations in its other tables here; take another database, or leave the parameter out", officialShape)
	}
	if l.version > len(migrations()) {
		l.broken = errs.New(errs.Unsupported, "a newer version of Varve wrote this database; use that version")
	}
}

// official decides which of Chainlit's schemas is meant: what Varve settled on
// here before, what the URL says, or what is there.
func (f *finds) official() bool {
	switch {
	case f.made != "":
		return f.shape == officialShape
	case f.asked:
		return true
	}
	return looksOfficial(f.l.stored) && !f.l.found.Threads.Exists()
}

func number(r sqlcore.Row, i int) int {
	text, _ := r.Text(i)
	n, _ := strconv.Atoi(text)
	return n
}
