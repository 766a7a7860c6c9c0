package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
)

type eraseCommand struct {
	User   string `required:"" help:"The identifier of the person." placeholder:"USER"`
	Yes    bool   `short:"y" help:"Do not ask."`
	DryRun bool   `help:"Remove nothing; tell what would be."`
	Output string `short:"o" help:"The file for the receipt; it must not exist yet (default: standard output)." placeholder:"FILE"`
}

// keeper finds who erases and deletes in a database, wherever it is.
func (c *chatCommand) keeper(ctx context.Context, p *program, fn func(server.Keeper) error) (err error) {
	at, err := p.find(ctx, c.Database, p.openExisting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	return fn(at.keeper())
}

// keeper is who erases and deletes there.
func (f found) keeper() server.Keeper {
	if f.server != nil {
		return f.server
	}
	return f.db
}

// Run erases, and writes the receipt whether it is complete or not.
func (e *eraseCommand) Run(ctx context.Context, p *program, c *cli) error {
	return c.Chat.keeper(ctx, p, func(k server.Keeper) error {
		if e.DryRun || !e.Yes {
			report, err := e.would(ctx, p, k)
			if err != nil || e.DryRun {
				return err
			}
			if err := e.confirm(p, report); err != nil {
				return err
			}
		}
		write, err := e.receipt(p)
		if err != nil {
			return err
		}
		receipt, err := k.Erase(ctx, e.User, false)
		if err != nil {
			return errors.Join(err, write(nil))
		}
		raw, err := json.MarshalIndent(receipt, "", "  ")
		if err != nil {
			return err
		}
		if err := write(append(raw, '\n')); err != nil {
			return err
		}
		report, err := receipt.Read()
		if err != nil {
			return err
		}
		return e.told(p, report)
	})
}

// would tells what an erasure would remove.
func (e *eraseCommand) would(ctx context.Context, p *program, k server.Keeper) (r erasure.Report, err error) {
	receipt, err := k.Erase(ctx, e.User, true)
	if err != nil {
		return r, err
	}
	if r, err = receipt.Read(); err != nil || !e.DryRun {
		return r, err
	}
	if p.json {
		return r, writeJSON(p.stdout, r)
	}
	_, err = io.WriteString(p.stdout, removed(r)+kept(r))
	return r, err
}

func (e *eraseCommand) confirm(p *program, r erasure.Report) error {
	if !terminal(p.stdin) {
		return usage{errs.Field(errs.Invalid, "yes", "nobody is there to ask; say --yes, or --dry-run")}
	}
	fmt.Fprintf(p.stderr, "%s%sErase %s for good? [y/N] ", removed(r), kept(r), line(e.User))
	answer, _ := bufio.NewReader(p.stdin).ReadString('\n') // no answer is no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errs.New(errs.Invalid, "nothing was removed")
}

// receipt opens the place of the receipt before anything is removed; nothing is
// written for nil.
func (e *eraseCommand) receipt(p *program) (write func([]byte) error, err error) {
	if e.Output == "" {
		return func(raw []byte) error {
			_, err := p.stdout.Write(raw)
			return err
		}, nil
	}
	f, err := os.OpenFile(e.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, errs.Field(errs.Exists, "output", "%s is there already", e.Output)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the receipt cannot be written")
	}
	return func(raw []byte) error {
		if raw == nil {
			return errors.Join(f.Close(), os.Remove(e.Output))
		}
		_, err := f.Write(raw)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the receipt cannot be written")
		}
		return nil
	}, nil
}

// told sums up for people what the receipt says, and ends the run.
func (e *eraseCommand) told(p *program, r erasure.Report) error {
	if !p.json {
		fmt.Fprint(p.stderr, removed(r)+kept(r))
		if r.Removed.Nothing() {
			fmt.Fprintf(p.stderr, "nothing was there of %s: is it spelt right?\n", line(e.User))
		}
		for _, why := range r.Undone {
			fmt.Fprintln(p.stderr, "not done:", line(why))
		}
		if !r.Complete {
			fmt.Fprintln(p.stderr, "the erasure is not complete: repeat it")
		}
	}
	if !r.Complete {
		return failed(exitFailure)
	}
	return nil
}

func removed(r erasure.Report) string {
	verb, d := "removed", r.Removed
	if r.DryRun {
		verb = "to remove"
	}
	return fmt.Sprintf("%s: %d users, %d threads, %d steps, %d elements, %d feedback, %d files\n",
		verb, d.Users, d.Threads, d.Steps, d.Elements, d.Feedback, d.Files)
}

// kept is what of the person's is elsewhere than in conversations.
func kept(r erasure.Report) string {
	var b strings.Builder
	for _, e := range r.Exports {
		path := e.Path
		if path == "" {
			path = "standard output"
		}
		fmt.Fprintf(&b, "export of %s, %s: %s", e.Made.Format("2006-01-02"), line(path), line(e.Outcome))
		if e.Threads > 0 {
			fmt.Fprintf(&b, ", %d threads", e.Threads)
		}
		b.WriteByte('\n')
	}
	for _, k := range r.Kept {
		fmt.Fprintf(&b, "kept: %d rows in the versioned table %s\n", k.Rows, line(k.Table))
	}
	return b.String()
}
