//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Insert implements query.Store. Rows go in by columns, some thousands at a
// time.
func (q data) Insert(ctx context.Context, w query.Write, rows [][]any) (keys []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var t *sqlquery.Table
	err = q.s.change(ctx, func(u *unit) error {
		if t, err = q.s.tables.planned(w.Table); err != nil {
			return err
		}
		found, err := u.insert(ctx, t, rows)
		if err != nil {
			return err
		}
		keys = sqlquery.KeyTexts(found)
		if w.Quiet {
			return nil
		}
		first, last := sqlquery.Span(found)
		return u.note(ctx, []change.Event{{Table: t.Name, Key: first, Last: last, Op: change.Insert, At: w.Now}})
	})
	if errors.Is(err, errs.Invalid) && t != nil {
		err = q.refused(ctx, t, rows, err)
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func (u *unit) insert(ctx context.Context, t *sqlquery.Table, rows [][]any) ([]any, error) {
	runs, err := t.Runs(rows)
	if err != nil {
		return nil, err
	}
	keys := make([]any, 0, len(rows))
	key := t.Index(t.Key)
	for _, run := range runs {
		part := rows[run.From:run.To]
		if len(run.Columns) < len(t.Native) || !ours(t, run.Columns) {
			found, err := u.insertEach(ctx, t, part, run.Columns)
			if err != nil {
				return nil, err
			}
			keys = append(keys, found...)
			continue
		}
		if err := u.insertAll(ctx, t, part); err != nil {
			return nil, err
		}
		for _, row := range part {
			keys = append(keys, row[key])
		}
	}
	return keys, nil
}

// insertEach inserts rows one by one into tables of others, whose columns the
// engine fills or converts.
func (u *unit) insertEach(ctx context.Context, t *sqlquery.Table, rows [][]any, columns []int) (keys []any, err error) {
	names, values := make([]string, len(columns)), make([]string, len(columns))
	for i, at := range columns {
		names[i], values[i] = duck.Quote(t.Native[at].Name), "$"+strconv.Itoa(i+1)
	}
	sql := "INSERT INTO " + u.store.place(t.Name)
	if len(columns) == 0 {
		sql += " DEFAULT VALUES"
	} else {
		sql += " (" + strings.Join(names, ",") + ") VALUES (" + strings.Join(values, ",") + ")"
	}
	key := t.KeyColumn()
	out := &sqlquery.Output{Column: key}
	sql += " RETURNING " + plainly(duck.Quote(key.Name), key)
	s, err := u.Prepare(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for _, row := range rows {
		args := make([]any, len(columns))
		for i, at := range columns {
			args[i] = bound(row[at], t.Native[at].Type)
		}
		if err := s.Each(ctx, func(row []any) error {
			k, err := cell(out, row[0])
			keys = append(keys, k)
			return err
		}, args...); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// refused is the error for rows that the engine does not take: where keys are
// why, which of them. The unit is undone already.
func (q data) refused(ctx context.Context, t *sqlquery.Table, rows [][]any, err error) error {
	at := t.Index(t.Key)
	seen := make(map[any]bool, len(rows))
	keys := make([]any, 0, len(rows))
	for _, row := range rows {
		if row[at] == nil {
			continue
		}
		if seen[row[at]] {
			return sqlquery.TakenKey(t, row[at])
		}
		seen[row[at]] = true
		keys = append(keys, row[at])
	}
	taken, failed := q.among(ctx, t, keys)
	if failed != nil || len(taken) == 0 {
		return err
	}
	return sqlquery.TakenKey(t, slices.MinFunc(taken, sqlquery.CompareKeys))
}

// among are those of some keys that rows have.
func (q data) among(ctx context.Context, t *sqlquery.Table, keys []any) (there []any, err error) {
	at := t.Index(t.Key)
	for part := range slices.Chunk(keys, 10_000) {
		where := query.Cond{Op: query.In, Ref: query.Ref{Column: at, Type: t.Columns[at].Type}, Value: part}
		asked, err := sqlquery.Keys(t, &where, q.s.dialect(), "")
		if err != nil {
			return nil, err
		}
		err = q.s.read(ctx, func(c *duck.Conn) error {
			return c.Each(ctx, asked.SQL, func(row []any) error {
				k, err := cell(&asked.Columns[0], row[0])
				there = append(there, k)
				return err
			}, asked.Args...)
		})
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

// Update implements query.Store.
func (q data) Update(ctx context.Context, w query.Write, set []query.Assign, where query.Cond) ([]string, error) {
	return q.alter(ctx, w, change.Update, func(t *sqlquery.Table) (*sqlquery.Asked, error) {
		columns := make([]int, len(set))
		for i, s := range set {
			columns[i] = s.Column
		}
		if err := t.Writable(columns...); err != nil || len(set) == 0 {
			return nil, err
		}
		return sqlquery.Update(t, set, &where, q.s.dialect())
	})
}

// Delete implements query.Store.
func (q data) Delete(ctx context.Context, w query.Write, where query.Cond) ([]string, error) {
	return q.alter(ctx, w, change.Delete, func(t *sqlquery.Table) (*sqlquery.Asked, error) {
		if err := t.Writable(); err != nil {
			return nil, err
		}
		return sqlquery.Delete(t, &where, q.s.dialect())
	})
}

func (q data) alter(ctx context.Context, w query.Write, op change.Op, statement func(*sqlquery.Table) (*sqlquery.Asked, error)) (keys []string, err error) {
	err = q.s.change(ctx, func(u *unit) error {
		t, err := q.s.tables.planned(w.Table)
		if err != nil {
			return err
		}
		asked, err := statement(t)
		if err != nil || asked == nil {
			return err
		}
		var found []any
		err = u.Each(ctx, asked.SQL, func(row []any) error {
			k, err := cell(&asked.Columns[0], row[0])
			found = append(found, k)
			return err
		}, asked.Args...)
		if err != nil {
			return err
		}
		keys = sqlquery.SortKeys(found)
		if w.Quiet {
			return nil
		}
		events := make([]change.Event, len(keys))
		for i, key := range keys {
			events[i] = change.Event{Table: t.Name, Key: key, Op: op, At: w.Now}
		}
		return u.note(ctx, events)
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}
