package sqlite

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// schema is what was found out about the conversations of a file, once.
type schema struct {
	core *sqlcore.Core
	// own: Varve made the tables and keeps them as it needs them.
	own bool
	// tracked: triggers keep the last activity and the change log, and there
	// are tables for tombstones and orphans.
	tracked bool
	sql     writeSQL
	dropped sync.Once // said that keys of elements have no place
}

// features of conversations on this schema.
func (p *schema) features() chat.Features {
	id, _ := p.core.Schema.Steps.Column("id")
	return chat.Features{
		AnyID: id.Kind != sqlcore.UUID, Tombstones: p.tracked, Transactions: true, ChangeLog: p.tracked,
		FastList: p.tracked, FastSearch: p.tracked, UnknownKeys: p.core.ElementMap.Extra, Orphans: p.tracked,
	}
}

var dialect = sqlcore.Dialect{
	Param:    func(n int) string { return "?" + strconv.Itoa(n) },
	Table:    sqlcore.Quote,
	Read:     func(expr string, _ sqlcore.Column) string { return expr },
	Compare:  func(param string, _ sqlcore.Column) string { return param },
	SortID:   func(expr string) string { return expr },
	SortText: func(expr string) string { return expr },
	Time:     func(expr string) string { return "varve_time(" + expr + ")" },
	Greatest: "max",
	Hop:      true,
	Contains: func(expr, needle string) string { return "varve_contains(" + expr + "," + needle + ")" },
	Order:    "rowid",
	Holds:    func(id string, c sqlcore.Column) bool { return !numeric(c) || !looksNumeric(id) },
	Starred:  `instr(s."metadata",'favorite')>0`,
}

// numeric tells whether a column turns texts that look like numbers into
// numbers: by the rules of SQLite, a declared type without any of the words
// below does, and "UUID" is one.
func numeric(c sqlcore.Column) bool {
	t := strings.ToUpper(c.Type)
	if strings.Contains(t, "INT") {
		return true
	}
	for _, word := range []string{"CHAR", "CLOB", "TEXT", "BLOB"} {
		if strings.Contains(t, word) {
			return false
		}
	}
	return t != ""
}

