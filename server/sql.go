package server

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
)

// sqlBody is a question in SQL.
type sqlBody struct {
	SQL     string `json:"sql" doc:"one SELECT"`
	Args    []any  `json:"args,omitempty" doc:"for each ? of the statement, in order"`
	Format  string `json:"format,omitempty" enum:"json,csv" doc:"json when absent: a list of rows by the names of columns"`
	Rows    int    `json:"rows,omitempty" doc:"how many the answer may have; 10000 when absent, at most 1000000"`
	Seconds int    `json:"seconds,omitempty" doc:"how long it may take; 30 when absent, at most 300"`
}

// What a question over HTTP may ask for. The answer is whole in memory before
// any of it leaves, so that a failure is a failure.
const (
	sqlRows, maxSQLRows       = 10_000, 1_000_000
	sqlSeconds, maxSQLSeconds = 30, 300
	maxAnswer                 = 64 << 20
)

func (s *Server) sqlRoutes() {
	ask := with(op("ask-sql", http.MethodPost, "/v1/sql", "sql", "Ask a question in SQL about everything"), jsonBody[sqlBody](s.api))
	ask.Responses = answers("200", "application/json", &huma.Schema{Type: huma.TypeArray,
		Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}})
	ask.Responses["200"].Content["text/csv"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	ask.DefaultStatus = http.StatusOK
	describe[struct{}, struct{}](s, ask)
	s.plainHandler("POST /v1/sql", s.askSQL)
}

func (s *Server) askSQL(ctx context.Context, c *call) error {
	switch {
	case c.db.SQL == nil:
		return errs.New(errs.Unsupported, "this server answers no SQL")
	case c.actor != "":
		return errs.New(errs.Forbidden, "SQL sees all users' rows, so it is not for calls that act for a user")
	case !c.may(keys.Admin):
		return errs.New(errs.Forbidden, "SQL sees everything: it is for keys with the scope %q", keys.Admin)
	}
	body := sqlBody{Format: string(analytics.JSON), Rows: sqlRows, Seconds: sqlSeconds}
	if err := s.body(c, &body); err != nil {
		return err
	}
	form := analytics.Form(body.Format)
	if form != analytics.JSON && form != analytics.CSV {
		return errs.Field(errs.Invalid, "format", "must be json or csv")
	}
	if body.Rows < 1 || body.Rows > maxSQLRows {
		return errs.Field(errs.Invalid, "rows", "must be 1 to %d", maxSQLRows)
	}
	if body.Seconds < 1 || body.Seconds > maxSQLSeconds {
		return errs.Field(errs.Invalid, "seconds", "must be 1 to %d", maxSQLSeconds)
	}
	for i, arg := range body.Args {
		if f, ok := arg.(float64); ok && f == float64(int64(f)) {
			body.Args[i] = int64(f) // JSON has one kind of number
		}
	}
	rows, err := c.db.SQL.Query(ctx, analytics.Question{SQL: body.SQL, Args: body.Args,
		Limits: analytics.Limits{Rows: body.Rows, Time: time.Duration(body.Seconds) * time.Second}})
	if err != nil {
		return err
	}
	defer rows.Close()
	var answer bounded
	if err := rows.Write(&answer, form); err != nil {
		return err
	}
	kind := "application/json"
	if form == analytics.CSV {
		kind = "text/csv; charset=utf-8"
	}
	c.Header().Set("Content-Type", kind)
	_, err = c.Write(answer.Bytes())
	return err
}

// bounded is a buffer that takes no more than an answer may have.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxAnswer {
		return 0, errs.New(errs.TooLarge, "the answer has more than %d bytes; ask for less, or use `varve sql` beside the database", maxAnswer)
	}
	return b.Buffer.Write(p)
}
