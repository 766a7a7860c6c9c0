package sqlcore

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/varvedb/varve/component"
)

// Owners lists who has an artifact.
func (c *Components) Owners(ctx context.Context, q Querier, digest string) (owners []component.Owner, err error) {
	err = q.Run(ctx, Query{SQL: c.numbered(`SELECT owner_kind,owner FROM ` + holdingTable + ` WHERE digest=? ORDER BY owner_kind,owner`),
		Args: []any{digest}, Each: func(r Row) error {
			var o component.Owner
			o.Kind, _ = r.Text(0)
			o.ID, _ = r.Text(1)
			owners = append(owners, o)
			return nil
		}})
	return owners, err
}

// Begin notes an entry of the journal.
func (c *Components) Begin(ctx context.Context, q Querier, e component.Entry) error {
	return q.Run(ctx, c.Lock(), Query{SQL: c.numbered(`INSERT INTO ` + journalTable + ` (id,at,entry) VALUES (?,?,?)`),
		Args: []any{e.ID, e.At.UnixMicro(), string(e.Body)}})
}

// Begun lists old entries of the journal.
func (c *Components) Begun(ctx context.Context, q Querier, before time.Time) (found []component.Entry, err error) {
	err = q.Run(ctx, Query{SQL: c.numbered(`SELECT id,at,entry FROM ` + journalTable + ` WHERE at<? ORDER BY at,id`),
		Args: []any{before.UnixMicro()}, Each: func(r Row) error {
			var e component.Entry
			e.ID, _ = r.Text(0)
			at, _ := r.Text(1)
			n, _ := strconv.ParseInt(at, 10, 64) // of an integer column
			e.At = time.UnixMicro(n).UTC()
			body, _ := r.Text(2)
			e.Body = json.RawMessage(body)
			found = append(found, e)
			return nil
		}})
	return found, err
}
