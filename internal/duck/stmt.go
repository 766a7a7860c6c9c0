//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"encoding/json"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// Exec runs one or more statements of ours and drops what they answer.
func (c *Conn) Exec(ctx context.Context, sql string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var r mapping.Result
	var state mapping.State
	c.interruptible(ctx, func() { state = mapping.Query(c.conn, sql, &r) })
	defer mapping.DestroyResult(&r)
	if state == mapping.StateError {
		return resultError(ctx, &r)
	}
	return nil
}

// Query runs exactly one statement, which must be a SELECT; anything else is
// errs.Invalid. Its answer is whole in the engine's memory when Query returns.
func (c *Conn) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	s, err := c.Prepare(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if !s.Reads() {
		return nil, errs.Field(errs.Invalid, "sql", "only SELECT can be asked here")
	}
	return s.Run(ctx, args...)
}

// prepare plans in one call. To cut the text into statements first, and to plan
// the one that is found, would read and copy it once more.
func (c *Conn) prepare(sql string) (stmt mapping.PreparedStatement, err error) {
	if mapping.Prepare(c.conn, sql, &stmt) == mapping.StateError {
		err = failure(mapping.PrepareError(stmt))
		mapping.DestroyPrepare(&stmt)
		if several := c.one(sql); several != nil {
			err = several
		}
	}
	return stmt, err
}

// one is an error for a text that can be read and is not one statement.
func (c *Conn) one(sql string) error {
	var found mapping.ExtractedStatements
	n := mapping.ExtractStatements(c.conn, sql, &found)
	defer mapping.DestroyExtracted(&found)
	if n == 1 || n == 0 && mapping.ExtractStatementsError(found) != "" {
		return nil
	}
	return errs.Field(errs.Invalid, "sql", "holds %d statements; give exactly one", n)
}

func bind(stmt mapping.PreparedStatement, args []any) error {
	if n := mapping.NParams(stmt); int(n) != len(args) {
		return errs.Field(errs.Invalid, "args", "are %d, and the statement has %d placeholders", len(args), n)
	}
	for i, arg := range args {
		at, state := mapping.IdxT(i+1), mapping.StateSuccess
		switch v := arg.(type) {
		case nil:
			state = mapping.BindNull(stmt, at)
		case bool:
			state = mapping.BindBoolean(stmt, at, v)
		case int:
			state = mapping.BindInt64(stmt, at, int64(v))
		case int64:
			state = mapping.BindInt64(stmt, at, v)
		case float64:
			state = mapping.BindDouble(stmt, at, v)
		case string:
			state = mapping.BindVarcharLength(stmt, at, v, mapping.IdxT(len(v)))
		case json.RawMessage:
			state = mapping.BindVarcharLength(stmt, at, string(v), mapping.IdxT(len(v)))
		case []byte:
			state = mapping.BindBlob(stmt, at, v)
		case time.Time:
			state = mapping.BindTimestamp(stmt, at, mapping.NewTimestamp(v.UnixMicro()))
		default:
			return errs.Field(errs.Invalid, "args", "%d is a %T; give nil, bool, int64, float64, string, []byte or time.Time", i+1, arg)
		}
		if state == mapping.StateError {
			return errs.Field(errs.Invalid, "args", "%d, a %T, is none that the statement takes there", i+1, arg)
		}
	}
	return nil
}
