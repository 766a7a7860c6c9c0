//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"encoding/json"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// insertAll appends rows to a table of which every column is as Varve declares
// it.
func (u *unit) insertAll(ctx context.Context, t *sqlquery.Table, rows [][]any) error {
	a, err := u.Append("main", t.Name)
	if err != nil {
		return err
	}
	defer a.Close()
	f := filler{columns: t.Columns, text: make([]texts, len(t.Columns))}
	for len(rows) > 0 {
		n := min(len(rows), duck.VectorSize)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f.fill(a, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return a.Flush(ctx)
}

// filler writes rows column by column.
type filler struct {
	columns []query.Column
	text    []texts // of each column; they must stay until the block is sent
}

// texts are those of a column, one after the other.
type texts struct {
	bytes []byte
	ends  []uint32
}

// crowded is how many bytes the texts of a block may have together; what has
// more is written one by one.
const crowded = 1 << 30

func (f *filler) fill(a *duck.Appender, rows [][]any) error {
	to, err := a.Block(len(rows))
	if err != nil {
		return err
	}
	for i := range f.columns {
		if err := f.column(&to[i], i, rows); err != nil {
			return err
		}
	}
	return a.Send()
}

func (f *filler) column(to *duck.Vector, i int, rows [][]any) error {
	switch f.columns[i].Type.Kind {
	case query.Text, query.File, query.JSON:
		return f.texts(to, i, rows)
	}
	for row, values := range rows {
		switch v := values[i].(type) {
		case nil:
			to.Null(row)
		case int64:
			to.Int(row, v)
		case float64:
			to.Float(row, v)
		case bool:
			to.Bool(row, v)
		case time.Time:
			to.Int(row, v.UnixMicro())
		case []byte:
			to.Blob(row, v)
		case []float32:
			if len(v) > widest {
				to.Blob(row, sqlquery.Vector(v))
			} else {
				to.Floats32(row, v)
			}
		default:
			return errs.New(errs.Internal, "a %T is no value of a column of type %s", v, f.columns[i].Type)
		}
	}
	return nil
}

// texts hands all texts of a column over at once.
func (f *filler) texts(to *duck.Vector, i int, rows [][]any) error {
	t := &f.text[i]
	t.bytes, t.ends = t.bytes[:0], t.ends[:0]
	for _, values := range rows {
		switch v := values[i].(type) {
		case nil:
		case string:
			t.bytes = append(t.bytes, v...)
		case json.RawMessage:
			t.bytes = append(t.bytes, v...)
		default:
			return errs.New(errs.Internal, "a %T is no value of a column of type %s", v, f.columns[i].Type)
		}
		if len(t.bytes) > crowded {
			return each(to, i, rows)
		}
		t.ends = append(t.ends, uint32(len(t.bytes)))
	}
	to.Texts(t.bytes, t.ends)
	for row, values := range rows {
		if values[i] == nil {
			to.Null(row)
		}
	}
	return nil
}

func each(to *duck.Vector, i int, rows [][]any) error {
	for row, values := range rows {
		switch v := values[i].(type) {
		case nil:
			to.Null(row)
		case string:
			to.Text(row, v)
		case json.RawMessage:
			to.Text(row, string(v))
		}
	}
	return nil
}
