package transfer

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// lookup finds users of a store who are asked for in the order of their
// identifiers: it reads pages where many of them are there, and asks for one
// where they are far apart.
type lookup struct {
	to    Store
	page  []chat.User // in order, of what comes after the one asked for last
	last  string      // the one asked for last
	whole bool        // nothing comes after the page
	begun bool
}

// newLookup begins with the first user. Where ids are known in their thread
// only, nothing is in order either and a page costs a walk through all: there
// each user is asked for.
func newLookup(to Store) *lookup {
	return &lookup{to: to, whole: to.Features().NeedsThread}
}

// lookupPage is how many users are read at once.
const lookupPage = 500

// user returns the user with an identifier, and whether there is one. Who is on
// no page is asked for once more: they may have come since it was read.
func (l *lookup) user(ctx context.Context, identifier string) (chat.User, bool, error) {
	if l.begun && identifier <= l.last {
		return l.one(ctx, identifier) // the caller's order is another
	}
	if l.skip(identifier); len(l.page) == 0 && !l.whole {
		page, err := l.to.Users(ctx, l.last, lookupPage)
		if err != nil {
			return chat.User{}, false, err
		}
		l.page, l.whole = page, len(page) < lookupPage
		l.skip(identifier)
	}
	l.begun, l.last = true, identifier
	if len(l.page) > 0 && l.page[0].Identifier == identifier {
		u := l.page[0]
		l.page = l.page[1:]
		return u, true, nil
	}
	return l.one(ctx, identifier)
}

// skip drops those before an identifier.
func (l *lookup) skip(identifier string) {
	for len(l.page) > 0 && l.page[0].Identifier < identifier {
		l.page = l.page[1:]
	}
}

func (l *lookup) one(ctx context.Context, identifier string) (chat.User, bool, error) {
	u, err := l.to.User(ctx, identifier)
	if errs.KindOf(err) == errs.NotFound {
		return u, false, nil
	}
	return u, err == nil, err
}
