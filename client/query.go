package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/server/wire"
)

// Query is the databackend of a server: what query.Service does, over HTTP. A
// raw question's numbers are int64 and float64 as they are written, its times
// and bytes are text.
func (c *Client) Query() *Query { return &Query{c: c} }

// Query asks a server about its tables. It is safe for concurrent use.
type Query struct {
	c        *Client
	mu       sync.Mutex
	features *query.Features
}

// Execute answers a question, or changes rows; see [query.Service.Execute].
func (q *Query) Execute(ctx context.Context, question query.Question) (*query.Result, error) {
	asked, err := sendable(question.Query())
	if err != nil {
		return nil, err
	}
	answer, err := q.ask(ctx, asked)
	if err != nil {
		return nil, err
	}
	defer answer.body.Close()
	if answer.head.Columns == nil {
		return &query.Result{IDs: append([]string{}, answer.head.IDs...), Created: answer.head.Created}, nil
	}
	// A short answer is read now, so that nobody has to close anything; a long
	// one is asked for again as it is gone through.
	var short [][]any
	for values, err := range answer.rows(ctx) {
		if err != nil {
			return query.NewResult(answer.head.Columns, failing(err)), nil
		}
		if short = append(short, values); answer.read > atOnce {
			return query.NewResult(answer.head.Columns, q.again(ctx, asked)), nil
		}
	}
	return query.NewResult(answer.head.Columns, func(yield func([]any, error) bool) {
		rows := short
		if rows == nil {
			q.again(ctx, asked)(yield)
			return
		}
		short = nil
		for _, values := range rows {
			if !yield(values, nil) {
				return
			}
		}
	}), nil
}

// sendable is a query as JSON can carry it: with the types of those columns
// that would look like others there, and without text that JSON cannot hold.
func sendable(q query.Query) (query.Query, error) {
	if q.Insert == nil || len(q.Insert.Rows) == 0 {
		return q, nil
	}
	insert := *q.Insert
	insert.Rows = slices.Clone(insert.Rows)
	for i, row := range insert.Rows {
		for name, value := range row {
			if err := carried(value); err != nil {
				return q, errs.Field(errs.KindOf(err), fmt.Sprintf("rows[%d].%s", i, name), "%s", err)
			}
			if f, ok := value.(float64); ok && math.Abs(f) > 1<<53 {
				// JSON would round its digits and write it as a whole number.
				insert.Rows[i] = maps.Clone(insert.Rows[i])
				insert.Rows[i][name] = json.Number(strconv.FormatFloat(f, 'e', -1, 64))
			}
		}
	}
	if insert.Types == nil {
		insert.Types = typesOf(insert.Rows)
	}
	q.Insert = &insert
	return q, nil
}

// carried refuses what would arrive as something else, or not at all.
func carried(value any) error {
	t, known := query.InferType(value)
	if _, raw := value.(json.RawMessage); raw {
		t, known = query.Type{Kind: query.JSON}, true // whatever it says must be well-formed
	}
	if !known {
		return nil
	}
	_, err := t.Value(value)
	return err
}

func typesOf(rows []query.Row) map[string]query.Type {
	types := map[string]query.Type{}
	for name := range rows[0] {
		for _, row := range rows {
			t, known := query.InferType(row[name])
			if !known {
				continue
			}
			switch t.Kind {
			case query.Time, query.Bytes, query.Vector, query.Tensor:
				types[name] = t
			}
			break
		}
	}
	return types
}

// atOnce is how many bytes of rows are read before they are asked for.
const atOnce = 1 << 20

func failing(err error) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) { yield(nil, err) }
}

func (q *Query) again(ctx context.Context, asked query.Query) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		answer, err := q.ask(ctx, asked)
		if err != nil {
			yield(nil, err)
			return
		}
		defer answer.body.Close()
		answer.rows(ctx)(yield)
	}
}

// answer is one that comes line by line.
type answer struct {
	head wire.Head
	body io.ReadCloser
	from *bufio.Reader
	read int
}

