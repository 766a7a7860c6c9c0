package chat

import (
	"context"
	"fmt"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// A cursor holds the place, last activity, NUL, id, and not a thread's name,
// so that paging goes on when the thread is deleted meanwhile.

func (s *Service) cursor(question, place string) string { return s.signer().Cursor(question, place) }

func (s *Service) signer() page.Signer { return page.Signer{Secret: s.opt.Secret} }

// errCursor is the refusal of a cursor that is none of the listing's.
var errCursor = errs.Field(errs.Invalid, "cursor", "is not a cursor of this listing; start again without one")

// question is what a cursor of threads belongs to.
func (f ThreadFilter) question() string {
	feedback := "-"
	if f.Feedback != nil {
		feedback = fmt.Sprint(*f.Feedback)
	}
	return fmt.Sprintf("threads\x00%s\x00%s\x00%s", f.UserID, feedback, f.Search)
}

func (p Place) String() string { return p.LastActivity + "\x00" + p.ID }

// readCursor takes a cursor of ours, or the id of a thread of the filter's
// owner, which is what Chainlit's own layer hands out.
func (s *Service) readCursor(ctx context.Context, f ThreadFilter, cursor string) (Place, error) {
	if strings.HasPrefix(cursor, page.CursorMark) {
		place, ok := s.signer().Open(f.question(), cursor)
		if !ok {
			return Place{}, errCursor
		}
		activity, id, _ := strings.Cut(place, "\x00")
		return Place{LastActivity: activity, ID: id}, nil
	}
	if placer, ok := s.port().(Placer); ok {
		if p, userID, ok := placer.Place(cursor); ok {
			if userID != f.UserID {
				return Place{}, errCursor
			}
			return p, nil
		}
	}
	if checkID("cursor", cursor) != nil {
		return Place{}, errCursor
	}
	h, err := s.port().Head(ctx, cursor)
	if errs.KindOf(err) == errs.NotFound || (err == nil && f.UserID != "" && h.UserID != f.UserID) {
		return Place{}, errCursor
	}
	return Place{LastActivity: h.LastActivity, ID: h.ID}, err
}
