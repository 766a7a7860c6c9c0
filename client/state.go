package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
)

// State is the versioned tables of a server, as a store on which a
// state.Service runs as on a database of its own:
//
//	tables := state.NewService(c.State(), state.Options{})
//
// Times of writes are the server's.
func (c *Client) State() state.Store { return tables{c} }

type tables struct{ c *Client }

var _ state.Store = tables{}

func tablePath(name, rest string) string { return "/v1/state/" + segment(name) + rest }

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (out T, err error) {
	err = c.do(ctx, request{method: http.MethodGet, path: path, query: query}, &out)
	return out, err
}

func post[T any](ctx context.Context, c *Client, path string, body any) (out T, err error) {
	err = c.do(ctx, request{method: http.MethodPost, path: path, body: body}, &out)
	return out, err
}

func digits(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// Tables implements state.Store.
func (s tables) Tables(ctx context.Context) ([]state.Table, error) {
	out, err := get[struct{ Data []state.Table }](ctx, s.c, "/v1/state", nil)
	return out.Data, err
}

// Declare implements state.Store.
func (s tables) Declare(ctx context.Context, schema state.Schema) (t state.Table, err error) {
	if schema.Name == "" {
		return t, errs.Field(errs.Invalid, "name", "of the table is missing")
	}
	err = s.c.do(ctx, request{method: http.MethodPut, path: tablePath(schema.Name, ""), body: schema}, &t)
	return t, err
}

// Clear implements state.Store.
func (s tables) Clear(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return s.c.do(ctx, request{method: http.MethodDelete, path: "/v1/state", query: url.Values{"table": names}}, nil)
}

// Write implements state.Store.
func (s tables) Write(ctx context.Context, table string, ws []state.Write) ([]state.Version, error) {
	body := wire.Changes{Writes: make([]wire.Change, len(ws))}
	for i, w := range ws {
		c := wire.Change{Op: string(w.Op), Whole: w.Whole, Expect: w.Expect, Source: w.Source, Owner: w.Owner, Actor: w.Actor}
		if w.Op == state.OpDelete || w.Op == state.OpRestore {
			c.Key = w.Key
		} else {
			c.Values = make(map[string]json.RawMessage, len(w.Values))
			for name, value := range w.Values {
				raw, err := marshal(value)
				if err != nil {
					return nil, errs.Field(errs.Invalid, name, "cannot be written as JSON")
				}
				c.Values[name] = raw
			}
		}
		body.Writes[i] = c
	}
	out, err := post[wire.WrittenVersions](ctx, s.c, tablePath(table, "/versions"), body)
	if err != nil {
		return nil, err
	}
	return decodeVersions(&state.Table{Schema: state.Schema{Name: table, Columns: out.Columns}}, out.Data)
}

func decodeVersions(t *state.Table, data []wire.Version) ([]state.Version, error) {
	out := make([]state.Version, len(data))
	for i, raw := range data {
		var err error
		if out[i], err = t.DecodeVersion(raw); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// versions makes a call that answers with versions of a table.
func (s tables) versions(ctx context.Context, t *state.Table, rest string, query url.Values) ([]state.Version, error) {
	out, err := get[wire.Versions](ctx, s.c, tablePath(t.Name, rest), query)
	if err != nil {
		return nil, err
	}
	return decodeVersions(t, out.Data)
}

// Head implements state.Store.
func (s tables) Head(ctx context.Context, t *state.Table) (state.Head, error) {
	return get[state.Head](ctx, s.c, tablePath(t.Name, "/head"), nil)
}

// Get implements state.Store.
func (s tables) Get(ctx context.Context, t *state.Table, key string, at int64) (state.Version, error) {
	query := params("at", digits(at))
	query.Set("key", key) // an empty key is one too
	raw, err := get[json.RawMessage](ctx, s.c, tablePath(t.Name, "/row"), query)
	if err != nil {
		return state.Version{}, err
	}
	return t.DecodeVersion(raw)
}

// Scan implements state.Store.
func (s tables) Scan(ctx context.Context, t *state.Table, q state.Scan) ([]state.Version, error) {
	body := wire.Scan{At: q.At, Where: q.Where, Order: q.Order, After: q.After, First: q.Limit, Deleted: q.Deleted}
	out, err := post[wire.Versions](ctx, s.c, tablePath(t.Name, "/scan"), body)
	if err != nil {
		return nil, err
	}
	return decodeVersions(t, out.Data)
}

// History implements state.Store.
func (s tables) History(ctx context.Context, t *state.Table, key string, before int64, limit int) ([]state.Version, error) {
	query := params("before", digits(before), "first", strconv.Itoa(limit))
	query.Set("key", key)
	return s.versions(ctx, t, "/history", query)
}

// Log implements state.Store.
func (s tables) Log(ctx context.Context, t *state.Table, after int64, limit int) ([]state.Version, error) {
	return s.versions(ctx, t, "/versions", params("after", digits(after), "first", strconv.Itoa(limit)))
}

// Position implements state.Store.
func (s tables) Position(ctx context.Context, t *state.Table, at time.Time) (int64, error) {
	p, err := get[wire.Position](ctx, s.c, tablePath(t.Name, "/position"), params("time", at.UTC().Format(time.RFC3339Nano)))
	return p.Seq, err
}

// Compact implements state.Store.
func (s tables) Compact(ctx context.Context, t *state.Table, horizon, keep int64) (int64, error) {
	out, err := post[wire.Compacted](ctx, s.c, tablePath(t.Name, "/compact"), map[string]int64{"horizon": horizon, "keep": keep})
	return out.Removed, err
}