func (q *Query) ask(ctx context.Context, asked query.Query) (*answer, error) {
	response, err := q.c.send(ctx, request{method: http.MethodPost, path: "/v1/execute", body: asked, accept: wire.TypeLines})
	if err != nil {
		return nil, err
	}
	a := &answer{body: response.Body, from: bufio.NewReaderSize(response.Body, 64<<10)}
	line, err := a.line(ctx)
	if err == nil {
		if failed := json.Unmarshal(line, &a.head); failed != nil {
			err = errs.Wrap(errs.Internal, failed, "the server's answer cannot be understood")
		}
	}
	if err != nil {
		a.body.Close()
		return nil, err
	}
	return a, nil
}

func (a *answer) line(ctx context.Context) ([]byte, error) {
	line, err := a.from.ReadBytes('\n')
	a.read += len(line)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, lost(ctx, err)
	}
	return line, nil
}

// rows are the lines between the head and the end.
func (a *answer) rows(ctx context.Context) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for {
			line, err := a.line(ctx)
			var values []any
			if err == nil {
				values, err = a.decode(line)
			}
			if errors.Is(err, errEnd) {
				return
			}
			if !yield(values, err) || err != nil {
				return
			}
		}
	}
}

var errEnd = errors.New("the end of the answer")

// decode reads a line: a list of values, or the end.
func (a *answer) decode(line []byte) ([]any, error) {
	if bytes.HasPrefix(line, []byte("{")) {
		var end wire.End
		if err := json.Unmarshal(line, &end); err != nil || !end.End && end.Problem == nil {
			return nil, errs.New(errs.Internal, "the server's answer cannot be understood")
		}
		if end.Problem != nil {
			return nil, end.Problem.Err()
		}
		return nil, errEnd
	}
	var cells []json.RawMessage
	if err := json.Unmarshal(line, &cells); err != nil || len(cells) != len(a.head.Columns) {
		return nil, errs.New(errs.Internal, "the server's answer cannot be understood")
	}
	values := make([]any, len(cells))
	for i, cell := range cells {
		var err error
		if t := a.head.Columns[i].Type; t.Kind == "" {
			values[i], err = untyped(cell)
		} else if values[i], err = t.Value(cell); err == nil && string(cell) == "null" {
			values[i] = nil
		}
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

// untyped reads a value whose column has no type.
func untyped(cell json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(cell))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errs.Wrap(errs.Internal, err, "the server's answer cannot be understood")
	}
	n, ok := v.(json.Number)
	if !ok {
		return v, nil
	}
	if strings.ContainsAny(n.String(), ".eE") {
		return n.Float64()
	}
	return n.Int64()
}

// Tables lists what may be read; see [query.Service.Tables].
func (q *Query) Tables(ctx context.Context) ([]query.Table, error) {
	out, err := get[struct{ Data []query.Table }](ctx, q.c, "/v1/tables", nil)
	return out.Data, err
}

// Describe tells about one table. errs.NotFound.
func (q *Query) Describe(ctx context.Context, name string) (query.Table, error) {
	return get[query.Table](ctx, q.c, "/v1/tables/"+segment(name), nil)
}

// CreateTable makes a table; see [query.Service.CreateTable].
func (q *Query) CreateTable(ctx context.Context, t query.Table) (made query.Table, err error) {
	if t.Name == "" {
		return made, errs.Field(errs.Invalid, "table", "has no name")
	}
	err = q.c.do(ctx, request{method: http.MethodPut, path: "/v1/tables/" + segment(t.Name), body: t}, &made)
	return made, err
}

// DropTable drops a table that was made here. errs.NotFound.
func (q *Query) DropTable(ctx context.Context, name string) error {
	return q.c.do(ctx, request{method: http.MethodDelete, path: "/v1/tables/" + segment(name)}, nil)
}

// Features tells what the database can do; nothing, where the server does not
// answer. It is asked once.
func (q *Query) Features() query.Features {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.features == nil {
		out, err := get[wire.Databackend](context.Background(), q.c, "/v1/databackend", nil)
		if err != nil {
			return query.Features{}
		}
		q.features = &out.Features
	}
	return *q.features
}
