package sqlite

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// dataCache is what the tables of a file are at one version of its schema.
// Only what is committed is in it.
type dataCache struct {
	version int64
	tables  map[string]*sqlquery.Table
}

// table finds a table: the user's go before versioned ones, and those before
// conversations.
func (q data) table(c *conn, name string) (*sqlquery.Table, error) {
	version, err := c.number("PRAGMA schema_version")
	if err != nil {
		return nil, err
	}
	known := q.store.data.Load()
	if known != nil && known.version == version {
		if t := known.tables[name]; t != nil {
			return t, nil
		}
	}
	var t *sqlquery.Table
	err = c.snapshot(func() error {
		t, err = q.find(c, name)
		return err
	})
	if err != nil || t.Reserved == query.StateRoom {
		return t, err // what is declared can change without the schema
	}
	if _, outer := q.at.(*Store); outer && c != q.store.writer.conn {
		q.store.learned(known, version, t)
	}
	return t, nil
}

// learned adds a table to what is known. Of two that do so at once one is
// forgotten, and found again.
func (s *Store) learned(known *dataCache, version int64, t *sqlquery.Table) {
	next := &dataCache{version: version, tables: map[string]*sqlquery.Table{t.Name: t}}
	if known != nil && known.version == version {
		for name, old := range known.tables {
			next.tables[name] = old
		}
	}
	s.data.CompareAndSwap(known, next)
}

func (q data) find(c *conn, name string) (*sqlquery.Table, error) {
	if sqlquery.Private(name) || strings.HasPrefix(strings.ToLower(name), "sqlite_") {
		return nil, sqlquery.Missing(name)
	}
	chat, err := q.store.chatTables(c)
	if err != nil {
		return nil, err
	}
	if t, err := c.userTable(name, chat); t != nil || err != nil {
		return t, err
	}
	if t, err := q.store.stateTable(c, name); t != nil || err != nil {
		return t, err
	}
	if i := slices.IndexFunc(chat, func(t *sqlquery.Table) bool { return t.Name == name }); i >= 0 {
		return chat[i], nil
	}
	return nil, sqlquery.Missing(name)
}

// dataTables are all tables by their names.
func (s *Store) dataTables(c *conn) ([]*sqlquery.Table, error) {
	chat, err := s.chatTables(c)
	if err != nil {
		return nil, err
	}
	names, err := c.column(`SELECT name FROM pragma_table_list WHERE schema='main' AND type IN ('table','view','virtual') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE 'varve\_%' ESCAPE '\'`)
	if err != nil {
		return nil, err
	}
	byName := map[string]*sqlquery.Table{}
	for _, t := range chat {
		byName[t.Name] = t
	}
	state, err := s.stateTables(c)
	if err != nil {
		return nil, err
	}
	for _, t := range state {
		byName[t.Name] = t
	}
	for _, name := range names {
		t, err := c.userTable(name, chat)
		if err != nil {
			return nil, err
		}
		if t != nil {
			byName[name] = t
		}
	}
	out := make([]*sqlquery.Table, 0, len(byName))
	for _, t := range byName {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *sqlquery.Table) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// userTable is a table or view that is none of Varve's, nil when there is
// none.
func (c *conn) userTable(name string, chat []*sqlquery.Table) (*sqlquery.Table, error) {
	if slices.ContainsFunc(chat, func(t *sqlquery.Table) bool { return t.Rows != "" && strings.EqualFold(t.Name, name) }) {
		if there, err := c.has("table", strings.ToLower(name)); err != nil || there {
			return nil, err
		}
	}
	t := &sqlquery.Table{Table: query.Table{Name: name}}
	var keys []string
	err := c.query(`SELECT x.name,x.type,x."notnull",x.dflt_value,x.pk,x.hidden FROM pragma_table_list l, pragma_table_xinfo(l.name) x
WHERE l.schema='main' AND l.name=? AND l.type IN ('table','view','virtual') AND x.hidden<>1 ORDER BY x.cid`, func(r sqlcore.Row) error {
		got := r.(row)
		col := sqlquery.Column{}
		col.Name, _ = r.Text(0)
		col.Native, _ = r.Text(1)
		pk, hidden := got.ColumnInt64(4), got.ColumnInt64(5)
		_, col.Default = r.Text(3)
		col.Default = col.Default || hidden > 1 // generated
		col.Required = got.ColumnInt64(2) != 0 && !col.Default
		if pk > 0 {
			keys = append(keys, col.Name)
		}
		col.Type, col.Refused = dataType(col.Native)
		col.Refused = col.Refused || hidden > 1
		t.Native = append(t.Native, col)
		return nil
	}, name)
	if err != nil || len(t.Native) == 0 {
		return nil, err
	}
	t.Plain()
	if len(keys) == 1 {
		c.keyed(t, keys[0])
	}
	return t, c.overlaid(t)
}

// keyed makes a column the key, if it can be one.
func (c *conn) keyed(t *sqlquery.Table, key string) {
	i := t.Index(key)
	col := &t.Native[i]
	switch {
	case col.Refused:
		return
	case col.Type.Kind == query.Integer:
		// By the rules of SQLite such a column is the number of the row.
		t.Generated = strings.EqualFold(col.Native, "INTEGER")
	case col.Type.Kind != query.Text:
		return
	}
	t.Key, col.Required, t.Columns[i].Required = key, true, true
}

// overlaid takes from the catalogue what SQLite does not know.
func (c *conn) overlaid(t *sqlquery.Table) error {
	declaration, ok, err := c.text(`SELECT declaration FROM varve_data_table WHERE name=?`, t.Name)
	if err != nil {
		if there, failed := c.has("table", "varve_data_table"); failed == nil && !there {
			return nil
		}
		return err
	}
	if !ok {
		return nil
	}
	if err := t.Overlay(declaration, dataDeclare); err != nil {
		return err
	}
	t.Generated = t.Generated && !t.Created
	return nil
}

// madeData is the name of a table that was made through Varve, "" when there
// is none.
func (c *conn) madeData() (string, error) {
	if there, err := c.has("table", "varve_data_table"); err != nil || !there {
		return "", err
	}
	name, _, err := c.text(`SELECT d.name FROM varve_data_table d JOIN sqlite_master m ON m.name=d.name AND m.type='table' LIMIT 1`)
	return name, err
}

// dataDeclare is the type that a column is declared with. JSON is TEXT: under
// any other word SQLite would take a number in it for one and change how it is
// written.
func dataDeclare(c query.Column, _ bool) string {
	switch c.Type.Kind {
	case query.Integer:
		return "INTEGER"
	case query.Real:
		return "REAL"
	case query.Boolean:
		return "BOOLEAN"
	case query.Time:
		return "DATETIME"
	case query.Bytes, query.Vector, query.Tensor:
		return "BLOB"
	}
	return "TEXT"
}

// dataType is what a type that another program declared means. refused: SQLite
// may change what is written to such a column, so it is only read.
func dataType(declared string) (t query.Type, refused bool) {
	d := strings.ToUpper(declared)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(d, w) })
	}
	kind := query.Text
	switch {
	case has("INT") && !has("POINT", "INTERVAL"):
		kind = query.Integer
	case has("CHAR", "CLOB", "TEXT"):
	case d == "BLOB" || has("BINARY", "BYTEA"):
		kind = query.Bytes
	case has("BOOL"):
		kind = query.Boolean
	case has("DATETIME", "TIMESTAMP"):
		kind = query.Time
	case has("REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"):
		kind = query.Real
	case has("JSON"):
		kind = query.JSON
	default:
		refused = d != ""
	}
	return query.Type{Kind: kind}, refused
}