func looksNumeric(s string) bool {
	s = strings.Trim(s, " \t\n\v\f\r")
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// schema returns what is known of the conversations, which the first call
// finds out. Where there are none, it makes the tables.
func (s *Store) schema(ctx context.Context) (*schema, error) {
	if p := s.chat.Load(); p != nil {
		return p, nil
	}
	if err := s.outer(ctx); err != nil {
		return nil, err
	}
	s.chatMu.Lock()
	defer s.chatMu.Unlock()
	if p := s.chat.Load(); p != nil {
		return p, nil
	}
	var found *schema
	err := s.write(ctx, func(c *conn) (err error) {
		found, err = s.findOut(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.settle(found)
	return found, nil
}

// settle takes a schema into use.
func (s *Store) settle(p *schema) {
	s.chat.Store(p)
	s.known.Store(s.known.Load() || p.tracked)
	if !p.tracked {
		s.opt.Log.Info("conversations of a file that Varve did not make: lists and search cost more, and changes are not logged; the doctor can mend that",
			"path", s.path)
	}
}

// findOut looks at Chainlit's tables, and makes them where there are none.
func (s *Store) findOut(c *conn) (*schema, error) {
	found, err := c.chainlit()
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if err := c.clash(); err != nil {
			return nil, err
		}
		if err := c.migrate("foundation", foundationSQL, ""); err != nil {
			return nil, err
		}
		if err := c.migrate("chainlit", chainlitSQL, ""); err != nil {
			return nil, err
		}
		if err := c.setMeta("chat", "varve"); err != nil {
			return nil, err
		}
	}
	maker, err := c.meta("chat")
	if err != nil {
		return nil, err
	}
	if maker == "varve" { // new, or made by an earlier version
		if err := c.migrate("tracking", trackingSQL, ""); err != nil {
			return nil, err
		}
	}
	return c.look(maker == "varve")
}

// chainlit names those of Chainlit's tables that are there.
func (c *conn) chainlit() ([]string, error) {
	names := sqlcore.Tables()
	return c.column(`SELECT name FROM sqlite_master WHERE type IN ('table','view') AND name IN (?,?,?,?,?)`,
		names[0], names[1], names[2], names[3], names[4])
}

// look introspects Chainlit's tables.
func (c *conn) look(own bool) (*schema, error) {
	tracked, err := c.tracked()
	if err != nil {
		return nil, err
	}
	var found sqlcore.Schema
	for _, name := range sqlcore.Tables() {
		t, err := c.table(name)
		if err != nil {
			return nil, err
		}
		if !tracked {
			// A column that nothing keeps says nothing.
			t.Columns = without(t.Columns, sqlcore.ActivityColumn)
		}
		*found.Table(name) = t
	}
	d := dialect
	d.Grouped = !found.Steps.Indexed("threadId")
	core, err := sqlcore.New(found, d)
	if err != nil {
		return nil, err
	}
	p := &schema{core: core, own: own, tracked: tracked}
	p.sql = newWriteSQL(p)
	return p, nil
}

func without(columns []sqlcore.Column, name string) []sqlcore.Column {
	var out []sqlcore.Column
	for _, c := range columns {
		if c.Name != name {
			out = append(out, c)
		}
	}
	return out
}

// tracked tells whether everything is there that tracking.sql makes, and the
// column that it keeps.
func (c *conn) tracked() (bool, error) {
	missing, err := c.untracked()
	if err != nil || len(missing) > 0 || c.clash() != nil {
		return false, err
	}
	_, ok, err := c.text(`SELECT 1 FROM pragma_table_info('threads') WHERE name=?`, sqlcore.ActivityColumn)
	return ok, err
}

// ours are the columns of Varve's tables that it relies on.
var ours = map[string]string{
	"varve_meta": "key,value", "varve_migration": "name,at", "varve_change": "position,table,key,last,op,at",
	"varve_table":     "name,declaration,edition,generation,horizon,seq,at",
	"varve_tombstone": "thread,user_id,user_identifier,last_activity,at", "varve_orphan": "position,key",
	"varve_artifact": "digest,size,media,place,touched", "varve_artifact_part": "part,whole",
	"varve_artifact_ref": "digest,owner_kind,owner", "varve_artifact_note": "place,made,doomed",
	"varve_data_table": "name,declaration,edition",
}

// clash is an error when a table of another's has the name of one of Varve's.
func (c *conn) clash() error {
	for name, columns := range ours {
		t, err := c.table(name)
		if err != nil {
			return err
		}
		if !t.Exists() {
			continue
		}
		for column := range strings.SplitSeq(columns, ",") {
			if !t.Has(column) {
				return errs.New(errs.Invalid, "there is a table %q that Varve did not make, and it needs the name for one of its own; rename that table", name)
			}
		}
	}
	return nil
}

// untracked returns the statements of foundation and tracking whose tables and
// triggers are missing, and of indexes too, last.
func (c *conn) untracked() (missing []string, err error) {
	for _, statement := range append(script(foundationSQL), script(trackingSQL)...) {
		kind, name := created(statement)
		if kind == "INDEX" {
			continue
		}
		ok, err := c.has(strings.ToLower(kind), name)
		if err != nil {
			return nil, err
		}
		if !ok {
			missing = append(missing, statement)
		}
	}
	return missing, nil
}

func (c *conn) table(name string) (sqlcore.Table, error) {
	t := sqlcore.Table{Name: name}
	err := c.query(`SELECT name,type,"notnull",dflt_value FROM pragma_table_info(?)`, func(r sqlcore.Row) error {
		var col sqlcore.Column
		col.Name, _ = r.Text(0)
		col.Type, _ = r.Text(1)
		notNull, _ := r.Text(2)
		_, col.Default = r.Text(3)
		col.Kind, col.NotNull = sqlcore.KindOf(col.Type), notNull == "1"
		t.Columns = append(t.Columns, col)
		return nil
	}, name)
	if err != nil {
		return t, err
	}
	last := ""
	err = c.query(`SELECT l.name,i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE l.partial=0 ORDER BY l.seq,i.seqno`, func(r sqlcore.Row) error {
		index, _ := r.Text(0)
		column, _ := r.Text(1)
		if index != last {
			t.Indexes = append(t.Indexes, nil)
			last = index
		}
		n := len(t.Indexes) - 1
		t.Indexes[n] = append(t.Indexes[n], column)
		return nil
	}, name)
	return t, err
}

// migrate runs a script that was not run on this file before, and notes it.
func (c *conn) migrate(name, sql, file string) error {
	if ok, err := c.has("table", "varve_migration"); err != nil {
		return err
	} else if ok {
		if _, done, err := c.text(`SELECT 1 FROM varve_migration WHERE name=?`, name); done || err != nil {
			return err
		}
	}
	for _, statement := range script(sql) {
		if err := c.db.Exec(statement); err != nil {
			return classify(err)
		}
	}
	if err := c.exec(`INSERT INTO varve_migration (name, at) VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ','now'))`, name); err != nil {
		return err
	}
	if file != "" {
		return c.setMeta("file", file)
	}
	return nil
}

// meta reads a note that Varve made in the file, "" for none.
func (c *conn) meta(key string) (string, error) {
	ok, err := c.has("table", "varve_meta")
	if err != nil || !ok {
		return "", err
	}
	value, _, err := c.text(`SELECT value FROM varve_meta WHERE key=?`, key)
	return value, err
}

func (c *conn) setMeta(key, value string) error {
	return c.exec(`INSERT INTO varve_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value`, key, value)
}

// checkID refuses an id that a column would turn into a number.
func (p *schema) checkID(t sqlcore.Table, column, id string) error {
	if id == "" || p.core.Holds(t, column, id) {
		return nil
	}
	return errs.Field(errs.Invalid, column, "an id that looks like a number cannot be kept in a column of type UUID of a SQLite file")
}
