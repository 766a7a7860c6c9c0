package mysql

import (
	"context"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// layout is what is known of the tables of conversations: found once, and again
// after they changed. It does not change itself.
type layout struct {
	core *sqlcore.Core
	sql  texts

	collation string         // by which texts compare byte by byte and nothing is padded
	seen      *sqlquery.Seen // tables of the databackend
	refused   error          // why conversations cannot be kept here
}

// silent tells whether there are no conversations, and nothing in their place.
func (l *layout) silent() bool { return l.core == nil && l.refused == nil }

// features of conversations.
var features = chat.Features{AnyID: true, Tombstones: true, Transactions: true, ChangeLog: true, FastList: true, UnknownKeys: true, Orphans: true}

// texts are the statements that write.
type texts struct {
	insertUser, insertThread, insertStep, insertElement, insertVote string
	fillUser, fillThread, fillStep, fillElement, fillVote           []any
	step, element                                                   *sqlcore.Patches
}

func newLayout(found sqlcore.Schema) (*layout, error) {
	core, err := sqlcore.New(found, dialect)
	if err != nil {
		return nil, err
	}
	users, votes := sqlcore.Map(found.Users, sqlcore.UserFields()), sqlcore.Map(found.Feedbacks, sqlcore.VoteFields())
	l := &layout{core: core}
	q := &l.sql
	q.step = &sqlcore.Patches{Table: "steps", Columns: append(core.StepMap.Names(), foldColumn, starredColumn)}
	q.element = &sqlcore.Patches{Table: "elements", Columns: core.ElementMap.Names()}
	q.insertUser, q.fillUser = sqlcore.Insert("users", users.Names(), users.Fill)
	q.insertThread, q.fillThread = sqlcore.Insert("threads", append(core.ThreadMap.Names(), foldColumn, sqlcore.ActivityColumn), core.ThreadMap.Fill)
	q.insertStep, q.fillStep = sqlcore.Insert("steps", q.step.Columns, core.StepMap.Fill)
	q.insertElement, q.fillElement = sqlcore.Insert("elements", q.element.Columns, core.ElementMap.Fill)
	q.insertVote, q.fillVote = sqlcore.Insert("feedbacks", votes.Names(), votes.Fill)
	return l, nil
}

// look takes a first look without making anything, and migrates what Varve
// made. What is wrong with the tables of conversations is said when they are
// used.
func (s *Store) look(ctx context.Context) error {
	s.limit = 1 << 20
	err := send(ctx, s.db, s.limit, sqlcore.Query{SQL: "SELECT @@max_allowed_packet,@@version", Each: func(r sqlcore.Row) error {
		s.limit = int(min(r.(row).number(0), 1<<30))
		s.collation = "utf8mb4_0900_bin"
		if strings.Contains(strings.ToLower(r.(row).text(1)), "mariadb") {
			s.collation = "utf8mb4_nopad_bin"
		}
		return nil
	}})
	if err != nil {
		return err
	}
	f, err := find(ctx, s.db, s.limit)
	if err != nil {
		return err
	}
	if f.clash() != nil || len(f.ran) == 0 {
		return nil
	}
	if err := s.found(ctx); err != nil {
		return err
	}
	if f.ran[chatVersion] {
		_, err = s.ready(ctx)
	}
	return err
}

// ready returns the layout, and makes the tables of conversations when there are
// none.
func (s *Store) ready(ctx context.Context) (*layout, error) {
	if l := s.layout.Load(); l != nil {
		return l, nil
	}
	s.making.Lock()
	defer s.making.Unlock()
	if l := s.layout.Load(); l != nil {
		return l, nil
	}
	f, err := s.migrate(ctx, true)
	if err != nil {
		return nil, err
	}
	l, err := newLayout(f.chat)
	if err != nil {
		return nil, err
	}
	l.collation, l.seen = s.collation, &s.seen
	s.founded.Store(true)
	s.layout.Store(l)
	return l, nil
}

// found makes Varve's own tables when they are not there.
func (s *Store) found(ctx context.Context) error {
	if s.founded.Load() {
		return nil
	}
	s.making.Lock()
	defer s.making.Unlock()
	if s.founded.Load() {
		return nil
	}
	if _, err := s.migrate(ctx, false); err != nil {
		return err
	}
	s.founded.Store(true)
	return nil
}

// finds is what the database holds of the tables that Varve needs.
type finds struct {
	tables map[string]*sqlcore.Table
	chat   sqlcore.Schema
	ran    map[int]bool // the migrations that did
	made   string       // what varve_meta says of conversations
}

const columnsSQL = `SELECT table_name,column_name,column_type,is_nullable='NO',column_default IS NOT NULL OR extra LIKE '%auto_increment%'
FROM information_schema.columns WHERE table_schema=database() AND (table_name LIKE 'varve\_%' OR table_name IN ('users','threads','steps','elements','feedbacks'))
ORDER BY table_name,ordinal_position`

// find looks at the tables, in two round trips.
func find(ctx context.Context, c asker, limit int) (*finds, error) {
	f := &finds{tables: map[string]*sqlcore.Table{}, ran: map[int]bool{}}
	err := send(ctx, c, limit, sqlcore.Query{SQL: columnsSQL, Each: func(r sqlcore.Row) error {
		got := r.(row)
		t := f.tables[got.text(0)]
		if t == nil {
			t = &sqlcore.Table{Name: got.text(0)}
			f.tables[t.Name] = t
		}
		t.Columns = append(t.Columns, sqlcore.Column{Name: got.text(1), Type: got.text(2), Kind: sqlcore.KindOf(got.text(2)),
			NotNull: got.text(3) == "1", Default: got.text(4) == "1"})
		return nil
	}})
	if err != nil {
		return nil, err
	}
	for _, name := range sqlcore.Tables() {
		if t := f.tables[name]; t != nil {
			*f.chat.Table(name) = *t
		}
	}
	if f.tables["varve_migration"] == nil || f.tables["varve_meta"] == nil || f.clash() != nil {
		return f, nil
	}
	return f, send(ctx, c, limit,
		sqlcore.Query{SQL: `SELECT version FROM varve_migration`, Each: func(r sqlcore.Row) error {
			f.ran[int(r.(row).number(0))] = true
			return nil
		}},
		sqlcore.Query{SQL: `SELECT "value" FROM varve_meta WHERE "key"='chat'`, Each: func(r sqlcore.Row) error {
			f.made = r.(row).text(0)
			return nil
		}})
}

// ours are the columns of Varve's tables that it relies on.
var ours = map[string]string{
	"varve_meta": "key,value", "varve_migration": "version,name,at", "varve_change": "seq,position,tbl,key,last,op,at",
	"varve_tombstone": "thread,user_id,user_identifier,last_activity,at", "varve_orphan": "id,key", "varve_data_table": "name,declaration,edition",
	"varve_artifact": "digest,size,media,place,touched", "varve_artifact_part": "part,whole",
	"varve_artifact_ref": "digest,owner_kind,owner", "varve_artifact_note": "place,made,doomed",
}

// clash is an error when a table of another's has the name of one of Varve's.
func (f *finds) clash() error {
	for name, columns := range ours {
		t := f.tables[name]
		if t == nil {
			continue
		}
		for column := range strings.SplitSeq(columns, ",") {
			if !t.Has(column) {
				return errs.New(errs.Invalid, "there is a table %q that Varve did not make, and it needs the name for one of its own; rename that table, or use another database", name)
			}
		}
	}
	return nil
}

// chatClash is clash for the tables of conversations, of which Varve takes none
// that it did not make.
func (f *finds) chatClash() error {
	if f.made == madeByVarve {
		return nil
	}
	for _, name := range sqlcore.Tables() {
		if f.tables[name] != nil {
			return errs.New(errs.Invalid, "there is a table %q that Varve did not make, and conversations need the name; give Varve another database on this server", name)
		}
	}
	return nil
}

// madeByVarve is what varve_meta says of the tables of conversations, from
// before they are made.
const madeByVarve = "varve"
