package main

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/page"
)

// listing are the flags of commands that list threads.
type listing struct {
	User     string `help:"Only the threads of this user (an identifier)." placeholder:"USER"`
	Feedback *int   `help:"Only threads with a step that got this feedback." enum:"0,1" placeholder:"0|1"`
	First    int    `help:"How many at most, up to 200." default:"35" placeholder:"N"`
	Cursor   string `help:"Go on after a page, with the cursor it ended with." placeholder:"CURSOR"`
}

type threadsCommand struct {
	listing
}

// Run lists a page of threads.
func (t *threadsCommand) Run(ctx context.Context, p *program, c *cli) error {
	return t.list(ctx, p, c, "")
}

type searchCommand struct {
	Text string `arg:"" help:"What to look for; case and accents do not matter."`
	listing
}

// Run lists a page of the threads that were found.
func (s *searchCommand) Run(ctx context.Context, p *program, c *cli) error {
	return s.list(ctx, p, c, s.Text)
}

func (l listing) list(ctx context.Context, p *program, c *cli, search string) error {
	return c.Chat.with(ctx, p, func(api chat.API) error {
		id, err := userID(ctx, api, l.User)
		if err != nil {
			return err
		}
		f := chat.ThreadFilter{UserID: id, Search: search, Feedback: l.Feedback}
		list, err := api.Threads(ctx, f, page.Request{First: l.First, Cursor: l.Cursor})
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, list)
		}
		return p.printThreads(list)
	})
}

func (p *program) printThreads(list page.Page[chat.Thread]) error {
	rows := [][]string{{"LAST ACTIVITY", "USER", "ID", "NAME"}}
	for _, t := range list.Data {
		rows = append(rows, []string{moment(t.CreatedAt), t.UserIdentifier, t.ID, short(t.Name, 60)})
	}
	if err := writeTable(p.stdout, rows, "no threads"); err != nil {
		return err
	}
	if list.Info.HasNextPage {
		_, err := fmt.Fprintf(p.stdout, "more: --cursor %s\n", *list.Info.EndCursor)
		return err
	}
	return nil
}
