package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

type usersCommand struct{}

// owner is a user and what they have.
type owner struct {
	chat.User
	Threads      int
	LastActivity string
}

// MarshalJSON adds to the user's own keys.
func (o owner) MarshalJSON() ([]byte, error) {
	user, err := json.Marshal(o.User)
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(struct {
		Threads      int    `json:"threads"`
		LastActivity string `json:"lastActivity"`
	}{o.Threads, o.LastActivity})
	if err != nil {
		return nil, err
	}
	return append(append(user[:len(user)-1], ','), more[1:]...), nil
}

// Run finds the users by their threads: the API has no list of users.
func (usersCommand) Run(ctx context.Context, p *program, c *cli) error {
	return c.Chat.with(ctx, p, func(api chat.API) error {
		list, err := owners(ctx, api)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, map[string]any{"data": list})
		}
		rows := [][]string{{"USER", "THREADS", "LAST ACTIVITY", "ID"}}
		for _, o := range list {
			rows = append(rows, []string{o.Identifier, strconv.Itoa(o.Threads), moment(o.LastActivity), o.ID})
		}
		return writeTable(p.stdout, rows, "nobody has threads")
	})
}

// owners lists those who have threads, latest activity first.
func owners(ctx context.Context, api chat.API) ([]owner, error) {
	byID := map[string]*owner{}
	for t, err := range allThreads(ctx, api, chat.ThreadFilter{}) {
		if err != nil {
			return nil, err
		}
		if t.UserID == "" && t.UserIdentifier == "" {
			continue
		}
		id := cmp.Or(t.UserID, t.UserIdentifier)
		o := byID[id]
		if o == nil {
			o = &owner{User: chat.User{ID: t.UserID, Identifier: t.UserIdentifier}}
			byID[id] = o
		}
		o.Threads++
		o.LastActivity = max(o.LastActivity, t.CreatedAt)
	}
	list := make([]owner, 0, len(byID))
	for _, o := range byID {
		if err := o.complete(ctx, api); err != nil {
			return nil, err
		}
		list = append(list, *o)
	}
	slices.SortFunc(list, func(a, b owner) int {
		return cmp.Or(cmp.Compare(b.LastActivity, a.LastActivity), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// complete reads the rest of a user. A thread may name one who is not there
// any more.
func (o *owner) complete(ctx context.Context, api chat.API) error {
	if o.Identifier == "" {
		return nil
	}
	u, err := api.User(ctx, o.Identifier)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		o.User = u
	}
	return err
}
