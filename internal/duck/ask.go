//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"errors"
)

// Each runs exactly one statement, of whatever kind, and gives fn the rows of
// its answer, with what is FLOAT[n] as []float32; fn's error ends it. nil: the
// rows are not wanted.
func (c *Conn) Each(ctx context.Context, sql string, fn func(row []any) error, args ...any) error {
	s, err := c.Prepare(ctx, sql)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Each(ctx, fn, args...)
}

// Each runs the statement as [Conn.Each] does.
func (s *Stmt) Each(ctx context.Context, fn func(row []any) error, args ...any) error {
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
			if fn == nil {
				break
			}
			if err := fn(row); err != nil {
				return err
			}
		}
	}
}

// Number asks for one number; NULL, and no row, is 0.
func (c *Conn) Number(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = c.Each(ctx, sql, func(row []any) error {
		n, _ = row[0].(int64)
		return nil
	}, args...)
	return n, err
}

// Reading runs fn on one state of the database, in which it cannot write.
func (c *Conn) Reading(ctx context.Context, fn func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	whole := context.WithoutCancel(ctx)
	if err := c.Exec(whole, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return err
	}
	err := fn()
	return errors.Join(err, c.Exec(whole, "ROLLBACK"))
}

// Transaction runs fn whole or not at all.
func (c *Conn) Transaction(ctx context.Context, fn func() error) error {
	return c.TransactionWith(ctx, fn, func(end func() error) error { return end() })
}

// TransactionWith is Transaction with commit around its end. Beginning and end
// are not interrupted: an engine that is says that it failed when it may have
// committed.
func (c *Conn) TransactionWith(ctx context.Context, fn func() error, commit func(end func() error) error) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	whole := context.WithoutCancel(ctx)
	if err := c.Exec(whole, "BEGIN"); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // it failed, or panicked
			_ = c.Exec(whole, "ROLLBACK") // which says no more than err does
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	err = commit(func() error { return c.Exec(whole, "COMMIT") })
	ended = err == nil
	return err
}
