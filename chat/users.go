package chat

import (
	"context"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// User implements [API].
func (s *Service) User(ctx context.Context, identifier string) (User, error) {
	var c checker
	c.id("identifier", identifier)
	if c.err != nil {
		return User{}, c.err
	}
	u, err := s.port().User(ctx, identifier)
	return tidyUser(u), err
}

const usersQuestion = "users"

// Users implements [API].
func (s *Service) Users(ctx context.Context, p page.Request) (page.Page[User], error) {
	out := page.Page[User]{Data: []User{}}
	after := ""
	if p.Cursor != "" {
		var ok bool
		if after, ok = s.signer().Open(usersQuestion, p.Cursor); !ok {
			return out, errCursor
		}
	}
	users, err := s.users(ctx, after, p.Limit()+1)
	if err != nil {
		return out, err
	}
	if out.Info.HasNextPage = len(users) > p.Limit(); out.Info.HasNextPage {
		users = users[:p.Limit()]
	}
	for _, u := range users {
		out.Data = append(out.Data, tidyUser(u))
	}
	if n := len(users); n > 0 {
		out.Info.StartCursor = Ptr(s.cursor(usersQuestion, users[0].Identifier))
		out.Info.EndCursor = Ptr(s.cursor(usersQuestion, users[n-1].Identifier))
	}
	return out, nil
}

func (s *Service) users(ctx context.Context, after string, limit int) ([]User, error) {
	actor := Actor(ctx)
	if actor == "" {
		return s.port().Users(ctx, after, limit)
	}
	u, err := s.port().User(ctx, actor)
	if errs.KindOf(err) == errs.NotFound || err == nil && u.Identifier <= after {
		return nil, nil
	}
	return []User{u}, err
}

// PutUser implements [API].
func (s *Service) PutUser(ctx context.Context, u User) (User, error) {
	var c checker
	c.id("identifier", u.Identifier)
	c.ref("id", u.ID)
	c.object("metadata", &u.Metadata)
	if c.err != nil {
		return User{}, c.err
	}
	if u.ID == "" {
		u.ID = s.opt.NewID()
	}
	if t, ok := NormalTime(u.CreatedAt); ok {
		u.CreatedAt = t
	} else {
		u.CreatedAt = FormatTime(s.opt.Now())
	}
	if u.Metadata == nil {
		u.Metadata = Object{}
	}
	stored, err := s.port().PutUser(ctx, u, s.write(ctx))
	if err != nil {
		return User{}, err
	}
	stored.DisplayName = u.DisplayName
	return tidyUser(stored), nil
}

func tidyUser(u User) User {
	normalTime(&u.CreatedAt)
	if u.Metadata == nil {
		u.Metadata = Object{}
	}
	return u
}
