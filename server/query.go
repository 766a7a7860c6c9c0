package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

// executeRoute is asked by those who read too.
const executeRoute = "/v1/execute"

// questionBody describes a question for people who read the document; what is
// decoded is a query.Query, strictly.
type questionBody struct {
	Select map[string]any `json:"select,omitempty" doc:"rows: from, columns, where, join, order, limit, offset"`
	Insert map[string]any `json:"insert,omitempty" doc:"new rows: into, rows"`
	Update map[string]any `json:"update,omitempty" doc:"new values: table, set, where, all"`
	Delete map[string]any `json:"delete,omitempty" doc:"rows to remove: from, where, all"`
	Raw    map[string]any `json:"raw,omitempty" doc:"a statement in the database's own language: sql, args"`
}

// question is what is asked: in the JSON form, or as a text in JSON.
type question query.Query

// UnmarshalJSON implements json.Unmarshaler.
func (q *question) UnmarshalJSON(raw []byte) (err error) {
	if raw = bytes.TrimSpace(raw); !bytes.HasPrefix(raw, []byte{'"'}) {
		return (*query.Query)(q).UnmarshalJSON(raw)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errs.Field(errs.Invalid, "query", "is not valid JSON")
	}
	parsed, err := query.Parse(text)
	*q = question(parsed)
	var wrong *errs.Error
	if errors.As(err, &wrong) {
		return errs.Field(wrong.Kind, wrong.Field, "%s", quoted.ReplaceAllString(wrong.Detail, "$1"))
	}
	return err
}

// quoted is the piece of a question that an error of its text shows: values
// may stand in it.
var quoted = regexp.MustCompile(`^(character \d+), before "(?:[^"\\]|\\.)*"`)

// answerBody is the answer to a question: columns and rows, or ids.
type answerBody struct {
	wire.Head
	Rows []json.RawMessage `json:"rows,omitempty" doc:"objects by the names of the columns"`
}

type dataTablePath struct {
	Table string `path:"table" doc:"the name of a table"`
}

type dataTables struct {
	Data []query.Table `json:"data"`
}

func (s *Server) queryRoutes() {
	const all, one, tag = "/v1/tables", "/v1/tables/{table}", "data"
	ask := with(op("execute", http.MethodPost, executeRoute, tag, "Answer a question about tables, or change their rows"), jsonBody[questionBody](s.api))
	ask.Responses = answers("200", wire.TypeJSON, s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[answerBody](), true, ""))
	ask.Responses["200"].Content[wire.TypeLines] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString,
		Description: "the answer's head without rows, then a list of values a line in the order of columns, then a line with end: true or with a problem"}}
	ask.DefaultStatus = http.StatusOK
	describe[struct{}, struct{}](s, ask)
	s.plainHandler("POST "+executeRoute, s.execute)
	reply(s, op("get-databackend", http.MethodGet, "/v1/databackend", tag, "What the database of the tables can do"), s.getDatabackend)
	reply(s, op("list-data-tables", http.MethodGet, all, tag, "The tables that may be asked about, by name"), s.listDataTables)
	reply(s, op("get-data-table", http.MethodGet, one, tag, "One table: its columns and its key"), s.getDataTable)
	reply(s, with(op("create-data-table", http.MethodPut, one, tag, "Make a table"), jsonBody[query.Table](s.api)), s.createDataTable)
	done(s, op("drop-data-table", http.MethodDelete, one, tag, "Drop a table that was made here, with its rows"), s.dropDataTable)
}

// data is the databackend as the caller may use it.
func (c *call) data() (*query.Service, error) {
	if c.db.Query == nil {
		return nil, errs.New(errs.Unsupported, "this database answers no questions about tables")
	}
	switch {
	case c.actor != "":
		return c.db.Query.As(c.actor), nil
	case !c.may(keys.Admin):
		return c.db.Query.Withholding(withheld), nil
	}
	return c.db.Query, nil
}

// withheld keeps other people's rows from keys that may not see everybody's, as
// the rooms do that these tables show.
func withheld(t query.Table) error {
	switch {
	case t.Owner != "":
		return errs.Field(errs.Forbidden, "table", "%s", owned(t.Name))
	case holdsFiles(t.Name):
		return errFiles
	}
	return nil
}

// execute answers a question. Rows come whole, or line by line to those who
// take that.
func (s *Server) execute(ctx context.Context, c *call) error {
	data, err := c.data()
	if err != nil {
		return err
	}
	var asked question
	if err := s.body(c, &asked); err != nil {
		return err
	}
	q := query.Query(asked)
	switch {
	case q.Raw != nil && !c.may(keys.Admin):
		return errs.New(errs.Forbidden, "a question in the database's own language sees everything: it is for keys with the scope %q", keys.Admin)
	case q.Raw != nil && open(data.Features()):
		return errOpen
	case q.Select == nil && q.Raw == nil && !c.may(keys.Write):
		return errs.New(errs.Forbidden, "the API key lacks the scope %q", keys.Write)
	}
	result, err := data.Execute(ctx, q)
	if err != nil {
		return err
	}
	head := wire.Head{Columns: result.Columns, IDs: result.IDs, Created: result.Created}
	if strings.Contains(c.r.Header.Get("Accept"), wire.TypeLines) {
		return s.lines(c, head, result)
	}
	return whole(c, head, result)
}

