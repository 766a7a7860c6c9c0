package server

import (
	"context"
	"net/http"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

type stepRef struct {
	ID       string `path:"stepId"`
	ThreadID string `query:"threadId" doc:"the step's thread, where the store needs it"`
}

type stepRead struct {
	ID       string `path:"stepId"`
	ThreadID string `query:"threadId" doc:"the step's thread, where the store needs it"`
	Raw      flag   `query:"raw" doc:"show hidden inputs; needs the scope admin"`
}

type favoritesList struct {
	UserID string `query:"userId" required:"true"`
	Raw    flag   `query:"raw" doc:"show hidden inputs; needs the scope admin"`
}

type stepsAnswer struct {
	Data []chat.Step `json:"data" nullable:"false"`
}

func (s *Server) stepRoutes() {
	const path, tag = "/v1/steps/{stepId}", "steps"
	reply(s, with(op("put-step", http.MethodPut, path, tag, "Lay a patch over a step; step and thread are created when missing"), jsonBody[chat.Step](s.api)), s.putStep)
	reply(s, op("get-step", http.MethodGet, path, tag, "A step with its feedback"), s.getStep)
	done(s, op("delete-step", http.MethodDelete, path, tag, "Delete a step, the steps under it, and what they carry"), s.deleteStep)
	reply(s, op("list-favorites", http.MethodGet, "/v1/favorites", tag, "The starred steps in a user's threads, newest first"), s.favorites)
}

func (s *Server) putStep(ctx context.Context, c *call, in *stepRef) (chat.Written, error) {
	var step chat.Step
	if err := s.body(c, &step); err != nil {
		return chat.Written{}, err
	}
	if err := same("id", &step.ID, in.ID); err != nil {
		return chat.Written{}, err
	}
	if in.ThreadID != "" {
		if err := same("threadId", &step.ThreadID, in.ThreadID); err != nil {
			return chat.Written{}, err
		}
	}
	w, err := c.db.Chat.PutStep(acting(ctx, c), step)
	return written(c, w, err)
}

// same fills an id of a body from the path, or refuses two that differ.
func same(field string, body *string, path string) error {
	if *body != "" && *body != path {
		return errs.Field(errs.Invalid, field, "differs between the body and the address")
	}
	*body = path
	return nil
}

func (s *Server) getStep(ctx context.Context, c *call, in *stepRead) (chat.Step, error) {
	ctx, err := reading(ctx, c, in.Raw)
	if err != nil {
		return chat.Step{}, err
	}
	return c.db.Chat.Step(ctx, chat.Ref{ID: in.ID, ThreadID: in.ThreadID})
}

func (s *Server) deleteStep(ctx context.Context, c *call, in *stepRef) error {
	return c.db.Chat.DeleteStep(acting(ctx, c), chat.Ref{ID: in.ID, ThreadID: in.ThreadID})
}

func (s *Server) favorites(ctx context.Context, c *call, in *favoritesList) (stepsAnswer, error) {
	ctx, err := reading(ctx, c, in.Raw)
	if err != nil {
		return stepsAnswer{}, err
	}
	steps, err := c.db.Chat.Favorites(ctx, in.UserID)
	return stepsAnswer{steps}, err
}
