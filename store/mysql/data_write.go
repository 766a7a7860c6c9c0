package mysql

import (
	"context"
	"strings"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Insert implements query.Store.
func (q data) Insert(ctx context.Context, w query.Write, rows [][]any) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	t, err := q.planned(ctx, w.Table)
	if err != nil {
		return nil, err
	}
	runs, err := t.Runs(rows)
	if err != nil {
		return nil, err
	}
	var keys []any
	err = q.at.atomic(ctx, func(u *unit) error {
		i := insertion{t: t, rows: rows, keys: make([]any, len(rows))}
		for _, run := range runs {
			if err := i.fill(ctx, u, run); err != nil {
				return i.refused(ctx, u, err)
			}
		}
		keys = i.keys
		if !w.Quiet {
			first, last := sqlquery.Span(keys)
			u.notes = append(u.notes, note{t.Name, first, change.Insert, w.Now, last})
		}
		return stillMade(ctx, u, t)
	})
	if err != nil {
		return nil, q.changed(ctx, err, w.Table)
	}
	return sqlquery.KeyTexts(keys), nil
}

// stillMade fails where a table is not the one that is remembered. It comes
// after what writes to the table, since that keeps others from changing it.
func stillMade(ctx context.Context, u *unit, t *sqlquery.Table) error {
	if t.Edition == 0 {
		return nil
	}
	same := false
	err := u.Run(ctx, sqlcore.Query{SQL: `SELECT 1 FROM varve_data_table WHERE name=? AND edition=?`, Args: []any{t.Name, t.Edition}, Each: func(sqlcore.Row) error {
		same = true
		return nil
	}})
	if err == nil && !same {
		err = errs.New(errs.Conflict, "the table %q was made anew by another program a moment ago; ask again", t.Name)
	}
	return err
}

// insertion is one try of an Insert.
type insertion struct {
	t    *sqlquery.Table
	rows [][]any
	keys []any
	part [][]any // that was sent last
}

// A packet of rows is about so long, however long they are, and has at most so
// many values.
const (
	portion = 1 << 20
	values  = 50000
)

func (i *insertion) fill(ctx context.Context, u *unit, run sqlquery.Run) error {
	at := i.t.Index(i.t.Key)
	for from := run.From; from < run.To; {
		var args []any
		length, n := 0, from
		for ; n < run.To && (n == from || length < min(portion, u.t.limit/4) && len(args) < values); n++ {
			i.keys[n] = i.rows[n][at]
			for _, c := range run.Columns {
				v := dataBind(i.rows[n][c], i.t.Columns[c].Type)
				args = append(args, v)
				length += weight(v)
			}
		}
		i.part = i.rows[from:n]
		if err := i.send(ctx, u, run.Columns, from, n, args); err != nil {
			return err
		}
		from = n
	}
	return nil
}

func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) + 8
	case []byte:
		return len(v) + 16
	}
	return 16
}

func (i *insertion) send(ctx context.Context, u *unit, columns []int, from, to int, args []any) error {
	names := make([]string, len(columns))
	for n, c := range columns {
		names[n] = quoted(i.t.Native[c].Name)
	}
	one := "()"
	if len(columns) > 0 {
		one = "(?" + strings.Repeat(",?", len(columns)-1) + ")"
	}
	sql := "INSERT INTO " + quoted(i.t.Name) + " (" + strings.Join(names, ",") + ") VALUES " + one + strings.Repeat(","+one, to-from-1)
	u.do(sql, args...)
	if i.keys[from] != nil {
		return u.Run(ctx)
	}
	// A statement that says how many rows it inserts gets numbers in a row.
	return u.Run(ctx, sqlcore.Query{SQL: "SELECT last_insert_id(),@@auto_increment_increment", Each: func(r sqlcore.Row) error {
		got := r.(row)
		for n := from; n < to; n++ {
			i.keys[n] = got.number(0) + int64(n-from)*got.number(1)
		}
		return nil
	}})
}

