package mysql

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

//go:embed migrations/*.sql
var files embed.FS

// Numbers of migrations that calls ask for. All but that of conversations make
// Varve's own tables. A database gets the two kinds when somebody first uses
// what needs them.
const (
	foundation  = 1
	chatVersion = 2 // the tables of conversations
)

// migration is one step from a version to the next. Its number is its place.
type migration struct{ name, sql string }

// migrations are the embedded files in their order. They are never changed
// once released; what changes gets a new file.
func migrations() []migration {
	names, _ := fs.Glob(files, "migrations/*.sql") // the pattern is right, and the files are in the binary
	slices.Sort(names)
	list := make([]migration, len(names))
	for i, name := range names {
		raw, _ := files.ReadFile(name)
		list[i] = migration{name: strings.TrimSuffix(path.Base(name), ".sql"), sql: string(raw)}
	}
	return list
}

const (
	journal = `CREATE TABLE IF NOT EXISTS varve_migration (version INT NOT NULL PRIMARY KEY, name VARBINARY(255) NOT NULL, at DATETIME(6) NOT NULL) ENGINE=InnoDB`
	// Two processes that start at once make one schema. The lock goes with the
	// connection if this process does not give it back.
	turn = `SELECT get_lock(concat('varve.',md5(database())),60)`
	over = `DO release_lock(concat('varve.',md5(database())))`
)

// lacking lists the migrations that did not run: all, or those that make no
// tables of conversations.
func (f *finds) lacking(talk bool) (list []int) {
	for version := range len(migrations()) + 1 {
		if version > 0 && !f.ran[version] && (talk || version != chatVersion) {
			list = append(list, version)
		}
	}
	return list
}

// migrate makes the tables that are missing, those of conversations too if they
// are asked for, and returns what is there then. DDL commits by itself, so every statement can be repeated, and the
// journal says afterwards that it was done.
func (s *Store) migrate(ctx context.Context, talk bool) (f *finds, err error) {
	err = s.lend(ctx, func(c *sql.Conn) error {
		if f, err = find(ctx, c, s.limit); err != nil || len(f.lacking(talk)) == 0 {
			return err
		}
		if err := s.takeTurn(ctx, c); err != nil {
			return err
		}
		if f, err = find(ctx, c, s.limit); err != nil { // another process may have been first
			return err
		}
		if err := s.run(ctx, c, f, talk); err != nil {
			return err
		}
		if f, err = find(ctx, c, s.limit); err != nil {
			return err
		}
		return send(ctx, c, s.limit, sqlcore.Query{SQL: over})
	})
	if err == nil {
		if err = f.clash(); err == nil && talk {
			err = f.chatClash()
		}
	}
	return f, err
}

func (s *Store) takeTurn(ctx context.Context, c asker) error {
	got := false
	err := send(ctx, c, s.limit, sqlcore.Query{SQL: turn, Each: func(r sqlcore.Row) error {
		got = r.(row).text(0) == "1"
		return nil
	}})
	if err == nil && !got {
		err = errs.New(errs.Unavailable, "another process has been changing the tables for a minute; try again")
	}
	return err
}

func (s *Store) run(ctx context.Context, c asker, f *finds, talk bool) error {
	if err := f.clash(); err != nil {
		return err
	}
	if talk {
		if err := f.chatClash(); err != nil {
			return err
		}
	}
	all := migrations()
	for _, v := range f.lacking(talk) {
		var do []sqlcore.Query
		if v == foundation {
			do = append(do, sqlcore.Query{SQL: journal})
		}
		if v == chatVersion {
			do = append(do, sqlcore.Query{SQL: `INSERT IGNORE INTO varve_meta ("key","value") VALUES ('chat',?)`, Args: []any{madeByVarve}})
		}
		for _, statement := range split(all[v-1].sql) {
			do = append(do, sqlcore.Query{SQL: statement})
		}
		do = append(do, sqlcore.Query{SQL: `INSERT IGNORE INTO varve_migration (version,name,at) VALUES (?,?,utc_timestamp(6))`, Args: []any{v, all[v-1].name}})
		for _, q := range do { // one by one: DDL is slow, and what failed is named by its place
			if err := send(ctx, c, s.limit, q); err != nil {
				return errs.Wrap(errs.KindOf(err), err, "the tables could not be made")
			}
		}
	}
	return nil
}

// split cuts a migration into statements, which end with a semicolon at the end
// of a line, and leaves comments out.
func split(sql string) []string {
	var out []string
	var b strings.Builder
	for line := range strings.Lines(sql) {
		if strings.HasPrefix(line, "--") || strings.TrimSpace(line) == "" {
			continue
		}
		b.WriteString(line)
		if text := strings.TrimSpace(b.String()); strings.HasSuffix(text, ";") {
			out = append(out, strings.TrimSuffix(text, ";"))
			b.Reset()
		}
	}
	return out
}
