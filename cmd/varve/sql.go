package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
)

type sqlCommand struct {
	Statement string        `arg:"" optional:"" help:"One SELECT; without it, or with -, it is read from standard input."`
	Database  string        `help:"Which database of the server or of varve.yaml (default: default)." placeholder:"NAME"`
	Key       string        `config:"" help:"The API key for a server that --url names; better in VARVE_KEY, where other users do not see it." placeholder:"KEY"`
	Format    string        `help:"table, csv, json, parquet or arrow (default: what the name of the file says, else table)." enum:",table,csv,json,parquet,arrow" default:"" placeholder:"FORM"`
	Output    string        `short:"o" help:"Write to this file." placeholder:"FILE"`
	Time      time.Duration `help:"How long the statement may take." default:"30s" placeholder:"TIME"`
	Rows      int           `help:"How many rows the answer may have; -1: any, unless a server answers." default:"1000000" placeholder:"N"`
	Engine    bool          `help:"Tell who answers, on standard error."`
}

// Run asks and writes the answer.
func (s *sqlCommand) Run(ctx context.Context, p *program) (err error) {
	form, err := s.form(p)
	if err != nil {
		return usage{err}
	}
	statement, err := s.statement(p.stdin)
	if err != nil {
		return err
	}
	at, err := p.find(ctx, s.Database, p.openExisting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	if at.server != nil {
		return s.remote(ctx, p, at.server, statement, form)
	}
	return s.local(ctx, p, at.db, statement, form)
}

func (s *sqlCommand) local(ctx context.Context, p *program, db *varve.DB, statement string, form analytics.Form) error {
	if s.Engine {
		name, err := db.Analytics().Engine(ctx)
		if err != nil {
			return err
		}
		p.say("answered by %s", name)
	}
	rows, err := db.Analytics().Query(ctx, analytics.Question{SQL: statement, Limits: analytics.Limits{Time: s.Time, Rows: s.Rows}})
	if err != nil {
		return err
	}
	defer rows.Close()
	return s.write(p, func(w *os.File) error {
		if w != nil && form.IsFile() {
			return rows.WriteFile(ctx, w.Name(), form)
		}
		if w != nil {
			return rows.Write(ctx, w, form)
		}
		return rows.Write(ctx, p.stdout, form)
	})
}

func (s *sqlCommand) remote(ctx context.Context, p *program, c *client.Client, statement string, form analytics.Form) error {
	answer, err := c.Ask(ctx, client.Question{SQL: statement, Format: string(form), Rows: s.Rows, Time: s.Time})
	if err != nil {
		return err
	}
	defer answer.Close()
	if s.Engine {
		p.say("answered by %s", answer.Engine)
	}
	return s.write(p, func(w *os.File) error {
		to := p.stdout
		if w != nil {
			to = w
		}
		if _, err := io.Copy(to, answer); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the answer was cut off")
		}
		return nil
	})
}

// form is the one that was asked for, or that the file's name says.
func (s *sqlCommand) form(p *program) (analytics.Form, error) {
	ext := strings.TrimPrefix(filepath.Ext(s.Output), ".")
	form := analytics.Form(s.Format)
	switch {
	case form == "" && p.json:
		form = analytics.JSON
	case form == "" && (ext == "csv" || ext == "json" || ext == "parquet"):
		form = analytics.Form(ext)
	case form == "" && (ext == "arrow" || ext == "arrows" || ext == "feather"):
		form = analytics.Arrow
	case form == "":
		form = analytics.Table
	}
	if form == analytics.Arrow && s.Output != "" && ext != "arrows" {
		form = analytics.ArrowFile // Arrow's own names: x.arrow is a file, x.arrows a stream
	}
	if form.Binary() && s.Output == "" && terminal(p.stdout) {
		return "", errs.Field(errs.Invalid, "output", "%s is nothing for a terminal: name a file with -o", form)
	}
	return form, nil
}

func (s *sqlCommand) statement(stdin io.Reader) (string, error) {
	if s.Statement != "" && s.Statement != "-" {
		return s.Statement, nil
	}
	text, err := io.ReadAll(io.LimitReader(stdin, analytics.MaxText+1))
	if err != nil {
		return "", errs.Wrap(errs.Unavailable, err, "standard input cannot be read")
	}
	return string(text), nil
}

// write has the answer written: to a new file, which appears whole or not at
// all, or with nil to standard output.
func (s *sqlCommand) write(p *program, answer func(*os.File) error) error {
	if s.Output == "" {
		return answer(nil)
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.Output), ".varve-sql-*")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the file cannot be written")
	}
	defer os.Remove(tmp.Name())
	// A temporary file is its maker's alone, and this is to become a file like
	// any other.
	if err := errors.Join(answer(tmp), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.Output)
}