// open tells whether a raw question would read what Varve keeps for itself,
// such as the secret that signs cursors and links. Nobody should get that over
// a wire, whatever their key may do.
func open(f query.Features) bool { return f.Raw && !f.Confined }

var errOpen = errs.New(errs.Unsupported, "in this database's own language a question would also read what Varve keeps for itself, so a server does not ask it; ask in SQL with POST /v1/sql (varve sql), or let a Go program that opens the database ask with db.Execute")

// whole sends an answer that is in memory before any of it leaves, so that a
// failure is a failure.
func whole(c *call, head wire.Head, result *query.Result) error {
	raw, err := json.Marshal(head)
	if err != nil {
		return errs.Wrap(errs.Internal, err, "the answer cannot be written")
	}
	var answer bounded
	if result.Columns == nil {
		answer.Buffer.Write(raw)
	} else {
		answer.Buffer.Write(raw[:len(raw)-1])
		if err := rows(&answer, result); err != nil {
			return err
		}
	}
	c.Header().Set("Content-Type", wire.TypeJSON)
	c.Header().Set("Content-Length", strconv.Itoa(answer.Len()))
	_, err = c.Write(answer.Bytes())
	return err
}

// rows writes the member that goes on where the head ends.
func rows(w *bounded, result *query.Result) error {
	w.WriteString(`,"rows":[`)
	separator := ""
	for values, err := range result.Values() {
		if err != nil {
			return err
		}
		row, err := query.EncodeRow(result.Columns, values)
		if err != nil {
			return err
		}
		w.WriteString(separator)
		if _, err := w.Write(row); err != nil {
			return err
		}
		separator = ",\n"
	}
	w.WriteString(`]}`)
	return nil
}

// lines sends an answer as it is read. The last line tells how it ended, since
// the status has left by then.
func (s *Server) lines(c *call, head wire.Head, result *query.Result) error {
	c.Header().Set("Content-Type", wire.TypeLines)
	w := bufio.NewWriterSize(c, 64<<10)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(head); err != nil {
		return err
	}
	end := wire.End{End: true}
	for values, err := range result.Values() {
		if err == nil {
			var row json.RawMessage
			if row, err = query.EncodeValues(values); err == nil {
				if _, err := w.Write(append(row, '\n')); err != nil {
					return err // nobody reads any more
				}
				continue
			}
		}
		end = wire.End{Problem: &s.tell(c, err).Problem}
		break
	}
	if err := e.Encode(end); err != nil {
		return err
	}
	return w.Flush()
}

func (s *Server) getDatabackend(_ context.Context, c *call, _ *struct{}) (wire.Databackend, error) {
	data, err := c.data()
	if err != nil {
		return wire.Databackend{}, err
	}
	told := wire.Databackend{Features: data.Features()}
	told.Features.Raw = told.Features.Raw && !open(told.Features)
	if c.actor == "" {
		told.Parts = c.db.Parts
	}
	return told, nil
}

func (s *Server) listDataTables(ctx context.Context, c *call, _ *struct{}) (dataTables, error) {
	data, err := c.data()
	if err != nil {
		return dataTables{}, err
	}
	list, err := data.Tables(ctx)
	if list == nil {
		list = []query.Table{}
	}
	return dataTables{list}, err
}

func (s *Server) getDataTable(ctx context.Context, c *call, in *dataTablePath) (query.Table, error) {
	data, err := c.data()
	if err != nil {
		return query.Table{}, err
	}
	return data.Describe(ctx, in.Table)
}

func (s *Server) createDataTable(ctx context.Context, c *call, in *dataTablePath) (query.Table, error) {
	data, err := c.data()
	if err != nil {
		return query.Table{}, err
	}
	var t query.Table
	if err := s.body(c, &t); err != nil {
		return query.Table{}, err
	}
	if t.Name == "" {
		t.Name = in.Table
	}
	if t.Name != in.Table {
		return query.Table{}, errs.Field(errs.Invalid, "table", "is not the one of the path")
	}
	return data.CreateTable(ctx, t)
}

func (s *Server) dropDataTable(ctx context.Context, c *call, in *dataTablePath) error {
	if !c.may(keys.Admin) {
		return errs.New(errs.Forbidden, "tables are dropped by keys with the scope %q", keys.Admin)
	}
	data, err := c.data()
	if err != nil {
		return err
	}
	return data.DropTable(ctx, in.Table)
}
