package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
)

type sqlCommand struct {
	Statement string        `arg:"" optional:"" help:"One SELECT; without it, or with -, it is read from standard input."`
	Database  string        `help:"Which database of varve.yaml (default: default)." placeholder:"NAME"`
	Format    string        `help:"table, csv, json, parquet or arrow (default: what the name of the file says, else table)." enum:",table,csv,json,parquet,arrow" default:"" placeholder:"FORM"`
	Output    string        `short:"o" help:"Write to this file." placeholder:"FILE"`
	Time      time.Duration `help:"How long the statement may take." default:"30s" placeholder:"TIME"`
	Rows      int           `help:"How many rows the answer may have; -1: any." default:"1000000" placeholder:"N"`
	Engine    bool          `help:"Tell who answers, on standard error."`
}

// Run asks and writes the answer.
func (s *sqlCommand) Run(ctx context.Context, p *program) (err error) {
	form, err := s.form(p.json)
	if err != nil {
		return usage{err}
	}
	statement, err := s.statement(p.stdin)
	if err != nil {
		return err
	}
	if isServer(p.config.URL) {
		return errs.Field(errs.Unsupported, "url", "a server answers no SQL; name the database itself, or its folder with --data")
	}
	d, known := findDatabase(p.config, s.Database)
	if !known {
		return unknownDatabase(d.Name)
	}
	db, err := p.openExisting(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
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
	return s.write(ctx, p, rows, form)
}

// form is the one that was asked for, or that the file's name says.
func (s *sqlCommand) form(json bool) (analytics.Form, error) {
	form := analytics.Form(s.Format)
	if form == "" {
		switch ext := strings.TrimPrefix(filepath.Ext(s.Output), "."); ext {
		case "csv", "json", "parquet", "arrow":
			form = analytics.Form(ext)
		default:
			form = analytics.Table
		}
		if json {
			form = analytics.JSON
		}
	}
	if form.InFile() && s.Output == "" {
		return "", errs.Field(errs.Invalid, "output", "%s is written to a file: name it with -o", form)
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

// write writes the answer. A file appears whole or not at all.
func (s *sqlCommand) write(ctx context.Context, p *program, rows *analytics.Rows, form analytics.Form) error {
	if s.Output == "" {
		return rows.Write(p.stdout, form)
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.Output), ".varve-sql-*")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the file cannot be written")
	}
	defer os.Remove(tmp.Name())
	if form.InFile() {
		err = rows.WriteFile(ctx, tmp.Name(), form)
	} else {
		err = rows.Write(tmp, form)
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.Output)
}
