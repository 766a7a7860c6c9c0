//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"strconv"
	"strings"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
)

// own are the tables that Varve keeps in the file, with their columns.
var own = []struct{ name, columns string }{
	{"varve_change", `position BIGINT NOT NULL, "table" VARCHAR NOT NULL, key VARCHAR NOT NULL, last VARCHAR, op VARCHAR NOT NULL, "at" TIMESTAMP NOT NULL`},
	{"varve_data_table", `name VARCHAR NOT NULL PRIMARY KEY, declaration VARCHAR NOT NULL`},
	{"varve_meta", `key VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL`},
}

// recall finds out what is in the file. A new one gets a place for notes; one
// that others made only when it is written to.
func (s *Store) recall(ctx context.Context) error {
	all, err := s.look(ctx, s.writer, "")
	if err != nil {
		return err
	}
	s.tables.byName = all
	there, err := s.present(ctx)
	if err != nil {
		return err
	}
	if !there && len(all) == 0 {
		return s.change(ctx, func(*unit) error { return nil })
	}
	if !there {
		s.opt.Log.Info("the tables of this file were made by another program; a place for notes of changes is made in it with the first one")
		return nil
	}
	s.known.Store(true)
	position, err := s.writer.Number(ctx, `SELECT max(position) FROM `+s.place("varve_change"))
	if err != nil {
		return err
	}
	s.log.position.Store(position)
	return s.writer.Each(ctx, `SELECT value FROM `+s.place("varve_meta")+` WHERE key='relayed'`, func(row []any) error {
		text, _ := row[0].(string)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errs.Wrap(errs.Internal, err, "what varve_meta says of relayed is damaged; restore the file from a backup")
		}
		s.log.relayed.Store(n)
		return nil
	})
}

// present tells whether there is a place for notes, and refuses a file in which
// tables of Varve's names are somebody else's.
func (s *Store) present(ctx context.Context) (bool, error) {
	found := map[string]string{}
	err := s.writer.Each(ctx, `SELECT table_name, string_agg(column_name, ',' ORDER BY column_index) FROM duckdb_columns()
WHERE database_name=current_database() AND schema_name='main' AND starts_with(lower(table_name),'varve_') GROUP BY table_name`, func(row []any) error {
		name, _ := row[0].(string)
		found[name], _ = row[1].(string)
		return nil
	})
	if err != nil || len(found) == 0 {
		return false, err
	}
	for _, t := range own {
		if found[t.name] != names(t.columns) {
			return false, errs.Field(errs.Invalid, t.name, "is a name of Varve's own, and what this file has under it was not made by this version; rename it, or use a newer version")
		}
	}
	return true, nil
}

// names are the columns of a declaration.
func names(columns string) string {
	var out []string
	for column := range strings.SplitSeq(columns, ", ") {
		name, _, _ := strings.Cut(column, " ")
		out = append(out, strings.Trim(name, `"`))
	}
	return strings.Join(out, ",")
}

// foundation makes the place for notes and declarations where there is none.
// Notes that the store beside has already keep their positions, under which
// they were read until now.
func (u *unit) foundation(ctx context.Context) error {
	if u.store.known.Load() {
		return nil
	}
	for _, t := range own {
		if err := u.Exec(ctx, `CREATE TABLE `+u.store.place(t.name)+` (`+t.columns+`)`); err != nil {
			return err
		}
	}
	u.found = true
	for {
		events, err := u.store.Store.Changes(ctx, u.relayed, lot)
		if errs.KindOf(err) == errs.Unsupported {
			return nil // it keeps none
		}
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return u.remember(ctx, "relayed", strconv.FormatInt(u.relayed, 10))
		}
		if err := u.append(ctx, events); err != nil {
			return err
		}
		u.relayed = last(events)
		u.position = u.relayed
	}
}

func last(events []change.Event) int64 { return events[len(events)-1].Position }
