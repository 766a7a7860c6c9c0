package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Chat is the conversations of a server. The methods' contracts are those of
// chat.API.
type Chat struct{ c *Client }

// pathTo makes a path of escaped segments. An empty id would be another route,
// and names nothing.
func pathTo(field, prefix, id, suffix string) (string, error) {
	if id == "" {
		return "", errs.Field(errs.Invalid, field, "must not be empty")
	}
	return prefix + segment(id) + suffix, nil
}

// call makes a call to a path that had to be made first.
func (a *Chat) call(ctx context.Context, err error, r request, out any) error {
	if err != nil {
		return err
	}
	return a.c.do(ctx, r, out)
}

// User implements chat.API.
func (a *Chat) User(ctx context.Context, identifier string) (chat.User, error) {
	var u chat.User
	path, err := pathTo("identifier", "/v1/users/", identifier, "")
	return u, a.call(ctx, err, request{method: http.MethodGet, path: path}, &u)
}

// Users implements chat.API.
func (a *Chat) Users(ctx context.Context, p page.Request) (page.Page[chat.User], error) {
	var out page.Page[chat.User]
	err := a.c.do(ctx, request{method: http.MethodGet, path: "/v1/users", query: cut(params(), p)}, &out)
	if out.Data == nil {
		out.Data = []chat.User{}
	}
	return out, err
}

// cut adds what a page asks for to a query.
func cut(q url.Values, p page.Request) url.Values {
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	if p.First != 0 {
		q.Set("first", strconv.Itoa(p.First))
	}
	return q
}

// PutUser implements chat.API.
func (a *Chat) PutUser(ctx context.Context, u chat.User) (chat.User, error) {
	body := struct {
		ID          string      `json:"id,omitempty"`
		CreatedAt   string      `json:"createdAt,omitempty"`
		DisplayName string      `json:"display_name,omitempty"`
		Metadata    chat.Object `json:"metadata,omitempty"`
	}{u.ID, u.CreatedAt, u.DisplayName, u.Metadata}
	var stored chat.User
	path, err := pathTo("identifier", "/v1/users/", u.Identifier, "")
	err = a.call(ctx, err, request{method: http.MethodPut, path: path, body: body}, &stored)
	return stored, err
}

// Threads implements chat.API.
func (a *Chat) Threads(ctx context.Context, f chat.ThreadFilter, p page.Request) (page.Page[chat.Thread], error) {
	q := cut(params("userId", f.UserID, "search", f.Search), p)
	if f.Feedback != nil {
		q.Set("feedback", strconv.Itoa(*f.Feedback))
	}
	var out page.Page[chat.Thread]
	err := a.c.do(ctx, request{method: http.MethodGet, path: "/v1/threads", query: q}, &out)
	if out.Data == nil {
		out.Data = []chat.Thread{}
	}
	return out, err
}

// Thread implements chat.API.
func (a *Chat) Thread(ctx context.Context, id string) (chat.Thread, error) {
	var t chat.Thread
	path, err := pathTo("threadId", "/v1/threads/", id, "")
	err = a.call(ctx, err, request{method: http.MethodGet, path: path, query: params("raw", rawParam(ctx))}, &t)
	for i := range t.Elements {
		a.c.resolve(&t.Elements[i])
	}
	return t, err
}

// Author implements chat.API.
func (a *Chat) Author(ctx context.Context, threadID string) (string, error) {
	var out struct {
		Author string `json:"author"`
	}
	path, err := pathTo("threadId", "/v1/threads/", threadID, "/author")
	err = a.call(ctx, err, request{method: http.MethodGet, path: path}, &out)
	return out.Author, err
}

// UpdateThread implements chat.API.
func (a *Chat) UpdateThread(ctx context.Context, p chat.ThreadPatch) (chat.Written, error) {
	body := map[string]any{}
	if p.Name != nil {
		body["name"] = *p.Name
	}
	if p.UserID != "" {
		body["userId"] = p.UserID
	}
	if p.Metadata != nil {
		body["metadata"] = p.Metadata
	}
	if p.Tags != nil {
		body["tags"] = p.Tags
	}
	var w chat.Written
	path, err := pathTo("threadId", "/v1/threads/", p.ID, "")
	err = a.call(ctx, err, request{method: http.MethodPatch, path: path, body: body}, &w)
	return w, err
}

// DeleteThread implements chat.API.
func (a *Chat) DeleteThread(ctx context.Context, id string) error {
	path, err := pathTo("threadId", "/v1/threads/", id, "")
	return a.call(ctx, err, request{method: http.MethodDelete, path: path}, nil)
}

// PutStep implements chat.API.
func (a *Chat) PutStep(ctx context.Context, s chat.Step) (chat.Written, error) {
	var w chat.Written
	path, err := pathTo("id", "/v1/steps/", s.ID, "")
	s.Feedback = nil // not written this way
	err = a.call(ctx, err, request{method: http.MethodPut, path: path, body: s}, &w)
	return w, err
}

// Step implements chat.API.
func (a *Chat) Step(ctx context.Context, r chat.Ref) (chat.Step, error) {
	var s chat.Step
	path, err := pathTo("id", "/v1/steps/", r.ID, "")
	q := params("threadId", r.ThreadID, "raw", rawParam(ctx))
	err = a.call(ctx, err, request{method: http.MethodGet, path: path, query: q}, &s)
	return s, err
}

// DeleteStep implements chat.API.
func (a *Chat) DeleteStep(ctx context.Context, r chat.Ref) error {
	path, err := pathTo("id", "/v1/steps/", r.ID, "")
	return a.call(ctx, err, request{method: http.MethodDelete, path: path, query: params("threadId", r.ThreadID)}, nil)
}

// Favorites implements chat.API.
func (a *Chat) Favorites(ctx context.Context, userID string) ([]chat.Step, error) {
	var out struct {
		Data []chat.Step `json:"data"`
	}
	q := params("userId", userID, "raw", rawParam(ctx))
	err := a.c.do(ctx, request{method: http.MethodGet, path: "/v1/favorites", query: q}, &out)
	if out.Data == nil && err == nil {
		out.Data = []chat.Step{}
	}
	return out.Data, err
}

// PutFeedback implements chat.API.
func (a *Chat) PutFeedback(ctx context.Context, f chat.Feedback) (chat.Written, error) {
	var w chat.Written
	err := a.c.do(ctx, request{method: http.MethodPut, path: "/v1/feedback", body: f}, &w)
	return w, err
}

// DeleteFeedback implements chat.API.
func (a *Chat) DeleteFeedback(ctx context.Context, r chat.Ref) error {
	path, err := pathTo("id", "/v1/feedback/", r.ID, "")
	return a.call(ctx, err, request{method: http.MethodDelete, path: path, query: params("threadId", r.ThreadID)}, nil)
}
