package postgres

import (
	"context"
	"encoding/binary"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// Answers come in binary form where that is exact and short, and depends on no
// setting of the session.
func binaryForm(k query.Kind) (oid uint32, binary bool) {
	switch k {
	case query.Integer:
		return 20, true
	case query.Real:
		return 701, true
	case query.Boolean:
		return 16, true
	case query.Time:
		return 1184, true
	case query.Bytes, query.Vector, query.Tensor:
		return 17, true
	}
	return 0, false
}

// stream asks, and gives out rows until give has enough.
func (q data) stream(ctx context.Context, asked *sqlquery.Asked, give func([]any) bool) error {
	switch at := q.at.(type) {
	case outer:
		return q.streamOut(ctx, at, asked, give)
	case inner:
		return q.collect(ctx, at, asked, give)
	}
	return errs.New(errs.Internal, "this access cannot stream")
}

// drained is how many rows of an answer that was broken off are read to keep
// the connection.
const drained = 4096

func (q data) streamOut(ctx context.Context, at outer, asked *sqlquery.Asked, give func([]any) bool) error {
	c, err := q.s.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release() // closes the connection where an answer is left in it
	prepare := !q.s.pooled.Load() && q.s.seen.Often(asked.SQL)
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := begun(within, session{c.Conn(), prepare}, asked)
	if err != nil {
		return classify(err)
	}
	more, err := rows(answer, asked, give)
	if err == nil && !more {
		for n := 0; n < drained && answer.NextRow(); n++ {
		}
		cancel()
	}
	if err != nil {
		cancel()
	}
	if _, failed := answer.Close(); err == nil && more {
		err = failed
	}
	return classify(err)
}

// begun sends a question and returns its answer before it was read.
func begun(ctx context.Context, c session, asked *sqlquery.Asked) (*pgconn.ResultReader, error) {
	values, err := encode(asked.Args)
	if err != nil {
		return nil, err
	}
	formats := make([]int16, len(asked.Columns))
	for i := range asked.Columns {
		if _, binary := binaryForm(asked.Columns[i].Type.Kind); binary {
			formats[i] = 1
		}
	}
	if len(formats) == 0 {
		formats = nil
	}
	if !c.prepare {
		return c.PgConn().ExecParams(ctx, asked.SQL, values, nil, nil, formats), nil
	}
	known, err := c.Prepare(ctx, asked.SQL, asked.SQL)
	if err != nil {
		return nil, err
	}
	return c.PgConn().ExecPrepared(ctx, known.Name, values, nil, formats), nil
}

// rows reads an answer until give has enough; more: it did not.
func rows(answer *pgconn.ResultReader, asked *sqlquery.Asked, give func([]any) bool) (more bool, err error) {
	row := make([]any, len(asked.Columns))
	checked := false
	for answer.NextRow() {
		if !checked {
			if err := sameTypes(answer.FieldDescriptions(), asked); err != nil {
				return false, err
			}
			checked = true
		}
		for i, raw := range answer.Values()[:len(row)] {
			o := &asked.Columns[i]
			if row[i], err = o.Value(received(raw, o)); err != nil {
				return false, err
			}
		}
		if !give(row) {
			return false, nil
		}
	}
	return true, nil
}

// sameTypes notices that a column is of another type than is remembered.
func sameTypes(fields []pgconn.FieldDescription, asked *sqlquery.Asked) error {
	for i := range asked.Columns {
		if oid, binary := binaryForm(asked.Columns[i].Type.Kind); binary && fields[i].DataTypeOID != oid {
			return errs.Wrap(errs.Conflict, &sqlError{code: otherType}, "the column %q is of another type now; ask again", asked.Columns[i].Name)
		}
	}
	return nil
}

// received is a value as PostgreSQL sent it, as the port has it.
func received(raw []byte, o *sqlquery.Output) any {
	if raw == nil {
		return nil
	}
	_, isBinary := binaryForm(o.Type.Kind)
	switch {
	case !isBinary:
		return string(raw)
	case o.Type.Kind == query.Boolean:
		return len(raw) == 1 && raw[0] != 0
	case o.Type.Kind != query.Integer && o.Type.Kind != query.Real && o.Type.Kind != query.Time:
		return append([]byte{}, raw...)
	case len(raw) != 8:
		return struct{}{} // no value of any type
	}
	n := binary.BigEndian.Uint64(raw)
	switch o.Type.Kind {
	case query.Integer:
		return int64(n)
	case query.Real:
		return math.Float64frombits(n)
	}
	if int64(n) == math.MaxInt64 || int64(n) == math.MinInt64 { // infinity
		return struct{}{}
	}
	return time.UnixMicro(int64(n) + epoch).UTC()
}

// epoch is where PostgreSQL begins to count, in microseconds since 1970.
const epoch = 946684800_000000

// collect reads an answer whole inside a transaction, which its failure does
// not fail.
func (q data) collect(ctx context.Context, in inner, asked *sqlquery.Asked, give func([]any) bool) error {
	if err := run(ctx, in.conn, sqlcore.Query{SQL: "SAVEPOINT varve_ask"}); err != nil {
		return classify(err)
	}
	var kept [][]any
	answer, err := begun(ctx, session{in.conn.Conn, false}, asked)
	if err == nil {
		_, err = rows(answer, asked, func(row []any) bool {
			kept = append(kept, append([]any(nil), row...))
			return true
		})
		if _, failed := answer.Close(); err == nil {
			err = failed
		}
	}
	end := []sqlcore.Query{{SQL: "RELEASE varve_ask"}}
	if err != nil {
		end = []sqlcore.Query{{SQL: "ROLLBACK TO varve_ask"}, {SQL: "RELEASE varve_ask"}}
	}
	if failed := run(ctx, in.conn, end...); err == nil {
		err = failed
	}
	for i := 0; i < len(kept) && err == nil && give(kept[i]); i++ {
	}
	return classify(err)
}
