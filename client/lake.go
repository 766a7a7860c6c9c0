package client

import (
	"context"

	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/server/wire"
)

// EnterFile makes a new file at the server, where one transaction holds what a
// lake makes of it: it is the Enter of a lake on [Client.State].
//
//	lake.New(state.NewService(c.State(), state.Options{}), lake.Options{Bucket: c.Objects(), Enter: c.EnterFile})
func (c *Client) EnterFile(ctx context.Context, e lake.Entry) (lake.Record, error) {
	f, err := post[wire.File](ctx, c, "/v1/lake/entries", wire.EntryOf(e))
	if err != nil {
		return lake.Record{}, err
	}
	return f.Record(), nil
}
