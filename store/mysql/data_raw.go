package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// rawAnswer bounds an answer, which is read whole: the connection is wanted
// back even by those who never look at it.
const rawAnswer = 256 << 20

var errControl = errs.Field(errs.Forbidden, "sql", "the statement would begin or end a transaction, or change the session; ask for what is in it only")

// Raw implements query.Store. A statement is prepared by the server, which
// takes one only, and runs in a transaction that only reads.
func (q data) Raw(ctx context.Context, r query.Raw, write bool) (query.Answer, error) {
	if sqlquery.Controls(r.SQL) || strings.Contains(r.SQL, "/*!") || strings.Contains(r.SQL, "/*M!") {
		return query.Answer{}, errControl
	}
	if !write && writes(r.SQL) {
		return query.Answer{}, errReads
	}
	args, err := rawArgs(r.Args)
	if err != nil {
		return query.Answer{}, err
	}
	if _, err := q.layout(ctx); err != nil {
		return query.Answer{}, err
	}
	var a raws
	switch at := q.at.(type) {
	case outer:
		err = a.alone(ctx, at.s, r.SQL, args, write)
	case inner:
		// The server cannot be told here that this statement only reads.
		if !write && with(r.SQL) {
			return query.Answer{}, errReads
		}
		if err = at.t.send(ctx, sqlcore.Query{SQL: "DO 0"}); err == nil { // begins it
			err = a.ask(ctx, at.t.conn, r.SQL, args)
		}
	}
	if err != nil {
		return query.Answer{}, rawError(err)
	}
	return query.Answer{Columns: a.columns, Rows: func(yield func([]any, error) bool) {
		for _, row := range a.rows {
			if !yield(row, nil) {
				return
			}
		}
	}}, nil
}

var errReads = errs.Field(errs.Forbidden, "sql", "only what reads can be asked here")

// writes tells whether a statement is of a kind that a transaction which only
// reads does not hold back, such as one that writes a file. What the server
// could not read either is left to it.
func writes(text string) bool {
	word := sqlquery.FirstWord(text)
	if slices.Contains([]string{"alter", "analyze", "backup", "binlog", "cache", "call", "change", "checksum", "create", "delete", "do", "drop", "flush", "get", "grant",
		"handler", "help", "insert", "install", "kill", "load", "optimize", "purge", "rename", "repair", "replace", "resignal", "revoke", "shutdown",
		"signal", "stop", "truncate", "uninstall", "update"}, word) {
		return true
	}
	lower := strings.ToLower(text)
	return strings.Contains(lower, "outfile") || strings.Contains(lower, "dumpfile")
}

// with tells whether a statement begins with a definition and may change rows
// after it.
func with(text string) bool {
	lower := strings.ToLower(text)
	return sqlquery.FirstWord(text) == "with" && (strings.Contains(lower, "delete") || strings.Contains(lower, "update"))
}

func rawArgs(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case json.RawMessage:
			out[i] = string(v)
		case nil, bool, int64, int, float64, string, []byte:
			out[i] = v
		default:
			out[i] = dataBind(v, query.Type{})
			if _, bound := out[i].(string); !bound {
				return nil, errs.Field(errs.Invalid, "args", "%d is a %T; give nil, bool, int64, float64, string, []byte or time.Time", i+1, arg)
			}
		}
	}
	return out, nil
}

// rawError is the error for a statement of somebody's, which is theirs.
func rawError(err error) error {
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	var server *mysql.MySQLError
	if !errors.As(err, &server) {
		return classify(err)
	}
	switch {
	case server.Number == 1792:
		return errReads
	case server.Number == 1295:
		return errControl
	case strings.HasPrefix(string(server.SQLState[:]), "42") && server.Number != 1142 && server.Number != 1143, strings.HasPrefix(string(server.SQLState[:]), "22"), strings.HasPrefix(string(server.SQLState[:]), "21"):
		return errs.Field(errs.Invalid, "sql", "%s", server.Message)
	}
	return classify(err)
}

// raws is the whole answer of a statement.
type raws struct {
	columns []string
	rows    [][]any
}

func (a *raws) alone(ctx context.Context, s *Store, text string, args []any, write bool) error {
	return s.lend(ctx, func(c *sql.Conn) error {
		// What defines tables ends a transaction first: so the session only
		// reads, too.
		mode, end := "READ ONLY", "ROLLBACK"
		if write {
			mode, end = "READ WRITE", "COMMIT"
		}
		if err := send(ctx, c, s.limit, sqlcore.Query{SQL: "SET SESSION TRANSACTION " + mode}, sqlcore.Query{SQL: "START TRANSACTION " + mode}); err != nil {
			return err
		}
		err := a.ask(ctx, c, text, args)
		if err != nil {
			end = "ROLLBACK"
		}
		failed := send(context.WithoutCancel(ctx), c, s.limit, sqlcore.Query{SQL: end},
			sqlcore.Query{SQL: "SET SESSION TRANSACTION READ WRITE"}, sqlcore.Query{SQL: "DO release_all_locks()"})
		if err == nil {
			err = failed
		}
		return err
	})
}

// ask prepares a statement, which several are not, and reads its answer.
func (a *raws) ask(ctx context.Context, c *sql.Conn, text string, args []any) error {
	if err := counted(ctx, c, text, len(args)); err != nil {
		return err
	}
	s, err := c.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer s.Close()
	answer, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer answer.Close()
	if a.columns, err = answer.Columns(); err != nil {
		return err
	}
	types, err := answer.ColumnTypes()
	if err != nil {
		return err
	}
	size := 0
	for answer.Next() {
		row := make([]any, len(a.columns))
		into := make([]any, len(a.columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := answer.Scan(into...); err != nil {
			return err
		}
		for i := range row {
			row[i] = rawValue(row[i], types[i].DatabaseTypeName())
			if b, ok := row[i].(string); ok {
				size += len(b)
			} else if b, ok := row[i].([]byte); ok {
				size += len(b)
			}
			size += 16
		}
		if size > rawAnswer {
			return errs.Field(errs.TooLarge, "sql", "the answer is larger than %d MiB; ask for less", rawAnswer>>20)
		}
		a.rows = append(a.rows, row)
	}
	return answer.Err()
}

// counted wants as many arguments as the server finds places for.
func counted(ctx context.Context, c *sql.Conn, text string, args int) error {
	want := 0
	err := c.Raw(func(conn any) error {
		p, ok := conn.(driver.ConnPrepareContext)
		if !ok {
			return errs.New(errs.Internal, "the driver prepares nothing")
		}
		s, err := p.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		want = s.NumInput()
		return s.Close()
	})
	if err == nil && want != args {
		err = errs.Field(errs.Invalid, "args", "are %d, and the statement has %d placeholders", args, want)
	}
	return err
}

// rawValue gives a value the type that the server says it is of.
func rawValue(v any, native string) any {
	switch v := v.(type) {
	case []byte:
		switch native {
		case "BLOB", "BINARY", "VARBINARY", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "GEOMETRY", "BIT":
			return v
		case "DATETIME", "TIMESTAMP":
			if t, ok := sqlquery.Moment(string(v)); ok {
				return t
			}
		}
		return string(v)
	case float32:
		return float64(v)
	case uint64:
		if v <= 1<<63-1 {
			return int64(v)
		}
		return float64(v)
	}
	return v
}
