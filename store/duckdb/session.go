//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"errors"

	"github.com/varvedb/varve/internal/duck"
)

// session is a connection. One goroutine uses it at a time. It keeps no
// statements: see [duck.Stmt].
type session struct{ conn *duck.Conn }

// query asks and reads the whole answer.
func (c *session) query(ctx context.Context, sql string, each func(row []any) error, args ...any) error {
	s, err := c.conn.Prepare(ctx, sql)
	if err != nil {
		return err
	}
	defer s.Close()
	return c.each(ctx, s, each, args...)
}

// each runs a statement and reads the whole answer.
func (c *session) each(ctx context.Context, s *duck.Stmt, each func(row []any) error, args ...any) error {
	rows, err := s.Run(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	rows.Packed = true
	for {
		block, err := rows.Next()
		if err != nil || block == nil {
			return err
		}
		for _, row := range block {
			if err := each(row); err != nil {
				return err
			}
		}
	}
}

// exec runs a statement that answers nothing of interest.
func (c *session) exec(ctx context.Context, sql string, args ...any) error {
	return c.query(ctx, sql, func([]any) error { return nil }, args...)
}

// number asks for one number; NULL, and no row, is 0.
func (c *session) number(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = c.query(ctx, sql, func(row []any) error {
		n, _ = row[0].(int64)
		return nil
	}, args...)
	return n, err
}

// reading runs fn on one state of the file, in which it cannot write.
func (c *session) reading(ctx context.Context, fn func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	whole := context.WithoutCancel(ctx)
	if err := c.conn.Exec(whole, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return err
	}
	err := fn()
	return errors.Join(err, c.conn.Exec(whole, "ROLLBACK"))
}

// transaction runs fn whole or not at all; commit stands around the end.
// Beginning and end are not interrupted: a commit that is may have happened.
func (c *session) transaction(ctx context.Context, fn func() error, commit func(end func() error) error) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	whole := context.WithoutCancel(ctx)
	if err := c.conn.Exec(whole, "BEGIN"); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // it failed, or panicked
			_ = c.conn.Exec(whole, "ROLLBACK") // which says no more than err does
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	err = commit(func() error { return c.conn.Exec(whole, "COMMIT") })
	ended = err == nil
	return err
}

func (c *session) close() { c.conn.Close() }
