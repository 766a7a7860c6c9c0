//go:build cgo && !no_duckdb

package duck

/*
// What the engine has for it, which the driver does not show.
extern int duckdb_pending_prepared_streaming(void *statement, void **out);
*/
import "C"

import (
	"context"
	"slices"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// Stmt is a statement of a connection that was planned. The engine plans with
// what it knows of a table's values: run it in the transaction in which it was
// prepared, and not again after a change, or it reads rows that came since as
// what they are not.
type Stmt struct {
	conn *Conn
	stmt mapping.PreparedStatement
}

// Prepare plans exactly one statement.
func (c *Conn) Prepare(ctx context.Context, sql string) (*Stmt, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s := &Stmt{conn: c}
	var err error
	c.interruptible(ctx, func() { s.stmt, err = c.prepare(sql) })
	if err != nil {
		return nil, within(ctx, err)
	}
	return s, nil
}

// within is an error of what ran within ctx.
func within(ctx context.Context, err error) error {
	if ctx.Err() != nil && errs.KindOf(err) == errs.Internal {
		return context.Cause(ctx)
	}
	return err
}

// Close gives the plan back, after the answers of the statement.
func (s *Stmt) Close() { mapping.DestroyPrepare(&s.stmt) }

// Reads tells whether the statement is a SELECT.
func (s *Stmt) Reads() bool {
	return mapping.PreparedStatementType(s.stmt) == mapping.StatementTypeSelect
}

// Changes tells whether the statement changes rows or tables, and nothing else:
// no file, no setting, no transaction.
func (s *Stmt) Changes() bool {
	return slices.Contains([]mapping.StatementType{mapping.StatementTypeInsert, mapping.StatementTypeUpdate, mapping.StatementTypeDelete,
		mapping.StatementTypeCreate, mapping.StatementTypeDrop, mapping.StatementTypeAlter}, mapping.PreparedStatementType(s.stmt))
}

// Run runs the statement. Its answer is whole in the engine's memory when Run
// returns.
func (s *Stmt) Run(ctx context.Context, args ...any) (*Rows, error) {
	return s.run(ctx, args, mapping.PendingPrepared)
}

// Stream runs the statement. Its answer is computed as it is fetched; until it
// is closed nothing else runs on the connection, and no argument is bound.
func (s *Stmt) Stream(ctx context.Context, args ...any) (*Rows, error) {
	return s.run(ctx, args, streaming)
}

func streaming(stmt mapping.PreparedStatement, out *mapping.PendingResult) mapping.State {
	var pending unsafe.Pointer
	state := mapping.State(C.duckdb_pending_prepared_streaming(stmt.Ptr, &pending))
	out.Ptr = pending
	return state
}

func (s *Stmt) run(ctx context.Context, args []any, begin func(mapping.PreparedStatement, *mapping.PendingResult) mapping.State) (*Rows, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := bind(s.stmt, args); err != nil {
		return nil, err
	}
	rows := &Rows{conn: s.conn.conn}
	var err error
	s.conn.interruptible(ctx, func() { err = s.execute(ctx, rows, begin) })
	if err != nil {
		rows.Close()
		return nil, within(ctx, err)
	}
	rows.describe()
	return rows, nil
}

func (s *Stmt) execute(ctx context.Context, rows *Rows, begin func(mapping.PreparedStatement, *mapping.PendingResult) mapping.State) error {
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if begin(s.stmt, &pending) == mapping.StateError {
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

// TableNames are the tables that a statement reads or writes, in quotes where
// they need them and behind their schema where that is given.
func (c *Conn) TableNames(sql string) (names []string) {
	list := mapping.GetTableNames(c.conn, sql, true)
	defer mapping.DestroyValue(&list)
	for i := range mapping.GetListSize(list) {
		name := mapping.GetListChild(list, i)
		names = append(names, mapping.GetVarchar(name))
		mapping.DestroyValue(&name)
	}
	return names
}
