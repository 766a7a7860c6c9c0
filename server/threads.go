package server

import (
	"context"
	"net/http"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/keys"
)

type threadPath struct {
	ThreadID string `path:"threadId"`
}

type threadRead struct {
	ThreadID string `path:"threadId"`
	Raw      flag   `query:"raw" doc:"show hidden inputs; needs the scope admin"`
}

type threadList struct {
	UserID   string `query:"userId" doc:"the owner; required of a key without the scope admin, unless it acts for a user"`
	Search   string `query:"search" doc:"a substring of name or outputs, without regard to case and diacritics"`
	Feedback number `query:"feedback" doc:"0 or 1: threads with a step of that verdict"`
	Cut
}

// threadBody is a patch of a thread.
type threadBody struct {
	Name     *string     `json:"name,omitempty"`
	UserID   *string     `json:"userId,omitempty" doc:"the id of the owner"`
	Metadata chat.Object `json:"metadata,omitempty" nullable:"true" doc:"merged key by key; a key with null is removed"`
	Tags     []string    `json:"tags,omitempty" nullable:"true"`
}

type authorAnswer struct {
	Author string `json:"author" doc:"the owner's identifier"`
}

func (s *Server) threadRoutes() {
	const list, one, tag = "/v1/threads", "/v1/threads/{threadId}", "threads"
	reply(s, op("list-threads", http.MethodGet, list, tag, "Threads, newest activity first, without steps and elements"), s.listThreads)
	reply(s, op("get-thread", http.MethodGet, one, tag, "A thread with its steps and elements"), s.getThread)
	reply(s, with(op("update-thread", http.MethodPatch, one, tag, "Lay a patch over a thread; it is created when missing"), jsonBody[threadBody](s.api)), s.patchThread)
	done(s, op("delete-thread", http.MethodDelete, one, tag, "Delete a thread and all that is in it"), s.deleteThread)
	reply(s, op("get-thread-author", http.MethodGet, one+"/author", tag, "The identifier of a thread's owner"), s.getAuthor)
}

func (s *Server) listThreads(ctx context.Context, c *call, in *threadList) (page.Page[chat.Thread], error) {
	filter, request, err := in.parse(c)
	if err != nil {
		return page.Page[chat.Thread]{}, err
	}
	if filter.UserID == "" && c.actor == "" && !c.may(keys.Admin) {
		return page.Page[chat.Thread]{}, errs.Field(errs.Forbidden, "userId", "is needed with a key that lacks the scope %q", keys.Admin)
	}
	return c.db.Chat.Threads(acting(ctx, c), filter, request)
}

func (in *threadList) parse(c *call) (chat.ThreadFilter, page.Request, error) {
	f := chat.ThreadFilter{UserID: in.UserID, Search: in.Search}
	p, err := in.request(c)
	if err != nil {
		return f, p, err
	}
	if feedback, ok, err := in.Feedback.parse("feedback"); err != nil {
		return f, p, err
	} else if ok {
		f.Feedback = &feedback
	}
	return f, p, nil
}

func (s *Server) getThread(ctx context.Context, c *call, in *threadRead) (chat.Thread, error) {
	ctx, err := reading(ctx, c, in.Raw)
	if err != nil {
		return chat.Thread{}, err
	}
	t, err := c.db.Chat.Thread(ctx, in.ThreadID)
	for i := range t.Elements {
		s.absolute(&t.Elements[i])
	}
	return t, err
}

func (s *Server) patchThread(ctx context.Context, c *call, in *threadPath) (chat.Written, error) {
	var body threadBody
	if err := s.body(c, &body); err != nil {
		return chat.Written{}, err
	}
	w, err := c.db.Chat.UpdateThread(acting(ctx, c), chat.ThreadPatch{ID: in.ThreadID, Name: body.Name,
		UserID: text(body.UserID), Metadata: body.Metadata, Tags: body.Tags})
	return written(c, w, err)
}

func (s *Server) deleteThread(ctx context.Context, c *call, in *threadPath) error {
	return c.db.Chat.DeleteThread(acting(ctx, c), in.ThreadID)
}

func (s *Server) getAuthor(ctx context.Context, c *call, in *threadPath) (authorAnswer, error) {
	author, err := c.db.Chat.Author(acting(ctx, c), in.ThreadID)
	return authorAnswer{author}, err
}
