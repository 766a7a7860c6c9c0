package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/yaml"
	"github.com/varvedb/varve/errs"
)

type showComponents struct {
	catalogue
	Type       string `arg:"" optional:"" help:"Only of this type: model, listener, table, …"`
	Identifier string `arg:"" optional:"" help:"The versions of this component."`
	Version    string `arg:"" optional:"" help:"What is stored of this version: a number, or newest."`
	UUID       string `name:"uuid" help:"What is stored of the version with this UUID." placeholder:"UUID"`
	Hidden     bool   `help:"Hidden versions too."`
}

// Run shows as much as it is asked: all components, those of a type, the
// versions of one, or the record of a version.
func (s *showComponents) Run(ctx context.Context, p *program) error {
	w, err := componentNamed(s.Type, s.Identifier, s.Version)
	if err != nil {
		return err
	}
	w.UUID, w.Hidden = s.UUID, s.Hidden
	return s.with(ctx, p, p.openExisting, func(at registered) error {
		if p.json {
			found, err := at.Show(ctx, w)
			if err != nil {
				return err
			}
			return writeJSON(p.stdout, found)
		}
		return s.print(ctx, p, at, w)
	})
}

func (s *showComponents) print(ctx context.Context, p *program, at registered, w component.Which) error {
	switch {
	case w.UUID != "" || w.Version != nil:
		raw, err := at.Record(ctx, w)
		if err != nil {
			return err
		}
		return p.show(func(w io.Writer) error { return yaml.WriteJSON(w, raw) })
	case w.Identifier != "":
		return s.printVersions(ctx, p, at)
	}
	list, err := at.List(ctx, w.Type, w.Hidden)
	if err != nil {
		return err
	}
	rows := [][]string{{"TYPE", "IDENTIFIER", "STATUS"}}
	for _, l := range list {
		rows = append(rows, []string{l.Type, l.Identifier, statusOf(l.Status, l.Reason)})
	}
	return writeTable(p.stdout, rows, "no components")
}

func (s *showComponents) printVersions(ctx context.Context, p *program, at registered) error {
	list, err := at.Versions(ctx, s.Type, s.Identifier, s.Hidden)
	if err != nil {
		return err
	}
	now := time.Now()
	rows := [][]string{{"VERSION", "STATUS", "UUID", "CREATED", "UPDATED"}}
	for _, v := range list {
		state := statusOf(v.Status, v.Reason)
		if v.Hidden {
			state = "hidden"
		}
		rows = append(rows, []string{strconv.Itoa(v.Version), state, v.UUID, ago(now, v.Created), ago(now, v.Updated)})
	}
	return writeTable(p.stdout, rows, "no versions")
}

func statusOf(s component.Status, reason string) string {
	if reason == "" {
		return string(s)
	}
	return string(s) + ": " + reason
}

type loadCommand struct {
	catalogue
	which
}

// Run prints a component with those inside it as a declaration, which apply
// takes.
func (l *loadCommand) Run(ctx context.Context, p *program) error {
	w, err := l.which.which()
	if err != nil {
		return err
	}
	return l.with(ctx, p, p.openExisting, func(at registered) error {
		c, err := at.Load(ctx, w)
		if err != nil {
			return err
		}
		if !p.json {
			return p.show(func(w io.Writer) error { return yaml.Write(w, c) })
		}
		raw, err := component.Declare(c)
		if err != nil {
			return err
		}
		if _, err := p.stdout.Write(append(raw, '\n')); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the answer cannot be written")
		}
		return nil
	})
}
