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

func (s *Service) cursor(f ThreadFilter, p Place) string {
	place := p.LastActivity + "\x00" + p.ID
	return cursorMark + base64.RawURLEncoding.EncodeToString(append(s.cursorMAC(f, place), place...))
}

func (s *Service) cursorMAC(f ThreadFilter, place string) []byte {
	feedback := "-"
	if f.Feedback != nil {
		feedback = fmt.Sprint(*f.Feedback)
	}
	mac := hmac.New(sha256.New, s.opt.Secret)
	fmt.Fprintf(mac, "threads\x00%s\x00%s\x00%s\x00%s", f.UserID, feedback, f.Search, place)
	return mac.Sum(nil)[:16]
}

// readCursor takes a cursor of ours, or the id of a thread of the filter's
// owner, which is what Chainlit's own layer hands out.
func (s *Service) readCursor(ctx context.Context, f ThreadFilter, cursor string) (Place, error) {
	bad := errs.Field(errs.Invalid, "cursor", "is not a cursor of this listing; start again without one")
	if rest, ok := strings.CutPrefix(cursor, cursorMark); ok {
		raw, err := base64.RawURLEncoding.DecodeString(rest)
		if err != nil || len(raw) < 16 {
			return Place{}, bad
		}
		mac, place := raw[:16], string(raw[16:])
		activity, id, ok := strings.Cut(place, "\x00")
		if !ok || !hmac.Equal(mac, s.cursorMAC(f, place)) {
			return Place{}, bad
		}
		return Place{LastActivity: activity, ID: id}, nil
	}
	if checkID("cursor", cursor) != nil {
		return Place{}, bad
	}
	h, err := s.store.Head(ctx, cursor)
	if errs.KindOf(err) == errs.NotFound || (err == nil && f.UserID != "" && h.UserID != f.UserID) {
		return Place{}, bad
	}
	return Place{LastActivity: h.LastActivity, ID: h.ID}, err
}
