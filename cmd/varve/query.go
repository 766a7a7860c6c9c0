package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

type queryCommand struct {
	place

	Form string `enum:",json,text" default:"" help:"Ask nothing, and print the question as json or text."`

	Question []string `arg:"" optional:"" help:"What is asked, in words ('docs where n > 5 order by n') or as JSON; without it, or with -, it is read from standard input. Without anything on it, the tables are listed."`
}

// answerer is the databackend, here or at a server.
type answerer interface {
	Execute(ctx context.Context, q query.Question) (*query.Result, error)
	Tables(ctx context.Context) ([]query.Table, error)
}

// Run asks, and writes the answer or what was changed.
func (q *queryCommand) Run(ctx context.Context, p *program) (err error) {
	asked, err := q.question(p.stdin)
	if err != nil {
		return usage{err}
	}
	if q.Form != "" {
		return rewrite(p.stdout, asked, q.Form)
	}
	open := p.openExisting
	if asked != nil && asked.Insert != nil {
		open = p.openDatabase
	}
	at, err := p.find(ctx, q.Database, open)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	var data answerer
	switch {
	case at.server != nil:
		data = at.server.Query()
		if q.User != nil {
			ctx = chat.As(ctx, *q.User)
		}
	case q.User != nil:
		data = at.db.Query().As(*q.User)
	default:
		data = at.db.Query()
	}
	if asked == nil {
		return listTables(ctx, p, data)
	}
	result, err := data.Execute(ctx, *asked)
	if err != nil {
		return err
	}
	return writeAnswer(p, result)
}

// question reads what is asked; nil: nothing is.
func (q *queryCommand) question(stdin io.Reader) (*query.Query, error) {
	text := strings.Join(q.Question, " ")
	if text == "-" {
		raw, err := io.ReadAll(stdin)
		if err != nil {
			return nil, errs.Wrap(errs.Unavailable, err, "standard input cannot be read")
		}
		text = string(raw)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	parse := query.Parse
	if text[0] == '{' {
		parse = func(s string) (query.Query, error) { return query.Decode([]byte(s)) }
	}
	asked, err := parse(text)
	return &asked, err
}

// rewrite prints a question in a form.
func rewrite(w io.Writer, asked *query.Query, form string) error {
	if asked == nil {
		return errs.Field(errs.Invalid, "question", "is missing")
	}
	if form == "json" {
		return writeJSON(w, asked)
	}
	text, err := query.Format(*asked)
	if err == nil {
		_, err = fmt.Fprintln(w, text)
	}
	return err
}

func listTables(ctx context.Context, p *program, data answerer) error {
	tables, err := data.Tables(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.stdout, tables)
	}
	rows := [][]string{{"TABLE", "KEY", "OF", "COLUMNS"}}
	for _, t := range tables {
		columns := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = c.Name + " " + c.Type.String()
		}
		rows = append(rows, []string{t.Name, t.Key, t.Reserved, strings.Join(columns, ", ")})
	}
	return writeTable(p.stdout, rows, "no tables")
}

// widest is how much of a value a table in the terminal shows.
const widest = 60

// writeAnswer writes rows as they come, in JSON as a list of objects; and of a
// write the keys of its rows.
func writeAnswer(p *program, result *query.Result) error {
	if result.Columns == nil {
		if p.json {
			return writeJSON(p.stdout, struct {
				IDs     []string     `json:"ids"`
				Created *query.Table `json:"created,omitempty"`
			}{result.IDs, result.Created})
		}
		if result.Created != nil {
			p.say("the table %s was made", line(result.Created.Name))
		}
		_, err := fmt.Fprintf(p.stdout, "%d rows\n", len(result.IDs))
		return err
	}
	if p.json {
		return writeRows(p.stdout, result)
	}
	heading := make([]string, len(result.Columns))
	for i, c := range result.Columns {
		heading[i] = c.Name
	}
	rows := [][]string{heading}
	for values, err := range result.Values() {
		if err != nil {
			return err
		}
		row := make([]string, len(values))
		for i, v := range values {
			cell, err := cellOf(v)
			if err != nil {
				return err
			}
			row[i] = short(cell, widest)
		}
		rows = append(rows, row)
	}
	return writeTable(p.stdout, rows, "no rows")
}

func writeRows(w io.Writer, result *query.Result) error {
	separator := "["
	for values, err := range result.Values() {
		if err != nil {
			return err
		}
		row, err := query.EncodeRow(result.Columns, values)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", separator, row); err != nil {
			return err
		}
		separator = ",\n"
	}
	if separator == "[" {
		_, err := fmt.Fprintln(w, "[]")
		return err
	}
	_, err := fmt.Fprintln(w, "]")
	return err
}

// cellOf is a value for people: text as it is, the rest as JSON.
func cellOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	raw, err := json.Marshal(v)
	return strings.Trim(string(raw), `"`), err
}
