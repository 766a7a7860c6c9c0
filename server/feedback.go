package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

type feedbackRef struct {
	ID       string `path:"feedbackId"`
	ThreadID string `query:"threadId" doc:"its thread, where the store needs it"`
}

// feedbackIn is a verdict as callers send it. A value that is missing must
// not become a thumb down.
type feedbackIn struct {
	ID       *string      `json:"id,omitempty"`
	ForID    string       `json:"forId" doc:"the step"`
	ThreadID *string      `json:"threadId,omitempty" doc:"taken from the step when absent"`
	Value    *json.Number `json:"value" doc:"0 is down, 1 is up"`
	Comment  *string      `json:"comment,omitempty"`
}

func (s *Server) feedbackRoutes() {
	const tag = "feedback"
	reply(s, with(op("put-feedback", http.MethodPut, "/v1/feedback", tag, "Set the feedback of a step, of which there is one"), jsonBody[feedbackBody](s.api)), s.putFeedback)
	done(s, op("delete-feedback", http.MethodDelete, "/v1/feedback/{feedbackId}", tag, "Remove a feedback"), s.deleteFeedback)
}

// feedbackBody describes feedbackIn.
type feedbackBody struct {
	ID       *string `json:"id,omitempty"`
	ForID    string  `json:"forId" doc:"the step"`
	ThreadID *string `json:"threadId,omitempty" doc:"taken from the step when absent"`
	Value    int     `json:"value" enum:"0,1" doc:"0 is down, 1 is up"`
	Comment  *string `json:"comment,omitempty"`
}

func (s *Server) putFeedback(ctx context.Context, c *call, _ *struct{}) (chat.Written, error) {
	var body feedbackIn
	if err := s.body(c, &body); err != nil {
		return chat.Written{}, err
	}
	value, err := verdict(body.Value)
	if err != nil {
		return chat.Written{}, err
	}
	w, err := c.db.Chat.PutFeedback(acting(ctx, c), chat.Feedback{ID: text(body.ID), ForID: body.ForID,
		ThreadID: text(body.ThreadID), Value: value, Comment: body.Comment})
	return written(c, w, err)
}

// verdict takes 0 and 1, also as 0.0 and 1.0, which is how some callers write
// whole numbers.
func verdict(n *json.Number) (int, error) {
	if n != nil {
		if f, err := n.Float64(); err == nil && (f == 0 || f == 1) {
			return int(f), nil
		}
	}
	return 0, errs.Field(errs.Invalid, "value", "must be 0 (down) or 1 (up)")
}

func (s *Server) deleteFeedback(ctx context.Context, c *call, in *feedbackRef) error {
	return c.db.Chat.DeleteFeedback(acting(ctx, c), chat.Ref{ID: in.ID, ThreadID: in.ThreadID})
}
