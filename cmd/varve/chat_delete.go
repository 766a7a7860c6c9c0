package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

type deleteCommand struct {
	Threads []string `arg:"" name:"thread" help:"The threads' ids."`
	Yes     bool     `short:"y" help:"Do not ask."`
}

// Run deletes threads in the order they are named, and ends at the first that
// is missing.
func (d *deleteCommand) Run(ctx context.Context, p *program, c *cli) error {
	return c.Chat.with(ctx, p, func(api chat.API) error {
		if err := d.confirm(ctx, p, api); err != nil {
			return err
		}
		for _, id := range d.Threads {
			if err := api.DeleteThread(ctx, id); err != nil {
				return err
			}
			if !p.json {
				fmt.Fprintln(p.stdout, "deleted", line(id))
			}
		}
		if p.json {
			return writeJSON(p.stdout, map[string]any{"deleted": d.Threads})
		}
		return nil
	})
}

// confirm asks the person at the terminal, and tells what is at stake.
func (d *deleteCommand) confirm(ctx context.Context, p *program, api chat.API) error {
	if d.Yes {
		return nil
	}
	if err := p.somebody(); err != nil {
		return err
	}
	for _, id := range d.Threads {
		t, err := api.Thread(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "%s  %s  %q, %d steps\n", line(id), line(t.UserIdentifier), line(t.Name), len(t.Steps))
	}
	return p.ask("Delete for good?", "nothing was deleted")
}

// somebody is there to be asked, or it is an error.
func (p *program) somebody() error {
	if !terminal(p.stdin) {
		return usage{errs.Field(errs.Invalid, "yes", "nobody is there to ask; say --yes")}
	}
	return nil
}

// ask asks the person at the terminal, and fails unless they say yes.
func (p *program) ask(question, otherwise string) error {
	fmt.Fprint(p.stderr, question, " [y/N] ")
	answer, _ := bufio.NewReader(p.stdin).ReadString('\n') // no answer is no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errs.New(errs.Invalid, "%s", otherwise)
}
