package main

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/varvedb/varve/chat"
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

// Run lists everybody.
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
		return writeTable(p.stdout, rows, "there are no users")
	})
}

// owners lists everybody with what they have, latest activity first and those
// without threads last. A thread may name an owner who is not there any more.
func owners(ctx context.Context, api chat.API) ([]owner, error) {
	byID := map[string]*owner{}
	for u, err := range allUsers(ctx, api) {
		if err != nil {
			return nil, err
		}
		byID[u.ID] = &owner{User: u}
	}
	for t, err := range allThreads(ctx, api, chat.ThreadFilter{}) {
		if err != nil {
			return nil, err
		}
		if t.UserID == "" && t.UserIdentifier == "" {
			continue
		}
		id := cmp.Or(t.UserID, t.UserIdentifier)
		if byID[id] == nil {
			byID[id] = &owner{User: chat.User{ID: t.UserID, Identifier: t.UserIdentifier}}
		}
		byID[id].Threads++
		byID[id].LastActivity = max(byID[id].LastActivity, t.CreatedAt)
	}
	list := make([]owner, 0, len(byID))
	for _, o := range byID {
		list = append(list, *o)
	}
	slices.SortFunc(list, func(a, b owner) int {
		return cmp.Or(cmp.Compare(b.LastActivity, a.LastActivity), cmp.Compare(a.Identifier, b.Identifier))
	})
	return list, nil
}