// refused names the key where a row was refused because of it.
func (i *insertion) refused(ctx context.Context, u *unit, err error) error {
	if number(err) != duplicate {
		return err
	}
	had := map[any]bool{}
	at := i.t.Index(i.t.Key)
	for _, row := range i.rows {
		key := row[at]
		if key == nil {
			continue
		}
		if had[key] {
			return sqlquery.TakenKey(i.t, key)
		}
		had[key] = true
	}
	// What was sent before it is there because of this call.
	var list []any
	for _, row := range i.part {
		if row[at] != nil {
			list = append(list, row[at])
		}
	}
	for ; len(list) > 0; list = list[min(many, len(list)):] {
		part := list[:min(many, len(list))]
		there := map[string]bool{}
		failed := u.Run(ctx, sqlcore.Query{SQL: "SELECT " + quoted(i.t.Key) + " FROM " + quoted(i.t.Name) + " WHERE " + quoted(i.t.Key) +
			" IN (?" + strings.Repeat(",?", len(part)-1) + ")", Args: part, Each: func(r sqlcore.Row) error {
			text, _ := r.Text(0)
			there[text] = true
			return nil
		}})
		if failed != nil {
			return sqlquery.TakenValue(i.t)
		}
		for _, key := range part {
			if there[sqlquery.KeyText(key)] {
				return sqlquery.TakenKey(i.t, key)
			}
		}
	}
	return sqlquery.TakenValue(i.t)
}

// Update implements query.Store.
func (q data) Update(ctx context.Context, w query.Write, set []query.Assign, where query.Cond) ([]string, error) {
	columns := make([]int, len(set))
	for i, s := range set {
		columns[i] = s.Column
	}
	if len(set) == 0 {
		return nil, nil
	}
	return q.alter(ctx, w, change.Update, where, columns, func(t *sqlquery.Table, d *sqlquery.Dialect, keys []any) (*sqlquery.Asked, error) {
		return sqlquery.UpdateKeys(t, set, keys, d)
	})
}

// Delete implements query.Store.
func (q data) Delete(ctx context.Context, w query.Write, where query.Cond) ([]string, error) {
	return q.alter(ctx, w, change.Delete, where, nil, func(t *sqlquery.Table, d *sqlquery.Dialect, keys []any) (*sqlquery.Asked, error) {
		return sqlquery.DeleteKeys(t, keys, d)
	})
}

// alter locks the rows that a condition lets through, and changes those.
func (q data) alter(ctx context.Context, w query.Write, op change.Op, where query.Cond, columns []int, statement func(*sqlquery.Table, *sqlquery.Dialect, []any) (*sqlquery.Asked, error)) ([]string, error) {
	l, err := q.layout(ctx)
	if err != nil {
		return nil, err
	}
	t, err := q.planned(ctx, w.Table)
	if err == nil {
		err = t.Writable(columns...)
	}
	if err != nil {
		return nil, err
	}
	d := l.dataDialect()
	which, err := sqlquery.Keys(t, &where, d, " FOR UPDATE")
	if err != nil {
		return nil, err
	}
	var keys []any
	err = q.at.atomic(ctx, func(u *unit) error {
		keys = nil
		err := u.Run(ctx, sqlcore.Query{SQL: which.SQL, Args: which.Args, Each: func(r sqlcore.Row) error {
			text, _ := r.Text(0)
			key, err := t.ParseKey(text)
			keys = append(keys, key)
			return err
		}})
		if err != nil {
			return err
		}
		for rest := keys; len(rest) > 0; {
			n := min(many, len(rest))
			asked, err := statement(t, d, rest[:n])
			if err != nil {
				return err
			}
			u.do(asked.SQL, asked.Args...)
			if err := u.spill(ctx); err != nil {
				return single(t, err)
			}
			rest = rest[n:]
		}
		for i := 0; i < len(keys) && !w.Quiet; i++ {
			u.note(t.Name, sqlquery.KeyText(keys[i]), op, chat.Write{Now: w.Now})
		}
		return single(t, stillMade(ctx, u, t))
	})
	if err != nil {
		return nil, q.changed(ctx, err, w.Table)
	}
	return sqlquery.SortKeys(keys), nil
}

// single keeps a duplicate from being tried again: it is one of the caller's,
// not of two that came at once.
func single(t *sqlquery.Table, err error) error {
	if number(err) == duplicate {
		return sqlquery.TakenValue(t)
	}
	return err
}
