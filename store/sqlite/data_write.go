package sqlite

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Insert implements query.Store. Values are brought into their form before the
// writer is asked for, so that others wait less.
func (q data) Insert(ctx context.Context, w query.Write, rows [][]any) (keys []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	bound := make([][]any, len(rows))
	width := len(w.Table.Columns)
	cells := make([]any, len(rows)*width)
	for i, row := range rows {
		bound[i] = cells[i*width : (i+1)*width : (i+1)*width]
		for j, v := range row {
			bound[i][j] = dataBind(v, w.Table.Columns[j].Type)
		}
	}
	err = q.write(ctx, func(c *conn) error {
		t, err := q.planned(c, w.Table)
		if err != nil {
			return err
		}
		found, err := c.insertRows(t, bound)
		if err == nil {
			err = q.note(c, t, found, change.Insert, w)
			keys = sqlquery.KeyTexts(found)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func (c *conn) insertRows(t *sqlquery.Table, rows [][]any) ([]any, error) {
	runs, err := t.Runs(rows)
	if err != nil {
		return nil, err
	}
	keys := make([]any, 0, len(rows))
	key := t.Index(t.Key)
	for _, run := range runs {
		s, err := c.prepare(insertSQL(t, run.Columns))
		if err != nil {
			return nil, classify(err)
		}
		for _, row := range rows[run.From:run.To] {
			if err := insertRow(s, row, run.Columns); err != nil {
				return nil, c.refused(t, row[key], err)
			}
			if row[key] != nil {
				keys = append(keys, row[key])
			} else {
				keys = append(keys, c.db.LastInsertRowID())
			}
		}
	}
	return keys, nil
}

func insertSQL(t *sqlquery.Table, columns []int) string {
	if len(columns) == 0 {
		return "INSERT INTO " + sqlcore.Quote(t.Name) + " DEFAULT VALUES"
	}
	var b strings.Builder
	b.WriteString("INSERT INTO " + sqlcore.Quote(t.Name) + " (")
	for i, at := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(sqlcore.Quote(t.Native[at].Name))
	}
	b.WriteString(") VALUES (?" + strings.Repeat(",?", len(columns)-1) + ")")
	return b.String()
}

func insertRow(s *sqlite3.Stmt, row []any, columns []int) (err error) {
	for i, at := range columns {
		switch v := row[at].(type) {
		case nil:
			err = s.BindNull(i + 1)
		case float64:
			err = s.BindFloat(i+1, v)
		default:
			err = bindOne(s, i+1, v)
		}
		if err != nil {
			return err
		}
	}
	return s.Exec()
}

// refused is the error for a row that SQLite does not take, and names the key
// where that is why.
func (c *conn) refused(t *sqlquery.Table, key any, err error) error {
	err = classify(err)
	if !errors.Is(err, errs.Exists) {
		return err
	}
	_, there, failed := c.text("SELECT 1 FROM "+sqlcore.Quote(t.Name)+" WHERE "+sqlcore.Quote(t.Key)+"=?", key)
	if failed == nil && there {
		return sqlquery.TakenKey(t, key)
	}
	return sqlquery.TakenValue(t)
}

// write runs fn as one unit. Inside an Update its failure leaves what was done
// before, since callers may go on.
func (q data) write(ctx context.Context, fn func(*conn) error) error {
	t, inside := q.at.(*tx)
	if !inside {
		return q.at.write(ctx, fn)
	}
	if t.broken != nil {
		return t.broken
	}
	return t.read(ctx, func(c *conn) error {
		if err := c.exec("SAVEPOINT varve_data"); err != nil {
			return err
		}
		after := len(c.after)
		err := fn(c)
		if err != nil {
			c.after = c.after[:after]
			if c.db.GetAutocommit() {
				t.broken = err
				return err
			}
			if failed := c.exec("ROLLBACK TO varve_data"); failed != nil {
				t.broken = failed
			}
		}
		if failed := c.exec("RELEASE varve_data"); failed != nil && err == nil {
			err = failed
		}
		return err
	})
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
		return sqlquery.Update(t, set, &where, &dataDialect)
	})
}

// Delete implements query.Store.
func (q data) Delete(ctx context.Context, w query.Write, where query.Cond) ([]string, error) {
	return q.alter(ctx, w, change.Delete, func(t *sqlquery.Table) (*sqlquery.Asked, error) {
		if err := t.Writable(); err != nil {
			return nil, err
		}
		return sqlquery.Delete(t, &where, &dataDialect)
	})
}

func (q data) alter(ctx context.Context, w query.Write, op change.Op, statement func(*sqlquery.Table) (*sqlquery.Asked, error)) (keys []string, err error) {
	err = q.write(ctx, func(c *conn) error {
		t, err := q.planned(c, w.Table)
		if err != nil {
			return err
		}
		asked, err := statement(t)
		if err != nil || asked == nil {
			return err
		}
		var found []any
		err = c.stream(asked, func(row []any) bool {
			found = append(found, row[0])
			return true
		})
		if errors.Is(err, errs.Exists) {
			err = sqlquery.TakenValue(t)
		}
		if err != nil {
			return err
		}
		keys = sqlquery.SortKeys(found)
		for i := range found {
			if err := q.note(c, t, found[i:i+1], op, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// note notes a change of rows: of one, or of all between the least and the
// greatest.
func (q data) note(c *conn, t *sqlquery.Table, keys []any, op change.Op, w query.Write) error {
	if w.Quiet || !q.store.known.Load() {
		return nil
	}
	first, last := sqlquery.Span(keys)
	var end any
	if last != "" {
		end = last
	}
	return c.exec(`INSERT INTO varve_change ("table",key,last,op,at) VALUES (?,?,?,?,?)`, t.Name, first, end, string(op), w.Now.UnixMilli())
}
