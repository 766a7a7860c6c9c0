package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

//go:embed migrations/*.sql migrations/official/*.sql
var files embed.FS

// Numbers of the migrations: Varve's own tables, and the first and the last of
// those that make the tables of conversations. The others make more of Varve's
// own. A database gets the two kinds when somebody first uses what needs them.
const (
	foundation = 1
	firstChat  = 2
	lastChat   = 4
)

// migration is one step from a version to the next. Its number is its place.
type migration struct {
	name string
	sql  string
}

// migrations are the embedded files in their order. They are never changed
// once released; what changes gets a new file.
func migrations() []migration { return embedded("migrations/*.sql") }

// migrations are those of a layout: with the official tables it differs in all
// but Varve's own, not in their number and names.
func (l *layout) migrations() []migration {
	list := migrations()
	if l.official {
		theirs := embedded("migrations/official/*.sql")
		list = slices.Concat(list[:1], theirs, list[1+len(theirs):])
	}
	return list
}

func embedded(pattern string) []migration {
	names, _ := fs.Glob(files, pattern) // the pattern is right, and the files are in the binary
	slices.Sort(names)
	list := make([]migration, len(names))
	for i, name := range names {
		raw, _ := files.ReadFile(name)
		list[i] = migration{name: strings.TrimSuffix(path.Base(name), ".sql"), sql: string(raw)}
	}
	return list
}

// lock is the advisory lock under which schemas change: two processes that
// start at once make one schema.
const lock = `SELECT pg_advisory_xact_lock(hashtext('varve.migrate'))`

// lacking lists the migrations that did not run: all, or those that make no
// tables of conversations.
func (l *layout) lacking(talk bool) (list []int) {
	for version := range len(migrations()) + 1 {
		if version > 0 && !l.has(version) && (talk || version < firstChat || version > lastChat) {
			list = append(list, version)
		}
	}
	return list
}

// takes tells whether something lacks that may be made unasked. Tables of
// Chainlit's making get Varve's beside them from the doctor alone, since those
// follow what is done to them; tables of somebody else's that happen to be called
// like Chainlit's are none of Varve's business.
func (l *layout) takes(talk bool) bool {
	theirs := l.broken != nil && errs.KindOf(l.broken) == errs.Invalid && !talk
	mine := l.broken == nil && l.origin != foreign
	return (mine || theirs) && len(l.lacking(talk)) > 0
}

// migrate makes the tables, those of conversations too if they are asked for,
// or brings those that Varve made up to date, in one transaction, and returns
// the layout after it.
func (s *Store) migrate(ctx context.Context, talk bool) (*layout, error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	tx, err := c.Begin(ctx)
	if err != nil {
		return nil, classify(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // of no effect after the commit
	if err := run(ctx, session{Conn: c.Conn()}, sqlcore.Query{SQL: lock}); err != nil {
		return nil, classify(err)
	}
	// Another process may have been first: what it did shows only now.
	l, err := s.introspectOn(ctx, c.Conn())
	if err != nil || !l.takes(talk) {
		return l, err
	}
	statements, err := pending(l, talk)
	if err != nil {
		return nil, err
	}
	for _, sql := range statements {
		if _, err := c.Exec(ctx, sql); err != nil {
			return nil, errs.Wrap(errs.KindOf(classify(err)), hidden(err), "the tables could not be made")
		}
	}
	if err := committed(ctx, tx); err != nil {
		return nil, err
	}
	if talk {
		s.index(ctx, l)
	}
	return s.introspect(ctx)
}

// pending lists what brings a database of Varve's to the newest version.
func pending(l *layout, talk bool) ([]string, error) {
	var out []string
	if l.version == 0 {
		out = append(out, journal(l)...)
	}
	all := l.migrations()
	for _, version := range l.lacking(talk) {
		if version == firstChat {
			out = append(out, mark(l, own))
			if l.chat != l.schema {
				out = append(out, "CREATE SCHEMA IF NOT EXISTS "+sqlcore.Quote(l.chat))
			}
		}
		out = append(out, split(l.render(all[version-1].sql, false))...)
		out = append(out, record(l, version, all[version-1].name))
	}
	return out, nil
}

func journal(l *layout) []string {
	return []string{fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (version INT PRIMARY KEY, name TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now())`,
		l.varve("varve_migration"))}
}

func record(l *layout, version int, name string) string {
	return fmt.Sprintf(`INSERT INTO %s (version, name) VALUES (%d, '%s')`, l.varve("varve_migration"), version, name)
}

func mark(l *layout, o origin) string {
	sql := fmt.Sprintf(`INSERT INTO %s (key, value) VALUES ('origin', '%s')`, l.varve("varve_meta"), o)
	if l.official {
		sql += fmt.Sprintf(`, ('%s', '%s')`, shapeKey, officialShape)
	}
	return sql
}

// shapeKey is what varve_meta calls the shape of conversations' tables.
const shapeKey = "shape"

var guards = regexp.MustCompile(`(?m)^  :guard (.*)$`)

// render fills the names and variants into a migration. Guarded trigger bodies
// swallow what goes wrong in them.
func (l *layout) render(sql string, guarded bool) string {
	guard := ""
	if guarded {
		guard = "EXCEPTION WHEN OTHERS THEN\n  $1"
	}
	sql = guards.ReplaceAllString(sql, guard)
	return strings.NewReplacer(
		":varve.", sqlcore.Quote(l.schema)+".",
		":chat.", sqlcore.Quote(l.chat)+".",
		":threadid", l.sortID(`"id"`),
		":utc", utc("t"),
		":starred", l.starred(""),
		":rowwise", "current_setting('varve.bulk', true) IS DISTINCT FROM 'on'",
	).Replace(sql)
}

// split cuts a migration into statements: they end with a semicolon at the end
// of a line, but not between dollar quotes.
func split(sql string) []string {
	var out []string
	var b strings.Builder
	quoted := false
	for line := range strings.Lines(sql) {
		if !quoted && b.Len() == 0 && (strings.HasPrefix(line, "--") || strings.TrimSpace(line) == "") {
			continue
		}
		b.WriteString(line)
		if strings.Count(line, "$$")%2 == 1 {
			quoted = !quoted
		}
		if !quoted && strings.HasSuffix(strings.TrimSpace(line), ";") {
			out = append(out, strings.TrimSpace(b.String()))
			b.Reset()
		}
	}
	return out
}
