package main

import (
	"context"
	"errors"
	"iter"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

type chatCommand struct {
	Database string `help:"Which database of the server or of varve.yaml (default: default)." placeholder:"NAME"`
	Key      string `config:"" help:"The API key for a server that --url names; better in VARVE_KEY, where other users do not see it." placeholder:"KEY"`

	Users   usersCommand   `cmd:"" help:"List the people who have threads."`
	Threads threadsCommand `cmd:"" help:"List threads, latest activity first."`
	Show    showCommand    `cmd:"" help:"Show a thread with its steps and elements."`
	Search  searchCommand  `cmd:"" help:"List the threads whose name or answers hold a text."`
	Export  exportCommand  `cmd:"" help:"Write users and threads, with all that is in them, into files: JSON lines or Parquet."`
	Import  importCommand  `cmd:"" help:"Read what export wrote, or threads of literalai, into a database."`
	Delete  deleteCommand  `cmd:"" help:"Delete threads, with all that is in them."`
	Retain  retainCommand  `cmd:"" help:"Delete threads that were not used for long."`
	Sweep   sweepCommand   `cmd:"" help:"Delete bytes that no element names, at once."`
	Erase   eraseCommand   `cmd:"" help:"Erase a person: threads, files, the user, and their traces; prints a signed receipt."`
	Verify  verifyCommand  `cmd:"" name:"verify-receipt" help:"Tell whether a receipt of an erasure is genuine, and what it says."`
}

// with runs fn on the conversations that a command asks for.
func (c *chatCommand) with(ctx context.Context, p *program, fn func(chat.API) error) (err error) {
	to, err := p.reach(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return fn(to)
}

// userID is the id of the user with an identifier; "" is nobody in particular.
func userID(ctx context.Context, api chat.API, identifier string) (string, error) {
	if identifier == "" {
		return "", nil
	}
	u, err := api.User(ctx, identifier)
	if errors.Is(err, errs.NotFound) {
		return "", errs.Field(errs.NotFound, "user", "there is no user %q", identifier)
	}
	return u.ID, err
}

// allUsers walks the list of users.
func allUsers(ctx context.Context, api chat.API) iter.Seq2[chat.User, error] {
	return walk(func(r page.Request) (page.Page[chat.User], error) { return api.Users(ctx, r) })
}

// allThreads walks a listing from its start to its end. It ends with the first
// error.
func allThreads(ctx context.Context, api chat.API, f chat.ThreadFilter) iter.Seq2[chat.Thread, error] {
	return walk(func(r page.Request) (page.Page[chat.Thread], error) { return api.Threads(ctx, f, r) })
}

// walk goes through a listing page by page.
func walk[T any](ask func(page.Request) (page.Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for r := (page.Request{First: page.MaxFirst}); ; {
			list, err := ask(r)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range list.Data {
				if !yield(item, nil) {
					return
				}
			}
			if !list.Info.HasNextPage || list.Info.EndCursor == nil {
				return
			}
			r.Cursor = *list.Info.EndCursor
		}
	}
}
