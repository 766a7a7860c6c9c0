// Package page says how a listing is cut: how many at most, after which
// cursor, and what came back. Cursors are opaque to callers.
package page

// Bounds of a page.
const (
	DefaultFirst = 35  // what Chainlit's sidebar asks for
	MaxFirst     = 200 // more is clamped, not refused
)

// Request asks for a page: at most First items after Cursor. The zero value is
// the first page of the default length.
type Request struct {
	First  int
	Cursor string
}

// Limit is First with its bounds: 0 is the default, less is 1, more is
// MaxFirst.
func (r Request) Limit() int {
	switch {
	case r.First == 0:
		return DefaultFirst
	case r.First < 0:
		return 1
	default:
		return min(r.First, MaxFirst)
	}
}

// Info tells where a page lies in its listing. The cursors are those of the
// first and last item, nil on an empty page.
type Info struct {
	HasNextPage bool    `json:"hasNextPage"`
	StartCursor *string `json:"startCursor"`
	EndCursor   *string `json:"endCursor"`
}

// Page is one page of a listing. Data is never nil.
type Page[T any] struct {
	Info Info `json:"pageInfo"`
	Data []T  `json:"data"`
}
