package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

type exportCommand struct {
	User   string `help:"Only this user (an identifier) and their threads." placeholder:"USER"`
	Output string `short:"o" help:"The file to write; it must not exist yet (default: standard output)." placeholder:"FILE"`
}

// exported is one line of an export.
type exported struct {
	Kind   string       `json:"kind"` // "user" or "thread"
	User   *chat.User   `json:"user,omitempty"`
	Thread *chat.Thread `json:"thread,omitempty"`
}

// exporter writes every user once, before the first of their threads.
type exporter struct {
	api     chat.API
	w       io.Writer
	users   map[string]bool
	seen    map[string]bool // threads
	threads int
	steps   int
}

// Run writes the export. What people do not see is in it: it is a copy.
func (e *exportCommand) Run(ctx context.Context, p *program, c *cli) error {
	return c.Chat.with(ctx, p, func(api chat.API) (err error) {
		out, done, err := e.open(p.stdout)
		if err != nil {
			return err
		}
		x := &exporter{api: api, w: out, users: map[string]bool{}, seen: map[string]bool{}}
		if err := errors.Join(x.run(chat.Raw(ctx), e.User), done()); err != nil {
			return err
		}
		if !p.json {
			fmt.Fprintf(p.stderr, "%d users, %d threads, %d steps\n", len(x.users), x.threads, x.steps)
		}
		return nil
	})
}

// open opens the output. A copy of conversations is for its owner only.
func (e *exportCommand) open(stdout io.Writer) (w io.Writer, done func() error, err error) {
	if e.Output == "" {
		b := bufio.NewWriter(stdout)
		return b, b.Flush, nil
	}
	f, err := os.OpenFile(e.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, nil, errs.Field(errs.Exists, "output", "%s is there already", e.Output)
	}
	if err != nil {
		return nil, nil, errs.Wrap(errs.Unavailable, err, "the output cannot be written")
	}
	b := bufio.NewWriter(f)
	return b, func() error { return errors.Join(b.Flush(), f.Sync(), f.Close()) }, nil
}

// run walks the listing until it finds nothing new: a thread that is written
// to meanwhile moves to the front, behind the walk's back.
func (x *exporter) run(ctx context.Context, user string) error {
	id, err := userID(ctx, x.api, user)
	if err != nil {
		return err
	}
	if err := x.user(ctx, user); err != nil {
		return err
	}
	for {
		fresh := 0
		for t, err := range allThreads(ctx, x.api, chat.ThreadFilter{UserID: id}) {
			if err != nil {
				return err
			}
			if x.seen[t.ID] {
				continue
			}
			x.seen[t.ID] = true
			fresh++
			if err := x.thread(ctx, t.ID); err != nil {
				return err
			}
		}
		if fresh == 0 {
			break
		}
	}
	if user != "" {
		return nil
	}
	return x.others(ctx)
}

// others writes the users who have no threads.
func (x *exporter) others(ctx context.Context) error {
	for u, err := range allUsers(ctx, x.api) {
		if err != nil {
			return err
		}
		if !x.users[u.Identifier] {
			x.users[u.Identifier] = true
			if err := writeJSON(x.w, exported{Kind: "user", User: &u}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *exporter) thread(ctx context.Context, id string) error {
	t, err := x.api.Thread(ctx, id)
	if errors.Is(err, errs.NotFound) {
		return nil // deleted since it was listed
	}
	if err != nil {
		return err
	}
	if err := x.user(ctx, t.UserIdentifier); err != nil {
		return err
	}
	for i := range t.Elements {
		if t.Elements[i].ObjectKey != "" {
			t.Elements[i].URL = "" // signed: it opens the door to who reads the copy, and soon to nobody
		}
	}
	x.threads++
	x.steps += len(t.Steps)
	return writeJSON(x.w, exported{Kind: "thread", Thread: &t})
}

func (x *exporter) user(ctx context.Context, identifier string) error {
	if identifier == "" || x.users[identifier] {
		return nil
	}
	u, err := x.api.User(ctx, identifier)
	if errors.Is(err, errs.NotFound) {
		return nil // the thread outlived its owner
	}
	if err != nil {
		return err
	}
	x.users[identifier] = true
	return writeJSON(x.w, exported{Kind: "user", User: &u})
}
