//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// largest bounds an answer, which is read whole: the session is wanted back
// even from those who never look at it.
const largest = 256 << 20

// bounds are what a statement of somebody's may not ask about.
var bounds = duck.Bounds{Private: func(_, table string) bool { return sqlquery.Private(table) }}

// Raw implements query.Store. What reads is looked at by the engine's own
// parser, and runs in a transaction that only reads; what writes may change
// rows and tables of the user's and nothing else.
func (q data) Raw(ctx context.Context, r query.Raw, write bool) (query.Answer, error) {
	if err := store.Outer(ctx); err != nil {
		return query.Answer{}, err
	}
	a := &answer{}
	args := make([]any, len(r.Args))
	for i, arg := range r.Args {
		args[i] = arg
		if text, ok := arg.(json.RawMessage); ok {
			args[i] = string(text)
		}
	}
	var err error
	if write {
		err = q.rawWrite(ctx, r.SQL, args, a)
	} else {
		err = q.rawRead(ctx, r.SQL, args, a)
	}
	if err != nil {
		return query.Answer{}, givenUp(ctx, err)
	}
	return query.Answer{Columns: a.columns, Rows: func(yield func([]any, error) bool) {
		for _, row := range a.rows {
			if !yield(row, nil) {
				return
			}
		}
	}}, nil
}

func (q data) rawRead(ctx context.Context, sql string, args []any, a *answer) error {
	return q.s.read(ctx, func(c *duck.Conn) error {
		if err := c.Guard(ctx, sql, bounds); err != nil {
			return err
		}
		return a.ask(ctx, c, sql, args, (*duck.Stmt).Reads)
	})
}

// rawWrite lets a statement change what is the user's. What it did to tables is
// compared afterwards: names are then what the engine took them for.
func (q data) rawWrite(ctx context.Context, sql string, args []any, a *answer) error {
	return q.s.change(ctx, func(u *unit) error {
		before, err := u.private(ctx)
		if err != nil {
			return err
		}
		for _, name := range u.TableNames(sql) {
			if i := strings.LastIndexByte(name, '.'); i >= 0 && sqlquery.Private(strings.Trim(name[i+1:], `"`)) || sqlquery.Private(strings.Trim(name, `"`)) {
				return errs.Field(errs.Forbidden, "sql", "%q is Varve's own", name)
			}
		}
		if err := a.ask(ctx, u.Conn, sql, args, func(s *duck.Stmt) bool { return s.Reads() || s.Changes() }); err != nil {
			return err
		}
		if after, err := u.private(ctx); err != nil || before != after {
			return errs.Field(errs.Forbidden, "sql", "tables whose names begin with varve_ are Varve's own")
		}
		u.anew = true
		u.altered, err = q.s.look(ctx, u.Conn, "")
		return err
	})
}

// private tells what there is under names of Varve's own, and what is in it: the
// engine does not say which table a statement writes to.
func (u *unit) private(ctx context.Context) (state string, err error) {
	sql := `SELECT coalesce(string_agg(sql, ';' ORDER BY sql),'') FROM (
SELECT sql FROM duckdb_tables() WHERE starts_with(lower(table_name),'varve_') UNION ALL SELECT sql FROM duckdb_views() WHERE starts_with(lower(view_name),'varve_')
UNION ALL SELECT sql FROM duckdb_indexes() WHERE starts_with(lower(table_name),'varve_'))`
	for _, t := range own {
		sql += ` UNION ALL SELECT count(*) || ' ' || coalesce(bit_xor(hash(t)),0) FROM ` + u.store.place(t.name) + ` t`
	}
	var parts []string
	err = u.Each(ctx, sql, func(row []any) error {
		text, _ := row[0].(string)
		parts = append(parts, text)
		return nil
	})
	slices.Sort(parts)
	return strings.Join(parts, "\n"), err
}

// answer is the whole answer of a statement.
type answer struct {
	columns []string
	rows    [][]any
}

func (a *answer) ask(ctx context.Context, c *duck.Conn, sql string, args []any, may func(*duck.Stmt) bool) error {
	s, err := c.Prepare(ctx, sql)
	if err != nil {
		return err
	}
	defer s.Close()
	if !may(s) {
		return errs.Field(errs.Forbidden, "sql", "only what asks for rows, or where that is allowed changes them or tables, can be asked here")
	}
	rows, err := s.Stream(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for _, col := range rows.Columns {
		a.columns = append(a.columns, col.Name)
	}
	size := 0
	for {
		block, err := rows.Fetch(ctx)
		if err != nil || block == nil {
			return err
		}
		for _, row := range block {
			for i := range row {
				if row[i], err = raw(row[i]); err != nil {
					return err
				}
				size += 16 + weight(row[i])
			}
			a.rows = append(a.rows, row)
		}
		if size > largest {
			return errs.Field(errs.TooLarge, "sql", "the answer is larger than %d MiB; ask for less", largest>>20)
		}
	}
}

func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 8
}
