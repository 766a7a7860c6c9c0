package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

// sqlBody is a question in SQL.
type sqlBody struct {
	SQL     string            `json:"sql" doc:"one SELECT"`
	Args    []json.RawMessage `json:"args,omitempty" doc:"for each ? of the statement, in order: null, true, a number or a text"`
	Format  string            `json:"format,omitempty" enum:"json,csv,table,parquet,arrow,arrow-file" doc:"what the header Accept says when absent, else json: a list of rows by the names of columns"`
	Rows    int               `json:"rows,omitempty" doc:"how many the answer may have; 10000 when absent, at most 1000000"`
	Seconds int               `json:"seconds,omitempty" doc:"how long it may take; 30 when absent, at most 300"`
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
	for _, form := range []analytics.Form{analytics.CSV, analytics.Table, analytics.Parquet, analytics.Arrow, analytics.ArrowFile} {
		name, _, _ := strings.Cut(form.MediaType(), ";")
		ask.Responses["200"].Content[name] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
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
	q, form, err := s.question(c)
	if err != nil {
		return err
	}
	engine, err := c.db.SQL.Engine(ctx)
	if err != nil {
		return err
	}
	rows, err := c.db.SQL.Query(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, q.Time, errSQLTime)
	defer cancel()
	var answer bounded
	if err := rows.Write(ctx, &answer, form); err != nil {
		return err
	}
	c.Header().Set("Content-Type", form.MediaType())
	c.Header().Set("Content-Length", strconv.Itoa(answer.Len()))
	c.Header().Set(wire.HeaderEngine, engine)
	_, err = c.Write(answer.Bytes())
	return err
}

var errSQLTime = errs.Field(errs.TooLarge, "seconds", "the answer took longer than it may; ask for less, or raise seconds")

// question reads what is asked and in which form the answer is to be.
func (s *Server) question(c *call) (analytics.Question, analytics.Form, error) {
	var q analytics.Question
	body := sqlBody{Rows: sqlRows, Seconds: sqlSeconds}
	if err := s.body(c, &body); err != nil {
		return q, "", err
	}
	form := analytics.Form(body.Format)
	switch {
	case form == "":
		form = accepted(c.r.Header.Values("Accept"))
	case form.MediaType() == "":
		return q, "", errs.Field(errs.Invalid, "format", "must be json, csv, table, parquet, arrow or arrow-file")
	}
	if body.Rows < 1 || body.Rows > maxSQLRows {
		return q, "", errs.Field(errs.Invalid, "rows", "must be 1 to %d", maxSQLRows)
	}
	if body.Seconds < 1 || body.Seconds > maxSQLSeconds {
		return q, "", errs.Field(errs.Invalid, "seconds", "must be 1 to %d", maxSQLSeconds)
	}
	args, err := arguments(body.Args)
	return analytics.Question{SQL: body.SQL, Args: args,
		Limits: analytics.Limits{Rows: body.Rows, Time: time.Duration(body.Seconds) * time.Second}}, form, err
}

// accepted is the first form of those that a caller takes; JSON where it names
// none of ours.
func accepted(headers []string) analytics.Form {
	for _, name := range strings.Split(strings.Join(headers, ","), ",") {
		name, _, _ = strings.Cut(name, ";")
		if form := analytics.FormOf(strings.ToLower(strings.TrimSpace(name))); form != "" {
			return form
		}
	}
	return analytics.JSON
}

// arguments are the values of JSON; whole numbers stay whole.
func arguments(raw []json.RawMessage) ([]any, error) {
	args := make([]any, len(raw))
	for i, text := range raw {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			args[i] = n
			continue
		}
		if err := json.Unmarshal(text, &args[i]); err != nil {
			return nil, errs.Field(errs.Invalid, "args", "%d cannot be read", i+1)
		}
		switch args[i].(type) {
		case []any, map[string]any:
			return nil, errs.Field(errs.Invalid, "args", "%d is a list or an object; give a text, a number, true, false or null", i+1)
		}
	}
	return args, nil
}

// bounded is a buffer that takes no more than an answer may have.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxAnswer {
		return 0, errs.New(errs.TooLarge, "the answer has more than %d bytes; ask for less, or use `varve sql` beside the database", maxAnswer)
	}
	return b.Buffer.Write(p)
}
