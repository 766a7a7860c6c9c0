package sqlite

import (
	"context"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// maxStatements bounds the statements that a connection keeps prepared. Texts
// come from a fixed set times the shapes of patches, far below it.
const maxStatements = 400

// conn is one connection with its prepared statements. One goroutine uses it
// at a time.
type conn struct {
	db    *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
	after []func() // done when the transaction is durable

	gathers   bool    // it has the function that fills batches
	gathering *gather // what that function fills
}

var _ sqlcore.Querier = (*conn)(nil)

func openConn(path string, flags sqlite3.OpenFlag, o Options) (*conn, error) {
	db, err := sqlite3.OpenFlags(path, flags)
	if err != nil {
		return nil, classify(err)
	}
	c := &conn{db: db, stmts: map[string]*sqlite3.Stmt{}}
	if err := c.setUp(o); err != nil {
		c.close()
		return nil, classify(err)
	}
	return c, nil
}

func (c *conn) setUp(o Options) error {
	if err := c.db.BusyTimeout(o.BusyTimeout); err != nil {
		return err
	}
	// Without this guarantee a statement with LIMIT ? is planned anew whenever
	// another value is bound, at ten times the price of a page.
	if _, err := c.db.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
		return err
	}
	// The inner pages of the indexes of ten million versions.
	if err := c.db.Exec(`PRAGMA cache_size=-8000`); err != nil {
		return err
	}
	// What does not fit into a little memory, SQLite puts into temporary files.
	// Where there is no place for those, everything stays in memory; that is
	// dearer, since statement journals then come in small pieces.
	if o.inMemory {
		if err := c.db.Exec(`PRAGMA temp_store=MEMORY`); err != nil {
			return err
		}
	}
	// As in Chainlit's own connections: its files hold rows that break the
	// keys they declare, and a write must not fail for another's row.
	if err := c.db.Exec(`PRAGMA foreign_keys=OFF`); err != nil {
		return err
	}
	if err := c.dataFunctions(); err != nil {
		return err
	}
	if err := c.db.CreateFunction("varve_time", 1, sqlite3.DETERMINISTIC, normalTime); err != nil {
		return err
	}
	return c.db.CreateFunction("varve_contains", 2, sqlite3.DETERMINISTIC, contains)
}

// normalTime is varve_time(text): the time in fixed-width UTC, or NULL.
func normalTime(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if t, ok := chat.NormalTime(arg[0].Text()); ok {
		ctx.ResultText(t)
	}
}

// contains is varve_contains(text, needle): whether the folded text contains
// the needle, which is folded already.
func contains(ctx sqlite3.Context, arg ...sqlite3.Value) {
	ctx.ResultBool(arg[0].Type() != sqlite3.NULL && strings.Contains(chat.Fold(arg[0].Text()), arg[1].Text()))
}

func (c *conn) close() error {
	c.forget()
	return c.db.Close()
}

// forget drops the prepared statements.
func (c *conn) forget() {
	for _, s := range c.stmts {
		s.Close()
	}
	clear(c.stmts)
}

func (c *conn) prepare(sql string) (*sqlite3.Stmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, _, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = s
	return s, nil
}

func bind(s *sqlite3.Stmt, args []any) (err error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case nil:
			err = s.BindNull(i + 1)
		case string:
			err = s.BindText(i+1, v)
		case int64:
			err = s.BindInt64(i+1, v)
		case int:
			err = s.BindInt64(i+1, int64(v))
		case float64:
			err = s.BindFloat(i+1, v)
		case bool:
			err = s.BindBool(i+1, v)
		case []byte:
			err = s.BindBlob(i+1, v)
		case []string:
			err = s.BindText(i+1, string(sqlcore.AppendJSON(nil, v)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement that answers nothing.
func (c *conn) exec(sql string, args ...any) error {
	s, err := c.prepare(sql)
	if err != nil {
		return classify(err)
	}
	if err := bind(s, args); err != nil {
		return classify(err)
	}
	return classify(s.Exec())
}

// query calls each for every row of an answer. each must not run the same
// statement again.
func (c *conn) query(sql string, each func(sqlcore.Row) error, args ...any) (err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return classify(err)
	}
	defer func() {
		if reset := s.Reset(); err == nil {
			err = classify(reset)
		}
	}()
	if err := bind(s, args); err != nil {
		return classify(err)
	}
	for r := (row{s}); s.Step(); {
		if err := each(r); err != nil {
			return err
		}
	}
	return classify(s.Err())
}

// text asks for one value; false: there is no row, or it is NULL.
func (c *conn) text(sql string, args ...any) (value string, ok bool, err error) {
	err = c.query(sql, func(r sqlcore.Row) error {
		value, ok = r.Text(0)
		return nil
	}, args...)
	return value, ok, err
}

// number asks for one number; 0: there is no row, or it is NULL.
func (c *conn) number(sql string, args ...any) (n int64, err error) {
	err = c.query(sql, func(r sqlcore.Row) error {
		n = r.(row).ColumnInt64(0)
		return nil
	}, args...)
	return n, err
}

// column asks for the first column of an answer.
func (c *conn) column(sql string, args ...any) (values []string, err error) {
	err = c.query(sql, func(r sqlcore.Row) error {
		if v, ok := r.Text(0); ok {
			values = append(values, v)
		}
		return nil
	}, args...)
	return values, err
}

// Run implements sqlcore.Querier: several queries see one state.
func (c *conn) Run(_ context.Context, queries ...sqlcore.Query) error {
	if len(queries) > 1 && c.db.GetAutocommit() {
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer c.exec("COMMIT")
	}
	for _, q := range queries {
		if err := c.query(q.SQL, q.Each, q.Args...); err != nil {
			return err
		}
	}
	return nil
}

// row is the current row of a statement.
type row struct{ *sqlite3.Stmt }

// Text implements sqlcore.Row.
func (r row) Text(i int) (string, bool) {
	if r.ColumnType(i) == sqlite3.NULL {
		return "", false
	}
	return r.ColumnText(i), true
}
