package main

import (
	"context"
	"os"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
)

type lakeSync struct {
	Folder  string   `arg:"" name:"dir" help:"The folder."`
	Path    string   `help:"The part of the lake that belongs to the folder (default: all)." placeholder:"PATH"`
	Delete  bool     `help:"Remove on one side what was removed on the other."`
	Prefer  string   `help:"Who wins where both changed: folder or lake (default: neither)." enum:"folder,lake," default:"" placeholder:"SIDE"`
	Exclude []string `sep:"none" help:"Names or paths in the folder to leave out, as in *.tmp; may be repeated." placeholder:"PATTERN"`
	DryRun  bool     `help:"Tell what would be done, and do nothing."`
}

// Run brings both sides together. It ends with 1 when something was left as it
// was because both sides changed, or the lake does not take it.
func (l *lakeSync) Run(ctx context.Context, p *program, c *cli) error {
	folder, err := os.OpenRoot(l.Folder)
	if err != nil {
		return errs.Wrap(errs.NotFound, err, "the folder cannot be opened; make it if it is new")
	}
	defer folder.Close()
	return c.Lake.with(ctx, p, true, func(files *lake.Service) error {
		steps, err := files.Sync(ctx, folder, lake.SyncOptions{
			Path: l.Path, Delete: l.Delete, Prefer: lake.Side(l.Prefer), Exclude: l.Exclude, DryRun: l.DryRun,
		})
		if told := p.tellSteps(steps); told != nil {
			return told
		}
		if err != nil {
			return err
		}
		for _, s := range steps {
			if s.Action == lake.Conflict || s.Action == lake.Refuse {
				return failed(exitFailure)
			}
		}
		return nil
	})
}

// explained says what people need to know about an action beyond its name.
var explained = map[lake.Action]string{
	lake.Keep:     "removed on one side; --delete removes it on the other",
	lake.Conflict: "changed on both sides; --prefer folder|lake decides",
}

func (p *program) tellSteps(steps []lake.Step) error {
	if p.json {
		if steps == nil {
			steps = []lake.Step{}
		}
		return writeJSON(p.stdout, steps)
	}
	for _, s := range steps {
		why := s.Why
		if why == "" {
			why = explained[s.Action]
		}
		if why != "" {
			why = "  (" + line(why) + ")"
		}
		p.print("%-8s  %s%s", s.Action, line(s.Name), why)
	}
	if len(steps) == 0 {
		p.print("nothing to do")
		return nil
	}
	return nil
}
