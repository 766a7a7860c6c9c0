package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

type userPath struct {
	Identifier string `path:"identifier" doc:"what the application calls the user"`
}

// userBody is what is written of a user. ID and createdAt are for copies: they
// count when the user is new and the caller an admin.
type userBody struct {
	ID          *string     `json:"id,omitempty"`
	CreatedAt   *string     `json:"createdAt,omitempty"`
	DisplayName *string     `json:"display_name,omitempty" doc:"comes back, and is not stored"`
	Metadata    chat.Object `json:"metadata,omitempty" nullable:"true" doc:"replaces what is stored"`
}

func (s *Server) userRoutes() {
	const path, tag = "/v1/users/{identifier}", "users"
	reply(s, op("list-users", http.MethodGet, "/v1/users", tag, "Users, by identifier"), s.listUsers)
	reply(s, op("get-user", http.MethodGet, path, tag, "The user with an identifier"), s.getUser)
	reply(s, with(op("put-user", http.MethodPut, path, tag, "Insert a user or replace their metadata"), jsonBody[userBody](s.api)), s.putUser)
}

// listUsers shows everybody to admins, and an acting user to themselves.
func (s *Server) listUsers(ctx context.Context, c *call, in *Cut) (page.Page[chat.User], error) {
	p, err := in.request(c)
	if err != nil {
		return page.Page[chat.User]{}, err
	}
	if c.actor == "" && !c.may(keys.Admin) {
		return page.Page[chat.User]{}, errs.New(errs.Forbidden, "users are listed for keys with the scope %q", keys.Admin)
	}
	return c.db.Chat.Users(acting(ctx, c), p)
}

func (s *Server) getUser(ctx context.Context, c *call, in *userPath) (chat.User, error) {
	if c.actor != "" && c.actor != in.Identifier {
		// Foreign and missing look the same.
		return chat.User{}, chat.Missing("identifier", in.Identifier)
	}
	return c.db.Chat.User(acting(ctx, c), in.Identifier)
}

func (s *Server) putUser(ctx context.Context, c *call, in *userPath) (chat.User, error) {
	if c.actor != "" && c.actor != in.Identifier {
		return chat.User{}, errs.Field(errs.Forbidden, "identifier", "is not the acting user")
	}
	var body userBody
	if err := s.body(c, &body); err != nil {
		return chat.User{}, err
	}
	u := chat.User{Identifier: in.Identifier, DisplayName: text(body.DisplayName), Metadata: body.Metadata}
	if c.may(keys.Admin) && c.actor == "" {
		u.ID, u.CreatedAt = text(body.ID), text(body.CreatedAt)
	}
	stored, err := c.db.Chat.PutUser(acting(ctx, c), u)
	if err == nil {
		warnInHeader(c)
	}
	return stored, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// warnInHeader tells warnings where the answer is the noun itself.
func warnInHeader(c *call) {
	for _, w := range c.warnings {
		c.Header().Add(wire.HeaderWarning, ascii(w))
	}
}

// ascii replaces what a header cannot carry.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