// Create implements query.Store.
func (q data) Create(ctx context.Context, t query.Table) error {
	if sqlquery.Private(t.Name) {
		return sqlquery.Taken(t.Name)
	}
	// One state: between two questions another program may make it.
	if err := q.snapshot(ctx, func(c *conn) error { return q.createdAs(c, &t) }); !errors.Is(err, errs.NotFound) {
		return err
	}
	return q.write(ctx, func(c *conn) error {
		if err := q.createdAs(c, &t); !errors.Is(err, errs.NotFound) {
			return err
		}
		if err := q.makeCatalogue(c); err != nil {
			return err
		}
		return c.createData(&t)
	})
}

// makeCatalogue makes what notes types and changes, in a file of another
// program's that has no conversations of Chainlit's too: to keep tables there
// is asked for.
func (q data) makeCatalogue(c *conn) error {
	if !q.store.known.Load() {
		found, err := c.chainlit()
		if err != nil {
			return err
		}
		if len(found) == len(sqlcore.Tables()) {
			return errs.New(errs.Unsupported, "tables cannot be made in a database that Varve did not make, since there is no place to note their types; `varve doctor --apply` makes one")
		}
	}
	if err := c.clash(); err != nil {
		return err
	}
	if err := c.migrate("foundation", foundationSQL, ""); err != nil {
		return err
	}
	if err := c.migrate("data", dataSQL, ""); err != nil {
		return err
	}
	c.after = append(c.after, func() { q.store.known.Store(true) })
	return nil
}

// createdAs is nil where a table is there as it is wanted, and errs.NotFound
// where the name is free.
func (q data) createdAs(c *conn, want *query.Table) error {
	there, err := q.table(c, want.Name)
	if errors.Is(err, errs.NotFound) {
		other, found, failed := c.text(`SELECT name FROM sqlite_master WHERE name=? COLLATE NOCASE`, want.Name)
		if failed != nil {
			return failed
		}
		if found {
			return errs.Field(errs.Exists, "table", "there is something called %q already, and SQLite does not tell it from %q", other, want.Name)
		}
		return err
	}
	if err != nil {
		return err
	}
	if there.Unmade() || there.Reserved == query.StateRoom {
		return sqlquery.Missing(want.Name) // a table of the user's goes before
	}
	return there.Declared(want)
}

func (c *conn) createData(t *query.Table) error {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + sqlcore.Quote(t.Name) + " (")
	for i, col := range t.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(sqlcore.Quote(col.Name) + " " + dataDeclare(col, col.Name == t.Key))
		if col.Name == t.Key {
			b.WriteString(" PRIMARY KEY NOT NULL")
		} else if col.Required {
			b.WriteString(" NOT NULL")
		}
	}
	b.WriteString(")")
	if err := c.db.Exec(b.String()); err != nil {
		return classify(err)
	}
	declaration, err := sqlquery.Encode(t)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO varve_data_table (name,declaration,edition) VALUES (?,?,abs(random())) ON CONFLICT (name) DO UPDATE SET declaration=excluded.declaration,edition=excluded.edition`,
		t.Name, declaration)
}

// Drop implements query.Store.
func (q data) Drop(ctx context.Context, name string) error {
	return q.write(ctx, func(c *conn) error {
		t, err := q.table(c, name)
		if err != nil {
			return err
		}
		if !t.Created {
			return errs.Field(errs.Forbidden, "table", "%q was not made by Varve; whoever made it may drop it", name)
		}
		if err := c.db.Exec("DROP TABLE " + sqlcore.Quote(name)); err != nil {
			return classify(err)
		}
		return c.exec(`DELETE FROM varve_data_table WHERE name=?`, name)
	})
}
