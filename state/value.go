package state

import (
	"errors"
	"fmt"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Bounds of what a row holds.
const (
	MaxValue = datum.MaxSize // bytes of one value
	MaxKey   = 2000          // bytes of a key or an owner: they stand in an index
)

// value brings what a caller gives into the form that [Type] says, or refuses
// it. The result shares no memory with the input.
func (c Column) value(v any) (any, error) {
	out, err := datum.Value(string(c.Type), v)
	var e *errs.Error
	if errors.As(err, &e) {
		return nil, errs.Field(e.Kind, c.Name, "%s", e.Detail)
	}
	return out, err
}

func shown(v any) string {
	s := fmt.Sprint(v)
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
