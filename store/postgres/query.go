package postgres

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// row is a row in PostgreSQL's text form, which is what the core decodes.
type row [][]byte

// Text implements sqlcore.Row.
func (r row) Text(i int) (string, bool) { return string(r[i]), r[i] != nil }

// text is column i, "" when NULL; flag is column i as a boolean.
func (r row) text(i int) string { return string(r[i]) }
func (r row) flag(i int) bool   { return len(r[i]) == 1 && r[i][0] == 't' }

// session is a connection and how statements are sent over it.
type session struct {
	*pgx.Conn
	// prepare has the server keep statements under names, which saves most of
	// their planning. It is off behind a pooler, which lends the server
	// connection to somebody else next.
	prepare bool
}

// run sends all queries at once and reads the answers: one round trip, and one
// transaction unless the connection is in one already. Parameters go as text
// whose types the server infers, so that nothing has to be asked before.
func run(ctx context.Context, c session, queries ...sqlcore.Query) error {
	if len(queries) == 1 {
		return single(ctx, c, queries[0])
	}
	var batch pgconn.Batch
	for _, q := range queries {
		values, err := encode(q.Args)
		if err != nil {
			return err
		}
		if !c.prepare {
			batch.ExecParams(q.SQL, values, nil, nil, nil)
			continue
		}
		// The driver remembers what it prepared on this connection, by text.
		known, err := c.Prepare(ctx, q.SQL, q.SQL)
		if err != nil {
			return err
		}
		batch.ExecPrepared(known.Name, values, nil, nil)
	}
	answers := c.PgConn().ExecBatch(ctx, &batch)
	var failed error
	for i := 0; failed == nil && answers.NextResult(); i++ {
		failed = each(answers.ResultReader(), queries[i].Each)
	}
	if err := answers.Close(); err != nil {
		return err
	}
	return failed
}

// single is run for one query, without the bookkeeping of several.
func single(ctx context.Context, c session, q sqlcore.Query) error {
	values, err := encode(q.Args)
	if err != nil {
		return err
	}
	if !c.prepare {
		return each(c.PgConn().ExecParams(ctx, q.SQL, values, nil, nil, nil), q.Each)
	}
	known, err := c.Prepare(ctx, q.SQL, q.SQL)
	if err != nil {
		return err
	}
	return each(c.PgConn().ExecPrepared(ctx, known.Name, values, nil, nil), q.Each)
}

func each(answer *pgconn.ResultReader, fn func(sqlcore.Row) error) (failed error) {
	for answer.NextRow() {
		if fn != nil && failed == nil {
			failed = fn(row(answer.Values()))
		}
	}
	if _, err := answer.Close(); err != nil {
		return err
	}
	return failed
}

// encode brings arguments into the text form of parameters.
func encode(args []any) ([][]byte, error) {
	values := make([][]byte, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case nil:
		case string:
			values[i] = []byte(arg)
		case int64:
			values[i] = strconv.AppendInt(nil, arg, 10)
		case int:
			values[i] = strconv.AppendInt(nil, int64(arg), 10)
		case bool:
			values[i] = strconv.AppendBool(nil, arg)
		case float64:
			values[i] = strconv.AppendFloat(nil, arg, 'g', -1, 64)
		case []byte:
			values[i] = hex.AppendEncode([]byte(`\x`), arg)
		case time.Time:
			values[i] = []byte(arg.UTC().Format("2006-01-02T15:04:05.999999Z"))
		case []string:
			values[i] = array(arg)
		default:
			return nil, errs.New(errs.Internal, "a parameter of type %T cannot be sent", arg)
		}
	}
	return values, nil
}

// array is PostgreSQL's literal for a list of texts.
func array(list []string) []byte {
	var b strings.Builder
	b.WriteByte('{')
	for i, item := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(arrayEscaper.Replace(item))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return []byte(b.String())
}

var arrayEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
