package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Guest is a table that another program made and goes on using: rows are read
// in the order in which they were appended, and appended, and nothing else is
// done to it. Values are string, int64, float64, []byte or nil.
type Guest struct {
	store   *Store
	name    string
	columns []string
	list    string // of the columns, quoted
}

// Guest names a table and the columns of it that are used.
func (s *Store) Guest(name string, columns ...string) Guest {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = sqlcore.Quote(c)
	}
	return Guest{s, name, columns, strings.Join(quoted, ",")}
}

// GuestRow is a row and the number under which SQLite keeps it.
type GuestRow struct {
	ID     int64
	Values []any
}

// Present tells whether there is such a table with all these columns.
func (g Guest) Present(ctx context.Context) (bool, error) {
	n := 0
	err := g.store.read(ctx, func(c *conn) error {
		return c.query(`SELECT name FROM pragma_table_info(?)`, func(r sqlcore.Row) error {
			name, _ := r.Text(0)
			if slices.ContainsFunc(g.columns, func(c string) bool { return strings.EqualFold(c, name) }) {
				n++
			}
			return nil
		}, g.name)
	})
	return n == len(g.columns), err
}

// Last is the number of the newest row, 0 without rows.
func (g Guest) Last(ctx context.Context) (last int64, err error) {
	err = g.store.read(ctx, func(c *conn) error {
		last, err = g.last(c)
		return err
	})
	return last, err
}

func (g Guest) last(c *conn) (int64, error) {
	return c.number(`SELECT max(rowid) FROM ` + sqlcore.Quote(g.name))
}

// Rows returns rows with a number of at least from, in order, at most limit.
func (g Guest) Rows(ctx context.Context, from int64, limit int) (rows []GuestRow, err error) {
	sql := `SELECT rowid,` + g.list + ` FROM ` + sqlcore.Quote(g.name) + ` WHERE rowid>=? ORDER BY rowid LIMIT ?`
	err = g.store.read(ctx, func(c *conn) error {
		return c.query(sql, func(r sqlcore.Row) error {
			fields := make([]any, len(g.columns)+1)
			if err := r.(row).Columns(fields...); err != nil {
				return err
			}
			for i, f := range fields {
				if raw, ok := f.([]byte); ok {
					fields[i] = append([]byte{}, raw...) // SQLite's own memory until the next row
				}
			}
			id, _ := fields[0].(int64)
			rows = append(rows, GuestRow{id, fields[1:]})
			return nil
		}, from, limit)
	})
	return rows, err
}

// Append appends rows behind the one with the number last, all or none, and
// returns the number of the newest. errs.Conflict: somebody else appended, and
// last is not the newest any more.
func (g Guest) Append(ctx context.Context, last int64, rows [][]any) (newest int64, err error) {
	sql := `INSERT INTO ` + sqlcore.Quote(g.name) + ` (` + g.list + `) VALUES (?` + strings.Repeat(",?", len(g.columns)-1) + `)`
	err = g.store.write(ctx, func(c *conn) error {
		if now, err := g.last(c); err != nil || now != last {
			return cmpErr(err, errs.New(errs.Conflict, "another program appended to %q just now", g.name))
		}
		for _, values := range rows {
			if err := c.exec(sql, values...); err != nil {
				return err
			}
		}
		newest, err = g.last(c)
		return err
	})
	return newest, err
}

// Clear deletes all rows.
func (g Guest) Clear(ctx context.Context) error {
	return g.store.write(ctx, func(c *conn) error { return c.exec(`DELETE FROM ` + sqlcore.Quote(g.name)) })
}

// Note keeps a value of the file's owner under a key, in Varve's own tables;
// Noted reads it, "" when there is none. In a transaction of Update they are
// part of it.
func Note(ctx context.Context, at any, key, value string) error {
	a, ok := at.(access)
	if !ok {
		return errs.New(errs.Internal, "a note needs a store or a transaction of this package, not a %T", at)
	}
	return a.write(ctx, func(c *conn) error {
		return c.exec(`INSERT INTO varve_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value`, key, value)
	})
}

// Noted is the value of a Note.
func Noted(ctx context.Context, at any, key string) (value string, err error) {
	a, ok := at.(access)
	if !ok {
		return "", errs.New(errs.Internal, "a note needs a store or a transaction of this package, not a %T", at)
	}
	err = a.read(ctx, func(c *conn) error {
		value, _, err = c.text(`SELECT value FROM varve_meta WHERE key=?`, key)
		return err
	})
	return value, err
}

// Foreign tells whether another program made the file.
func (s *Store) Foreign() bool { return !s.known.Load() }
