package main

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/server"
)

type sweepCommand struct {
	DryRun bool `help:"Delete nothing; tell what would be."`
}

// swept is the command's answer.
type swept struct {
	DryRun bool `json:"dryRun,omitempty"`
	chat.Swept
	Named []string `json:"named"`
}

// Run deletes the bytes that no element names.
func (s *sweepCommand) Run(ctx context.Context, p *program, c *cli) error {
	return c.Chat.keeper(ctx, p, func(k server.Keeper) (err error) {
		out := swept{DryRun: s.DryRun, Named: []string{}}
		out.Swept, err = k.SweepFiles(ctx, s.DryRun, func(key string) {
			out.Named = append(out.Named, key)
			if !p.json {
				fmt.Fprintln(p.stdout, line(key))
			}
		})
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, out)
		}
		verb := "deleted"
		if s.DryRun {
			verb = "to delete"
		}
		p.say("%s: %d files with %s", verb, out.Files, size(out.Bytes))
		if out.Waiting > 0 {
			p.say("waiting: %d uploads of the last day, whose element may still come", out.Waiting)
		}
		return nil
	})
}
