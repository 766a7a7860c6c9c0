package chat

import "context"

// User implements [API].
func (s *Service) User(ctx context.Context, identifier string) (User, error) {
	var c checker
	c.id("identifier", identifier)
	if c.err != nil {
		return User{}, c.err
	}
	u, err := s.store.User(ctx, identifier)
	return tidyUser(u), err
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
	stored, err := s.store.PutUser(ctx, u, s.write(ctx))
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
