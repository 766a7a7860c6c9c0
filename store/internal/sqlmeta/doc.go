// Package sqlmeta keeps the metadata of a datalayer in SQL, once for all
// engines: the statements are the same but for what a [Dialect] says.
package sqlmeta

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/varvedb/varve/store/internal/sqlcore"
)

// DB runs questions and changes on a database that has the tables.
type DB interface {
	// Read runs fn, which only asks.
	Read(ctx context.Context, fn func(Unit) error) error
	// Write runs fn as one unit, whole or not at all, perhaps again after
	// another transaction came between.
	Write(ctx context.Context, fn func(Unit) error) error
}

// Unit is what a function of a [DB] works on.
type Unit struct {
	sqlcore.Querier
	*Dialect
}

// Dialect is where the engines differ.
type Dialect struct {
	// Param is the n-th parameter, from 1.
	Param func(n int) string
	// Table is the name of a table of Varve's as it stands in SQL.
	Table func(name string) string
	// Lock follows a SELECT whose rows stay as they are until the unit ends.
	Lock string
}

// sql fills names of tables and then parameters, numbered from 1, into a
// statement.
func (d *Dialect) sql(format string, params int, tables ...string) string {
	args := make([]any, 0, len(tables)+params)
	for _, t := range tables {
		args = append(args, d.Table(t))
	}
	for n := range params {
		args = append(args, d.Param(n+1))
	}
	return fmt.Sprintf(format, args...)
}

// params are n parameters with commas between, from first on.
func (d *Dialect) params(first, n int) string {
	out := make([]byte, 0, 4*n)
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, d.Param(first+i)...)
	}
	return string(out)
}

// Times stand as microseconds since 1970: exact, and the same everywhere.
func stamp(t time.Time) int64 { return t.UnixMicro() }

func unstamp(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func text(r sqlcore.Row, i int) string {
	s, _ := r.Text(i)
	return s
}

func number(r sqlcore.Row, i int) int64 {
	s, _ := r.Text(i)
	n, _ := strconv.ParseInt(s, 10, 64) // the column is an integer
	return n
}
