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
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	rows := &Rows{conn: c.conn}
	var err error
	c.interruptible(ctx, func() { err = c.query(ctx, sql, args, rows) })
	if err != nil {
		rows.Close()
		if ctx.Err() != nil && errs.KindOf(err) == errs.Internal {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	rows.describe()
	return rows, nil
}

func (c *Conn) query(ctx context.Context, sql string, args []any, rows *Rows) error {
	stmt, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer mapping.DestroyPrepare(&stmt)
	if t := mapping.PreparedStatementType(stmt); t != mapping.StatementTypeSelect {
		return errs.Field(errs.Invalid, "sql", "only SELECT can be asked here")
	}
	if err := bind(stmt, args); err != nil {
		return err
	}
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if mapping.PendingPrepared(stmt, &pending) == mapping.StateError {
		return failure(mapping.PendingError(pending))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if mapping.ExecutePending(pending, &rows.result) == mapping.StateError {
		return resultError(ctx, &rows.result)
	}
	return nil
}

func (c *Conn) prepare(sql string) (stmt mapping.PreparedStatement, err error) {
	var found mapping.ExtractedStatements
	n := mapping.ExtractStatements(c.conn, sql, &found)
	defer mapping.DestroyExtracted(&found)
	if n == 0 {
		if message := mapping.ExtractStatementsError(found); message != "" {
			return stmt, failure(message)
		}
	}
	if n != 1 {
		return stmt, errs.Field(errs.Invalid, "sql", "holds %d statements; give exactly one", n)
	}
	if mapping.PrepareExtractedStatement(c.conn, found, 0, &stmt) == mapping.StateError {
		err = failure(mapping.PrepareError(stmt))
		mapping.DestroyPrepare(&stmt)
	}
	return stmt, err
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
