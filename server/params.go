package server

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/keys"
)

// plain tells whether a text is UTF-8 without NUL.
func plain(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// parse reads the number of a parameter; an empty one is absent.
func (n number) parse(field string) (value int, ok bool, err error) {
	if n == "" {
		return 0, false, nil
	}
	value, err = strconv.Atoi(string(n))
	if err != nil {
		return 0, false, errs.Field(errs.Invalid, field, "is not a whole number")
	}
	return value, true, nil
}

// parse reads the truth of a parameter; an empty one is absent.
func (f flag) parse(field string, absent bool) (bool, error) {
	switch f {
	case "":
		return absent, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errs.Field(errs.Invalid, field, "must be true or false")
}

// parameters refuses a query string that net/url would silently drop parts of.
func parameters(c *call) (url.Values, error) {
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, errs.New(errs.Invalid, "the query string is not percent-encoded as it should be")
	}
	return q, nil
}

// parametersOf are those of a call that changes something, where one that is
// misspelled, as in dry_run, must not mean that nobody gave it.
func parametersOf(c *call, known ...string) (url.Values, error) {
	q, err := parameters(c)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(known, name) {
			return nil, errs.Field(errs.Invalid, name, "is no parameter of this call; there are %s", strings.Join(known, ", "))
		}
	}
	return q, nil
}

// Cut is what every listing takes: how it is cut into pages. It
// is exported for the router, which sets no others.
type Cut struct {
	First  number `query:"first" doc:"how many; 1 to 200, 35 when absent"`
	Cursor string `query:"cursor" doc:"endCursor of the page before"`
}

func (in Cut) request(c *call) (page.Request, error) {
	p := page.Request{Cursor: in.Cursor}
	if _, err := parameters(c); err != nil {
		return p, err
	}
	first, ok, err := in.First.parse("first")
	if ok && first <= 0 {
		first = 1 // as the page room clamps; 0 means the default only when absent
	}
	p.First = first
	return p, err
}

// acting is the context of a call's acting user.
func acting(ctx context.Context, c *call) context.Context {
	if c.actor == "" {
		return ctx
	}
	return chat.As(ctx, c.actor)
}

// reading is the context of a read: with raw, nothing is hidden, which is for
// admins.
func reading(ctx context.Context, c *call, raw flag) (context.Context, error) {
	ctx = acting(ctx, c)
	wanted, err := raw.parse("raw", false)
	if err != nil || !wanted {
		return ctx, err
	}
	if !c.may(keys.Admin) {
		return ctx, errs.Field(errs.Forbidden, "raw", "hidden inputs are shown to keys with the scope %q only", keys.Admin)
	}
	return chat.Raw(ctx), nil
}

// written adds what was noticed while decoding to what the service noticed.
func written(c *call, w chat.Written, err error) (chat.Written, error) {
	for _, warning := range c.warnings {
		found := false
		for _, have := range w.Warnings {
			found = found || have == warning
		}
		if !found {
			w.Warnings = append(w.Warnings, warning)
		}
	}
	return w, err
}
