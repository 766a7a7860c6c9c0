package main

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
)

type retainCommand struct {
	OlderThan string   `help:"Delete what was last used longer ago: 90d, 36h (default: the setting retain)." placeholder:"AGE"`
	Tag       []string `help:"Only threads with this tag; can be repeated." placeholder:"TAG"`
	DryRun    bool     `help:"Delete nothing; tell what would be."`
}

// Run deletes what is old, by one rule of the command line or by the settings.
func (r *retainCommand) Run(ctx context.Context, p *program, c *cli) error {
	rules, err := r.rules(p)
	if err != nil {
		return usage{err}
	}
	return c.Chat.keeper(ctx, p, func(k server.Keeper) error {
		ids := []string{}
		done, err := k.Retain(ctx, rules, r.DryRun, func(t chat.Thread) {
			ids = append(ids, t.ID)
			if !p.json {
				fmt.Fprintln(p.stdout, line(t.ID))
			}
		})
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, map[string]any{"threads": done.Threads, "undated": done.Undated, "ids": ids})
		}
		verb := "deleted"
		if r.DryRun {
			verb = "to delete"
		}
		fmt.Fprintf(p.stderr, "%s: %d threads\n", verb, done.Threads)
		if done.Undated > 0 {
			fmt.Fprintf(p.stderr, "kept: %d threads that nothing tells the age of\n", done.Undated)
		}
		return nil
	})
}

func (r *retainCommand) rules(p *program) (rules []chat.Retention, err error) {
	if r.OlderThan == "" {
		if len(r.Tag) > 0 || len(p.config.Retain) == 0 {
			return nil, errs.Field(errs.Invalid, "older-than", "is missing, and the setting `retain` says nothing")
		}
		return p.config.Retain, nil
	}
	age, err := chat.ParseAge(r.OlderThan)
	if err != nil {
		return nil, errs.Field(errs.Invalid, "older-than", "%s", err)
	}
	if len(r.Tag) == 0 {
		return []chat.Retention{{Age: age}}, nil
	}
	for _, tag := range r.Tag {
		rules = append(rules, chat.Retention{Tag: tag, Age: age})
	}
	return rules, nil
}
