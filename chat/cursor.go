package chat

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/varvedb/varve/errs"
)

// A cursor is "v1." and, in unpadded URL base64, a MAC of 16 bytes followed by
// the place: last activity, NUL, id. The MAC (HMAC-SHA-256, cut) covers the
// filter too, so that a cursor works for the owner and the question it was
// made for and for no other. It holds the place and not a thread's name, so
// that paging goes on when the thread is deleted meanwhile.
const cursorMark = "v1."

func (s *Service) cursor(question, place string) string {
	return cursorMark + base64.RawURLEncoding.EncodeToString(append(s.cursorMAC(question, place), place...))
}

func (s *Service) cursorMAC(question, place string) []byte {
	mac := hmac.New(sha256.New, s.opt.Secret)
	fmt.Fprintf(mac, "%s\x00%s", question, place)
	return mac.Sum(nil)[:16]
}

// open returns the place that a cursor of ours holds, for the question it was
// made for.
func (s *Service) open(question, cursor string) (place string, ok bool) {
	rest, ok := strings.CutPrefix(cursor, cursorMark)
	if !ok {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil || len(raw) < 16 {
		return "", false
	}
	place = string(raw[16:])
	return place, hmac.Equal(raw[:16], s.cursorMAC(question, place))
}

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
	if strings.HasPrefix(cursor, cursorMark) {
		place, ok := s.open(f.question(), cursor)
		if !ok {
			return Place{}, errCursor
		}
		activity, id, _ := strings.Cut(place, "\x00")
		return Place{LastActivity: activity, ID: id}, nil
	}
	if placer, ok := s.store.(Placer); ok {
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
	h, err := s.store.Head(ctx, cursor)
	if errs.KindOf(err) == errs.NotFound || (err == nil && f.UserID != "" && h.UserID != f.UserID) {
		return Place{}, errCursor
	}
	return Place{LastActivity: h.LastActivity, ID: h.ID}, err
}
