package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// rawAnswer bounds an answer, which is read whole: the connection is wanted
// back even by those who never look at it.
const rawAnswer = 256 << 20

// Raw implements query.Store. PostgreSQL itself sees to it that a transaction
// only reads, and that a message holds one statement only.
func (q data) Raw(ctx context.Context, r query.Raw, write bool) (query.Answer, error) {
	if sqlquery.Controls(r.SQL) {
		return query.Answer{}, errControl
	}
	values, err := rawArgs(r.Args)
	if err != nil {
		return query.Answer{}, err
	}
	if _, err := q.layout(ctx); err != nil {
		return query.Answer{}, err
	}
	var a raws
	if in, inside := q.at.(inner); inside {
		err = a.inside(ctx, in, r.SQL, values, write)
	} else {
		err = a.alone(ctx, q.s, r.SQL, values, write)
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

func rawArgs(args []any) ([][]byte, error) {
	plain := make([]any, len(args))
	for i, arg := range args {
		if raw, ok := arg.(json.RawMessage); ok {
			arg = string(raw)
		}
		plain[i] = arg
	}
	values, err := encode(plain)
	if err != nil {
		return nil, errs.Field(errs.Invalid, "args", "are nil, bool, int64, float64, string, []byte or time.Time")
	}
	return values, nil
}

// rawError is the error for a statement of somebody's, which is theirs.
func rawError(err error) error {
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return classify(err)
	}
	switch {
	case pg.Code == "25006" || pg.Code == "25001":
		return errs.Field(errs.Forbidden, "sql", "only what reads can be asked here")
	case strings.HasPrefix(pg.Code, "42") && pg.Code != "42501", pg.Code == "08P01", strings.HasPrefix(pg.Code, "22"), pg.Code == "0A000":
		return errs.Field(errs.Invalid, "sql", "%s", pg.Message)
	}
	return classify(err)
}

// raws is the whole answer of a statement.
type raws struct {
	columns []string
	rows    [][]any
}

func (a *raws) alone(ctx context.Context, s *Store, sql string, values [][]byte, write bool) error {
	c, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	at := session{Conn: c.Conn()}
	begin, end := "BEGIN READ ONLY", "ROLLBACK"
	if write {
		begin, end = "BEGIN", "COMMIT"
	}
	if err := run(ctx, at, sqlcore.Query{SQL: begin}); err != nil {
		return err
	}
	err = a.ask(ctx, at, sql, values)
	if err != nil {
		end = "ROLLBACK"
	}
	// Locks that outlive a transaction would come back with the connection.
	failed := run(context.WithoutCancel(ctx), at, sqlcore.Query{SQL: end})
	if failed == nil && !s.pooled.Load() {
		failed = run(context.WithoutCancel(ctx), at, sqlcore.Query{SQL: "SELECT pg_advisory_unlock_all()"})
	}
	if err == nil {
		err = failed
	}
	return err
}

// inside runs a statement in a savepoint, which may be one that only reads.
func (a *raws) inside(ctx context.Context, in inner, sql string, values [][]byte, write bool) error {
	before := []sqlcore.Query{{SQL: "SAVEPOINT varve_raw"}}
	after := []sqlcore.Query{{SQL: "RELEASE varve_raw"}}
	if !write {
		before = append(before, sqlcore.Query{SQL: "SET TRANSACTION READ ONLY"})
		after = append([]sqlcore.Query{{SQL: "ROLLBACK TO varve_raw"}}, after...)
	}
	if err := run(ctx, in.conn, before...); err != nil {
		return err
	}
	err := a.ask(ctx, in.conn, sql, values)
	if err != nil {
		after = []sqlcore.Query{{SQL: "ROLLBACK TO varve_raw"}, {SQL: "RELEASE varve_raw"}}
	}
	if failed := run(ctx, in.conn, after...); err == nil {
		err = failed
	}
	return err
}

func (a *raws) ask(ctx context.Context, c session, sql string, values [][]byte) error {
	answer := c.PgConn().ExecParams(ctx, sql, values, nil, nil, nil)
	for _, f := range answer.FieldDescriptions() {
		a.columns = append(a.columns, f.Name)
	}
	size := 0
	for answer.NextRow() {
		if size > rawAnswer {
			continue
		}
		row := make([]any, len(answer.Values()))
		for i, raw := range answer.Values() {
			row[i] = rawValue(raw, answer.FieldDescriptions()[i].DataTypeOID)
			size += len(raw) + 16
		}
		a.rows = append(a.rows, row)
	}
	_, err := answer.Close()
	if err == nil && size > rawAnswer {
		return errs.Field(errs.TooLarge, "sql", "the answer is larger than %d MiB; ask for less", rawAnswer>>20)
	}
	return err
}

// rawValue gives a value the type that its text is of.
func rawValue(raw []byte, oid uint32) any {
	if raw == nil {
		return nil
	}
	text := string(raw)
	switch oid {
	case 16:
		return text == "t"
	case 20, 21, 23, 26:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case 700, 701:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	case 17:
		if b, err := hex.DecodeString(strings.TrimPrefix(text, `\x`)); err == nil {
			return b
		}
	case 1114, 1184:
		if t, ok := sqlquery.Moment(text); ok {
			return t
		}
	}
	return text
}
