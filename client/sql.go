package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

// Question is one SELECT, with ? for the arguments: nil, bool, numbers,
// strings and times.
type Question struct {
	SQL  string
	Args []any
	// Format is "json" when empty, a list of rows by the names of columns, or
	// "csv", "table", "parquet", "arrow" (Arrow's stream) or "arrow-file".
	Format string
	Rows   int           // how many the answer may have; 0: 10,000. More are errs.TooLarge
	Time   time.Duration // how long it may take, in whole seconds; 0: 30 s
}

// Answer is an answer as it comes. It is to be closed.
type Answer struct {
	io.ReadCloser
	Engine string // who answered
}

// SQL asks a server one SELECT about everything it keeps, with ? for the
// arguments. Rows are by the names of columns, with numbers as JSON has them
// (float64). It needs the scope admin and acts for nobody. errs.TooLarge: more
// than 10,000 rows; see [Client.Ask] for more, and for other forms.
func (c *Client) SQL(ctx context.Context, sql string, args ...any) ([]map[string]any, error) {
	answer, err := c.Ask(ctx, Question{SQL: sql, Args: args})
	if err != nil {
		return nil, err
	}
	defer drain(answer)
	var rows []map[string]any
	if err := json.NewDecoder(answer).Decode(&rows); err != nil {
		return nil, lost(ctx, err)
	}
	return rows, nil
}

// Ask asks as SQL does and gives the answer's bytes in the form asked for. The
// server has the whole answer before it sends any of it, so that what begins
// is no failure any more.
func (c *Client) Ask(ctx context.Context, q Question) (*Answer, error) {
	if q.SQL == "" {
		return nil, errs.Field(errs.Invalid, "sql", "is empty")
	}
	args := make([]any, len(q.Args))
	for i, arg := range q.Args {
		if t, ok := arg.(time.Time); ok {
			arg = t.UTC().Format("2006-01-02 15:04:05.999999")
		}
		args[i] = arg
	}
	response, err := c.send(ctx, request{method: http.MethodPost, path: "/v1/sql", body: struct {
		SQL     string `json:"sql"`
		Args    []any  `json:"args,omitempty"`
		Format  string `json:"format,omitempty"`
		Rows    int    `json:"rows,omitempty"`
		Seconds int    `json:"seconds,omitempty"`
	}{q.SQL, args, q.Format, q.Rows, int((q.Time + time.Second - 1) / time.Second)}})
	if err != nil {
		return nil, err
	}
	return &Answer{response.Body, response.Header.Get(wire.HeaderEngine)}, nil
}
