//go:build cgo && !no_duckdb

package duckdb

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
)

// Query implements analytics.Engine.
func (m *Mirror) Query(ctx context.Context, sql string, args []any) (analytics.Cursor, error) {
	a, err := m.ask(ctx, sql, args, false)
	if errs.KindOf(err) == errs.Invalid {
		// A table or column that is not known may be new.
		a, err = m.ask(ctx, sql, args, true)
	}
	if errors.Is(err, duck.ErrDamaged) {
		why := err
		if err = m.following(ctx, func() error { return m.mend(ctx, why) }); err == nil {
			a, err = m.ask(ctx, sql, args, true)
		}
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// ask follows and runs one statement.
func (m *Mirror) ask(ctx context.Context, sql string, args []any, relist bool) (*answer, error) {
	a, asOf, err := m.begin(ctx, relist)
	if err != nil {
		return nil, err
	}
	// A statement that cannot stop at once is left to itself, and gives back
	// what it holds when it ends.
	done := make(chan error)
	go func() {
		err := a.run(ctx, sql, args, asOf)
		select {
		case done <- err:
		case <-ctx.Done():
			a.release()
		}
	}()
	select {
	case err := <-done:
		if err != nil {
			a.release()
			return nil, err
		}
		return a, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin takes over what is new and makes place for an answer. asOf tells which
// table functions are the mirror's.
func (m *Mirror) begin(ctx context.Context, relist bool) (a *answer, asOf func(string) bool, err error) {
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	err = m.following(ctx, func() error {
		if err := m.follow(ctx, relist); err != nil {
			return err
		}
		conn, err := m.eng.db.Connect()
		if err != nil {
			return err
		}
		names := map[string]bool{}
		for name := range m.eng.tables {
			names[name+"_as_of"] = true
		}
		a, asOf = &answer{m: m, conn: conn}, func(name string) bool { return names[name] }
		m.use.RLock()
		m.running.Add(1)
		return nil
	})
	if err != nil {
		<-m.slots
	}
	return a, asOf, err
}

// answer is the cursor of a statement.
type answer struct {
	m     *Mirror
	conn  *duck.Conn
	rows  *duck.Rows
	close sync.Once
}

func (a *answer) run(ctx context.Context, sql string, args []any, asOf func(string) bool) error {
	// The transaction sees one state, and no statement in it can write.
	if err := a.conn.Exec(ctx, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return err
	}
	if err := a.conn.Guard(ctx, sql, duck.Bounds{Function: asOf, Private: func(schema, _ string) bool { return schema == "varve" }}); err != nil {
		return err
	}
	var err error
	a.rows, err = a.conn.Query(ctx, sql, args...)
	return err
}

// Columns implements analytics.Cursor.
func (a *answer) Columns() []analytics.Column {
	out := make([]analytics.Column, len(a.rows.Columns))
	for i, c := range a.rows.Columns {
		out[i] = analytics.Column{Name: c.Name, Type: strings.ReplaceAll(c.Type, `"NULL"`, "NULL")}
	}
	return out
}

// Next implements analytics.Cursor.
func (a *answer) Next() ([][]any, error) { return a.rows.Next() }

// Close implements analytics.Cursor.
func (a *answer) Close() error {
	a.close.Do(a.release)
	return nil
}

func (a *answer) release() {
	if a.rows != nil {
		a.rows.Close()
	}
	a.conn.Close()
	a.m.use.RUnlock()
	a.m.running.Done()
	<-a.m.slots
}

// WriteStream implements analytics.FormCursor.
func (a *answer) WriteStream(ctx context.Context, w io.Writer, limit int) error {
	return within(a.rows.WriteArrow(ctx, w, false, limit), limit)
}

// WriteFile implements analytics.FormCursor.
func (a *answer) WriteFile(ctx context.Context, path string, form analytics.Form, limit int) error {
	if form == analytics.Parquet {
		return within(a.rows.WriteParquet(ctx, path, limit), limit)
	}
	f, err := os.Create(path)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the file cannot be made")
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = a.rows.WriteArrow(ctx, w, true, limit)
	return within(errors.Join(err, w.Flush(), f.Close()), limit)
}

// within is the error of writing at most so many rows.
func within(err error, limit int) error {
	if errors.Is(err, duck.ErrLimit) {
		return analytics.TooMany(limit)
	}
	return err
}
