package server

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
)

// scanBody is a wire.Scan with its numbers as they are written: as floats,
// large ones would change.
type scanBody struct{ wire.Scan }

// UnmarshalJSON implements json.Unmarshaler.
func (b *scanBody) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&b.Scan); err != nil {
		return errs.New(errs.Invalid, "the body is no query for rows")
	}
	return nil
}

func (b *scanBody) scan() state.Scan {
	return state.Scan{At: b.At, Where: b.Where, Order: b.Order, After: b.After, Limit: b.First, Deleted: b.Deleted}
}
