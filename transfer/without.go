package transfer

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Left is who and what a [Without] leaves out.
type Left struct {
	Users   int64
	threads map[string]bool
}

// Threads is how many threads were left out so far.
func (l *Left) Threads() int64 { return int64(len(l.threads)) }

// Gone tells which of some users are to be left out, by their identifiers. Who
// has no row comes with an identifier alone.
type Gone func(ctx context.Context, users []chat.User) (map[string]bool, error)

// Without returns the same side without some people and their threads. It asks
// for each user once.
func Without(ctx context.Context, from Side, gone Gone) (Side, *Left, error) {
	m, err := from.mover()
	if err != nil {
		return from, nil, err
	}
	w := &without{Store: from.Store, mover: m, gone: gone, ids: map[string]bool{}, known: map[string]bool{}, left: &Left{threads: map[string]bool{}}}
	for after := ""; ; {
		list, err := from.Store.Users(ctx, after, manyUsers)
		if err != nil {
			return from, nil, err
		}
		if err := w.learn(ctx, list); err != nil {
			return from, nil, err
		}
		if len(list) < manyUsers {
			break
		}
		after = list[len(list)-1].Identifier
	}
	from.Store = w
	return from, w.left, nil
}

// manyUsers is how many users are asked about at once.
const manyUsers = 1000

// without is a store without some people.
type without struct {
	Store
	mover chat.Mover
	gone  Gone
	known map[string]bool // by identifier: is left out
	ids   map[string]bool // of users with a row: is left out
	left  *Left
}

var _ chat.Mover = (*without)(nil)

// learn asks about users with a row.
func (w *without) learn(ctx context.Context, list []chat.User) error {
	if len(list) == 0 {
		return nil
	}
	gone, err := w.gone(ctx, list)
	if err != nil {
		return err
	}
	for _, u := range list {
		out := gone[u.Identifier]
		w.known[u.Identifier], w.ids[u.ID] = out, out
		if out {
			w.left.Users++
		}
	}
	return nil
}

// User implements chat.Users.
func (w *without) User(ctx context.Context, identifier string) (chat.User, error) {
	if w.known[identifier] {
		return chat.User{}, chat.Missing("identifier", identifier)
	}
	return w.Store.User(ctx, identifier)
}

// Users implements chat.Users.
func (w *without) Users(ctx context.Context, after string, limit int) (found []chat.User, err error) {
	for len(found) < limit {
		n := limit - len(found)
		list, err := w.Store.Users(ctx, after, n)
		if err != nil {
			return nil, err
		}
		for _, u := range list {
			if after = u.Identifier; !w.known[u.Identifier] {
				found = append(found, u)
			}
		}
		if len(list) < n {
			break
		}
	}
	return found, nil
}

// ThreadIDs implements chat.Mover; it names threads that Whole leaves out.
func (w *without) ThreadIDs(ctx context.Context, after string, limit int) ([]string, string, error) {
	return w.mover.ThreadIDs(ctx, after, limit)
}

// Whole implements chat.Mover.
func (w *without) Whole(ctx context.Context, ids []string) ([]chat.Thread, error) {
	list, err := w.mover.Whole(ctx, ids)
	if err != nil {
		return nil, err
	}
	var strangers []chat.User
	for i := range list {
		name := ownerOf(&list[i])
		_, byID := w.ids[list[i].UserID]
		if _, known := w.known[name]; name != "" && !known && !byID {
			strangers = append(strangers, chat.User{Identifier: name})
		}
	}
	if err := w.meet(ctx, strangers); err != nil {
		return nil, err
	}
	kept := list[:0]
	for i := range list {
		if w.known[ownerOf(&list[i])] || list[i].UserID != "" && w.ids[list[i].UserID] {
			w.left.threads[list[i].ID] = true
			continue
		}
		kept = append(kept, list[i])
	}
	return kept, nil
}

// meet asks about owners without a row.
func (w *without) meet(ctx context.Context, strangers []chat.User) error {
	if len(strangers) == 0 {
		return nil
	}
	gone, err := w.gone(ctx, strangers)
	for _, u := range strangers {
		w.known[u.Identifier] = gone[u.Identifier]
	}
	return err
}

// ownerOf is an owner's identifier, or all that is known of them.
func ownerOf(t *chat.Thread) string {
	if t.UserIdentifier != "" {
		return t.UserIdentifier
	}
	return t.UserID
}

// Load implements chat.Mover: what is left out makes this side one for reading.
func (w *without) Load(context.Context, []chat.Thread, chat.Write) error {
	return errs.New(errs.Unsupported, "a side without some people cannot be written")
}
