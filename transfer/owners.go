package transfer

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// owners finds the users of the destination for the owners of the source. A
// person is an identifier; ids of users are a database's own.
type owners struct {
	from, to Store
	byName   map[string]string // identifier → id at the destination
	byID     map[string]string // id at the source → identifier; nil: not read yet
	made     int64             // users that threads named and that had no row
}

// cached bounds what is remembered of users.
const cached = 20_000

func newOwners(from, to Store) *owners {
	return &owners{from: from, to: to, byName: map[string]string{}}
}

// settle gives a thread the owner it has at the destination.
func (o *owners) settle(ctx context.Context, t *chat.Thread, dry bool) error {
	if t.UserIdentifier == "" && t.UserID != "" {
		if err := o.name(ctx, t); err != nil {
			return err
		}
	}
	if t.UserIdentifier == "" {
		return nil
	}
	if id, ok := o.byName[t.UserIdentifier]; ok {
		t.UserID = id
		return nil
	}
	u, err := o.to.User(ctx, t.UserIdentifier)
	if errs.KindOf(err) == errs.NotFound {
		if dry {
			return nil
		}
		u, err = o.make(ctx, t)
	}
	if err != nil {
		return err
	}
	o.know(u)
	t.UserID = u.ID
	return nil
}

// know remembers a user of the destination.
func (o *owners) know(u chat.User) {
	if len(o.byName) >= cached {
		clear(o.byName)
	}
	o.byName[u.Identifier] = u.ID
}

// name finds the identifier of an owner of whom the thread knows the id only.
func (o *owners) name(ctx context.Context, t *chat.Thread) error {
	if o.byID == nil {
		o.byID = map[string]string{}
		err := users(ctx, o.from, func(u chat.User) error {
			o.byID[u.ID] = u.Identifier
			return nil
		})
		if err != nil {
			return err
		}
	}
	if t.UserIdentifier = o.byID[t.UserID]; t.UserIdentifier == "" {
		t.UserIdentifier = t.UserID // of a user who is gone nothing else is known
	}
	return nil
}

// make puts a user for a thread whose owner has no row, so that it does not
// become everybody's.
func (o *owners) make(ctx context.Context, t *chat.Thread) (chat.User, error) {
	id := t.UserID
	if id == "" {
		id = t.UserIdentifier
	}
	at, ok := chat.NormalTime(t.CreatedAt)
	if !ok {
		at = t.Activity()
	}
	u, err := o.to.PutUser(ctx, chat.User{ID: id, Identifier: t.UserIdentifier, CreatedAt: at, Metadata: chat.Object{}}, chat.Write{})
	if err == nil {
		o.made++
	}
	return u, err
}

// users walks all users of a store.
func users(ctx context.Context, s Store, each func(chat.User) error) error {
	const page = 1000
	for after := ""; ; {
		list, err := s.Users(ctx, after, page)
		if err != nil {
			return err
		}
		for _, u := range list {
			if u.Metadata == nil {
				u.Metadata = chat.Object{}
			}
			if err := each(u); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
		after = list[len(list)-1].Identifier
	}
}
