package transfer

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Choice says which threads a [Choose] keeps. The zero value keeps all.
type Choice struct {
	Since   string   // only those with activity since then, in the form of chat.FormatTime
	User    string   // only those of the user with this identifier
	Threads []string // only those with these ids
}

// Choose returns the same side with the threads that were chosen, in the order
// of the bytes of their ids, whatever the order of the store: two walks give
// the same. With any choice it has the owners of these threads for users, else
// all. It remembers ids: some 60 bytes a thread.
//
// A user or a thread that was named and is missing is errs.NotFound.
func Choose(ctx context.Context, from Side, c Choice) (Side, error) {
	m, err := from.mover()
	if err != nil {
		return from, err
	}
	s := &chosen{Store: from.Store, mover: m}
	if c.Since == "" && c.User == "" && c.Threads == nil {
		err = s.all(ctx, from)
	} else {
		s.owners = map[string]bool{}
		err = s.some(ctx, from.Store, c)
	}
	if err != nil {
		return from, err
	}
	slices.Sort(s.ids)
	s.ids = slices.Compact(s.ids)
	s.names = slices.Sorted(maps.Keys(s.owners))
	from.Store = s
	return from, nil
}

// chosen is a store with some of its threads.
type chosen struct {
	Store
	mover  chat.Mover
	ids    []string
	owners map[string]bool // identifiers; nil: all users
	names  []string        // of the owners, sorted
}

var _ chat.Mover = (*chosen)(nil)

func (s *chosen) all(ctx context.Context, from Side) error {
	for after := ""; ; {
		list, next, err := ids(ctx, from, "", after, manyIDs)
		if err != nil {
			return err
		}
		s.ids = append(s.ids, list...)
		if after = next; after == "" {
			return nil
		}
	}
}

func (s *chosen) some(ctx context.Context, from Store, c Choice) error {
	userID := ""
	if c.User != "" {
		u, err := from.User(ctx, c.User)
		if errs.KindOf(err) == errs.NotFound {
			return errs.Field(errs.NotFound, "user", "there is no user %q", c.User)
		}
		if err != nil {
			return err
		}
		userID = u.ID
		s.owners[u.Identifier] = true
	}
	if c.Threads != nil {
		return s.named(ctx, c, userID)
	}
	l, ok := from.(lister)
	if !ok {
		return errs.New(errs.Unsupported, "this cannot be asked for some of its threads")
	}
	return s.listed(ctx, l, userID, c.Since)
}

// listed walks the listing until it finds nothing new: a thread that is written
// to meanwhile moves to the front, behind the walk's back.
func (s *chosen) listed(ctx context.Context, l lister, userID, since string) error {
	const page = 1000
	seen := map[string]bool{}
	for fresh := true; fresh; {
		fresh = false
		q := chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: userID}, Limit: page}
		for more := true; more; {
			list, err := l.Threads(ctx, q)
			if err != nil {
				return err
			}
			more = len(list) == page
			for _, t := range list {
				if since != "" && t.LastActivity < since {
					more = false
					break
				}
				if !seen[t.ID] {
					seen[t.ID], fresh = true, true
					s.take(t)
				}
				q.After = &chat.Place{LastActivity: t.LastActivity, ID: t.ID}
			}
		}
	}
	return nil
}

// named looks for threads by their ids.
func (s *chosen) named(ctx context.Context, c Choice, userID string) error {
	for _, id := range c.Threads {
		found, err := s.mover.Whole(ctx, []string{id})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errs.Field(errs.NotFound, "thread", "there is no thread %q", id)
		}
		t := found[0]
		if (userID == "" || t.UserID == userID) && (c.Since == "" || t.Activity() >= c.Since) {
			s.take(t)
		}
	}
	return nil
}

func (s *chosen) take(t chat.Thread) {
	s.ids = append(s.ids, t.ID)
	if t.UserIdentifier != "" {
		s.owners[t.UserIdentifier] = true
	}
}

// Users implements chat.Users.
func (s *chosen) Users(ctx context.Context, after string, limit int) ([]chat.User, error) {
	if s.owners == nil {
		return s.Store.Users(ctx, after, limit)
	}
	from, ok := slices.BinarySearch(s.names, after)
	if ok {
		from++
	}
	var found []chat.User
	for _, name := range s.names[from:] {
		u, err := s.Store.User(ctx, name)
		if errs.KindOf(err) == errs.NotFound {
			continue // the thread outlived its owner
		}
		if err != nil {
			return nil, err
		}
		if found = append(found, u); len(found) == limit {
			break
		}
	}
	return found, nil
}

// ThreadIDs implements chat.Mover.
func (s *chosen) ThreadIDs(_ context.Context, after string, limit int) ([]string, string, error) {
	from, ok := slices.BinarySearch(s.ids, after)
	if ok {
		from++
	}
	to := min(from+limit, len(s.ids))
	next := ""
	if to < len(s.ids) {
		next = s.ids[to-1]
	}
	return s.ids[from:to], next, nil
}

// Whole implements chat.Mover; the threads come in the order of their ids.
func (s *chosen) Whole(ctx context.Context, ids []string) ([]chat.Thread, error) {
	found, err := s.mover.Whole(ctx, ids)
	slices.SortFunc(found, func(a, b chat.Thread) int { return cmp.Compare(a.ID, b.ID) })
	return found, err
}

// Load implements chat.Mover: what is chosen is for reading.
func (s *chosen) Load(context.Context, []chat.Thread, chat.Write) error {
	return errs.New(errs.Unsupported, "a choice of threads cannot be written")
}
