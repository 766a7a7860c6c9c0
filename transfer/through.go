package transfer

import (
	"context"
	"io"
	"slices"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Through is a side that is read through an API, such as a server's: whole
// threads as far as the caller may see them.
func Through(name string, api chat.API) Side {
	t := &through{api: api}
	return Side{Name: name, Store: t, Files: throughFiles{t}}
}

// through is an API as a Store. It is for one walk at a time.
type through struct {
	api chat.API

	users   position
	threads position
	refs    map[string]chat.Ref // by the keys of the bytes of the threads last handed out
}

// position is where a listing went on from: an API knows its own cursors only.
type position struct{ after, cursor string }

var _ chat.Mover = (*through)(nil)

// Features implements Store.
func (t *through) Features() chat.Features { return chat.Features{UnknownKeys: true} }

// User implements chat.Users.
func (t *through) User(ctx context.Context, identifier string) (chat.User, error) {
	return t.api.User(ctx, identifier)
}

// PutUser implements chat.Users.
func (t *through) PutUser(ctx context.Context, u chat.User, _ chat.Write) (chat.User, error) {
	return t.api.PutUser(ctx, u)
}

// Users implements chat.Users.
func (t *through) Users(ctx context.Context, after string, limit int) ([]chat.User, error) {
	return listed(&t.users, after, limit, func(u chat.User) string { return u.Identifier },
		func(r page.Request) (page.Page[chat.User], error) { return t.api.Users(ctx, r) })
}

// Threads implements lister.
func (t *through) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	after := ""
	if q.After != nil {
		after = q.After.ID
	}
	found, err := listed(&t.threads, after, q.Limit, func(t chat.Thread) string { return t.ID },
		func(r page.Request) (page.Page[chat.Thread], error) { return t.api.Threads(ctx, q.ThreadFilter, r) })
	for i := range found {
		found[i].LastActivity = found[i].CreatedAt // in listings it is that
	}
	return found, err
}

// listed asks for limit things that come after the last one it gave.
func listed[T any](at *position, after string, limit int, key func(T) string, ask func(page.Request) (page.Page[T], error)) ([]T, error) {
	if after == "" {
		*at = position{}
	}
	if at.after != after {
		return nil, errs.New(errs.Internal, "a listing was not gone on with where it stopped")
	}
	var found []T
	for len(found) < limit {
		list, err := ask(page.Request{First: min(limit-len(found), page.MaxFirst), Cursor: at.cursor})
		if err != nil {
			return nil, err
		}
		found = append(found, list.Data...)
		if !list.Info.HasNextPage || list.Info.EndCursor == nil {
			break
		}
		at.cursor = *list.Info.EndCursor
	}
	if len(found) > 0 {
		at.after = key(found[len(found)-1])
	}
	return found, nil
}

// ThreadIDs implements chat.Mover: all at once, since a listing does not stand
// still.
func (t *through) ThreadIDs(ctx context.Context, _ string, _ int) ([]string, string, error) {
	all := chosen{owners: map[string]bool{}}
	if err := all.listed(ctx, t, "", ""); err != nil {
		return nil, "", err
	}
	return slices.Sorted(slices.Values(all.ids)), "", nil
}

// Whole implements chat.Mover.
func (t *through) Whole(ctx context.Context, ids []string) ([]chat.Thread, error) {
	t.refs = map[string]chat.Ref{}
	var found []chat.Thread
	for _, id := range ids {
		th, err := t.api.Thread(chat.Raw(ctx), id)
		if errs.KindOf(err) == errs.NotFound {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, err
		}
		for _, e := range th.Elements {
			if e.ObjectKey != "" {
				t.refs[e.ObjectKey] = chat.Ref{ID: e.ID, ThreadID: id}
			}
		}
		found = append(found, th)
	}
	return found, nil
}

// Load implements chat.Mover.
func (t *through) Load(context.Context, []chat.Thread, chat.Write) error {
	return errs.New(errs.Unsupported, "a server does not take whole threads")
}

// throughFiles are the bytes of the threads that were last handed out.
type throughFiles struct{ *through }

// Open implements chat.Files.
func (f throughFiles) Open(ctx context.Context, key string) (chat.Content, error) {
	ref, ok := f.refs[key]
	if !ok {
		return chat.Content{}, errs.Field(errs.NotFound, "key", "no element that was read has these bytes")
	}
	return f.api.Content(ctx, ref)
}

var errOneByOne = errs.New(errs.Unsupported, "a server takes bytes with their element only")

// Write implements chat.Files.
func (f throughFiles) Write(context.Context, string, io.Reader, string) (int64, error) {
	return 0, errOneByOne
}

// Delete implements chat.Files.
func (f throughFiles) Delete(context.Context, string) error { return errOneByOne }

// SignedURL implements chat.Files.
func (f throughFiles) SignedURL(context.Context, string, string, string) (string, error) {
	return "", errOneByOne
}
