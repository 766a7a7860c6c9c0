package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/statement"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
)

// The bounds of a statement of somebody's: of one value, of all that SQLite
// takes for it, and of its answer.
const (
	askedValue  = 64 << 20
	askedHeap   = 512 << 20
	askedAnswer = 256 << 20
)

// asker answers questions in SQL where no columnar engine is linked. Each has
// a connection of its own, which can only read.
type asker struct{ s *Store }

var _ analytics.Engine = asker{}

// Asker is the engine for questions where there is no better one: the tables
// as they are, their history and as they were, in rows.
func (s *Store) Asker(context.Context) (analytics.Engine, error) { return asker{s}, nil }

// Name implements analytics.Engine.
func (asker) Name() string { return "SQLite (this program has no DuckDB)" }

// Close implements analytics.Engine.
func (asker) Close() error { return nil }

// Query implements analytics.Engine.
func (a asker) Query(ctx context.Context, sql string, args []any) (analytics.Cursor, error) {
	views, err := a.views(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.alone(ctx, views, authorize, sql, args)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// rules say what a statement of somebody's may do.
type rules = func(action sqlite3.AuthorizerActionCode, name, second, schema, inner string) sqlite3.AuthorizerReturnCode

// alone asks on a connection of its own, which only reads and is bounded.
func (a asker) alone(ctx context.Context, views string, may rules, sql string, args []any) (*answer, error) {
	c, err := openConn(a.s.path, sqlite3.OPEN_READONLY, a.s.opt)
	if err != nil {
		return nil, err
	}
	defer c.abandon()
	if err := errors.Join(statement.Register(c.db), pastFunctions(c.db)); err != nil {
		return nil, classify(err)
	}
	if err := c.db.Exec("PRAGMA temp_store=MEMORY;" + views + "PRAGMA query_only=ON"); err != nil {
		return nil, classify(err)
	}
	c.db.Limit(sqlite3.LIMIT_LENGTH, askedValue)
	c.db.Limit(sqlite3.LIMIT_ATTACHED, 0)
	c.db.Limit(sqlite3.LIMIT_EXPR_DEPTH, 200)
	c.db.Limit(sqlite3.LIMIT_WORKER_THREADS, 0)
	c.db.HardHeapLimit(askedHeap)
	if err := c.db.SetAuthorizer(may); err != nil {
		return nil, classify(err)
	}
	c.db.SetInterrupt(ctx)
	return c.askWithin(sql, args)
}

// authorize lets statements read what is anybody's to ask about, and nothing
// that Varve keeps for itself: secrets and tombstones above all.
func authorize(action sqlite3.AuthorizerActionCode, name, second, schema, _ string) sqlite3.AuthorizerReturnCode {
	switch action {
	case sqlite3.AUTH_SELECT, sqlite3.AUTH_RECURSIVE:
		return sqlite3.AUTH_OK
	case sqlite3.AUTH_FUNCTION:
		if name := strings.ToLower(second); name != "load_extension" && !strings.HasPrefix(name, "fts") {
			return sqlite3.AUTH_OK
		}
	case sqlite3.AUTH_READ:
		name = strings.ToLower(name)
		shown := slices.Contains([]string{"users", "threads", "steps", "elements", "feedbacks", "json_each", "json_tree"}, name)
		if shown || schema != "main" && !strings.HasPrefix(name, "sqlite_") ||
			strings.HasPrefix(name, "varve_log_") || strings.HasPrefix(name, "varve_entity_") {
			return sqlite3.AUTH_OK
		}
	}
	return sqlite3.AUTH_DENY
}

var errAskedMemory = errs.Field(errs.TooLarge, "sql", "the statement needs more memory than it may have; ask for less")

// askWithin is ask where the driver panics, as it does when SQLite finds no
// more memory.
func (c *conn) askWithin(sql string, args []any) (a *answer, err error) {
	defer func() {
		if recover() != nil {
			a, err = nil, errAskedMemory
		}
	}()
	return c.ask(sql, args)
}

// abandon closes a connection that may have no memory left to say how that
// went.
func (c *conn) abandon() {
	defer func() { _ = recover() }()
	c.close()
}

// ask runs exactly one statement that only reads, and reads its answer.
func (c *conn) ask(sql string, args []any) (*answer, error) { return c.run(sql, args, true) }

func (c *conn) run(sql string, args []any, reads bool) (*answer, error) {
	s, tail, err := c.db.Prepare(sql)
	if err != nil {
		return nil, asked(err)
	}
	if s == nil {
		return nil, errs.Field(errs.Invalid, "sql", "holds no statement")
	}
	defer s.Close()
	if next, _, err := c.db.Prepare(tail); err != nil || next != nil {
		if next != nil {
			next.Close()
		}
		return nil, errs.Field(errs.Invalid, "sql", "holds several statements; give exactly one")
	}
	if reads && (!s.ReadOnly() || s.ColumnCount() == 0) {
		return nil, errs.Field(errs.Invalid, "sql", "only SELECT can be asked here: nothing that writes, sets or loads")
	}
	if n := s.BindCount(); n != len(args) {
		return nil, errs.Field(errs.Invalid, "args", "are %d, and the statement has %d placeholders", len(args), n)
	}
	if err := bindAsked(s, args); err != nil {
		return nil, err
	}
	a := &answer{}
	for i := range s.ColumnCount() {
		a.columns = append(a.columns, analytics.Column{Name: s.ColumnName(i), Type: s.ColumnDeclType(i)})
	}
	for size := 0; s.Step(); {
		row := make([]any, s.ColumnCount())
		for i := range row {
			var n int
			row[i], n = askedColumn(s, i)
			size += n + 16
		}
		if size > askedAnswer {
			return nil, errs.Field(errs.TooLarge, "sql", "the answer is larger than %d MiB; ask for less", askedAnswer>>20)
		}
		a.rows = append(a.rows, row)
	}
	if err := s.Err(); err != nil {
		return nil, asked(err)
	}
	return a, nil
}

func bindAsked(s *sqlite3.Stmt, args []any) error {
	for i, arg := range args {
		switch v := arg.(type) {
		case float64:
			if err := s.BindFloat(i+1, v); err != nil {
				return classify(err)
			}
			continue
		case time.Time:
			args = slices.Clone(args)
			args[i] = v.UTC().Format("2006-01-02 15:04:05.000000")
		case json.RawMessage:
			args = slices.Clone(args)
			args[i] = string(v)
		case nil, string, int64, int, bool, []byte:
		default:
			return errs.Field(errs.Invalid, "args", "%d is a %T; give nil, bool, int64, float64, string, []byte or time.Time", i+1, arg)
		}
		if err := bindOne(s, i+1, args[i]); err != nil {
			return classify(err)
		}
	}
	return nil
}

func bindOne(s *sqlite3.Stmt, at int, arg any) error {
	switch v := arg.(type) {
	case string:
		return s.BindText(at, v)
	case int64:
		return s.BindInt64(at, v)
	case int:
		return s.BindInt64(at, int64(v))
	case bool:
		return s.BindBool(at, v)
	case []byte:
		return s.BindBlob(at, v)
	}
	return s.BindNull(at)
}

// askedColumn is one value and how large it is.
func askedColumn(s *sqlite3.Stmt, i int) (any, int) {
	switch s.ColumnType(i) {
	case sqlite3.INTEGER:
		return s.ColumnInt64(i), 8
	case sqlite3.FLOAT:
		if f := s.ColumnFloat(i); !math.IsNaN(f) {
			return f, 8
		}
	case sqlite3.TEXT:
		text := s.ColumnText(i)
		return text, len(text)
	case sqlite3.BLOB:
		raw := s.ColumnBlob(i, nil)
		return raw, len(raw)
	}
	return nil, 0
}

// asked is the error for a statement of somebody's, which is theirs.
func asked(err error) error {
	e, ok := err.(*sqlite3.Error)
	if !ok {
		return classify(err)
	}
	switch e.Code() {
	case sqlite3.AUTH:
		return errs.Field(errs.Forbidden, "sql", "the statement asks for what may not be asked, or does more than ask")
	case sqlite3.ERROR:
		return errs.Field(errs.Invalid, "sql", "%s", strings.TrimPrefix(e.Error(), "sqlite3: SQL logic error: "))
	case sqlite3.NOMEM, sqlite3.TOOBIG, sqlite3.FULL:
		return errAskedMemory
	case sqlite3.READONLY:
		return errs.Field(errs.Invalid, "sql", "only SELECT can be asked here: nothing that writes, sets or loads")
	}
	return classify(err)
}

// answer is the whole answer of a statement.
type answer struct {
	columns []analytics.Column
	rows    [][]any
}

// Columns implements analytics.Cursor.
func (a *answer) Columns() []analytics.Column { return a.columns }

// Next implements analytics.Cursor.
func (a *answer) Next() ([][]any, error) {
	rows := a.rows
	a.rows = nil
	return rows, nil
}

// Close implements analytics.Cursor.
func (a *answer) Close() error { return nil }

// views are the statements that publish versioned tables under the names by
// which they are asked for. Names of tables go before those that are made from
// another's.
func (a asker) views(ctx context.Context) (string, error) {
	tables, err := a.s.State().Tables(ctx)
	if errs.KindOf(err) == errs.Unsupported {
		return "", nil
	}
	var sql strings.Builder
	taken := map[string]bool{}
	for i := range tables {
		taken[strings.ToLower(tables[i].Name)] = true
	}
	for i := range tables {
		t := &tables[i]
		fmt.Fprintf(&sql, "CREATE TEMP VIEW %s AS %s;", quoted(t.Name), latestView(t))
		if name := t.Name + "_history"; !taken[strings.ToLower(name)] {
			fmt.Fprintf(&sql, "CREATE TEMP VIEW %s AS %s;", quoted(name), historyView(t))
		}
		if !taken[strings.ToLower(t.Name+"_as_of")] {
			sql.WriteString(pastTable(t))
		}
	}
	return sql.String(), err
}
