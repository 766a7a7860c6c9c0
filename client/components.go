package client

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/wire"
)

// Components are what is declared in a server's database. The methods'
// contracts are those of component.API. Large bytes are put as artifacts before
// the declarations that have them are sent: of more than 64 KiB, and for a plan,
// which would rather put nothing, of more than 8 MiB. Those that no apply
// follows are freed after an hour.
type Components struct {
	c      *Client
	policy component.Policy
}

// Components are what is declared in the server's database.
func (c *Client) Components() *Components { return &Components{c: c} }

var _ component.API = (*Components)(nil)

// Versioned implements component.API.
func (a *Components) Versioned(p component.Policy) component.API { return &Components{a.c, p} }

// How many bytes go with a declaration; more go before it.
const (
	sentToApply = 64 << 10
	sentToPlan  = 8 << 20
)

// declare sends declarations.
func (a *Components) declare(ctx context.Context, method, path string, sent int, query url.Values, cs []component.Component, out any) error {
	docs, err := component.Declarations(cs, func(b component.Bytes) (component.Bytes, error) {
		if len(b.Data) <= sent {
			return b, nil
		}
		kind := b.Media
		if kind == "" {
			kind = "application/octet-stream"
		}
		info, err := a.c.Artifacts().Put(ctx, bytes.NewReader(b.Data), kind)
		return component.Bytes{Digest: string(info.Digest)}, err
	})
	if err != nil {
		return err
	}
	return a.c.do(ctx, request{method: method, path: path, query: query, body: docs}, out)
}

// Plan implements component.API.
func (a *Components) Plan(ctx context.Context, cs ...component.Component) (plan component.Plan, err error) {
	err = a.declare(ctx, http.MethodPost, "/v1/plan", sentToPlan, params("policy", string(a.policy)), cs, &plan)
	return plan, err
}

// Apply implements component.API.
func (a *Components) Apply(ctx context.Context, cs ...component.Component) (done component.Result, err error) {
	err = a.declare(ctx, http.MethodPost, "/v1/apply", sentToApply, params("policy", string(a.policy)), cs, &done)
	return done, err
}

// Add implements component.API.
func (a *Components) Add(ctx context.Context, cs ...component.Component) (component.Result, error) {
	return a.Apply(ctx, cs...)
}

// Replace implements component.API.
func (a *Components) Replace(ctx context.Context, c component.Component, upsert component.Upsert) (ref component.Ref, err error) {
	name, err := component.NameOf(c)
	if err != nil {
		return ref, err
	}
	err = a.declare(ctx, http.MethodPut, namePath(name.Type, name.Identifier), sentToApply, truths("upsert", bool(upsert)), []component.Component{c}, &ref)
	return ref, err
}

func namePath(typ, identifier string) string {
	return "/v1/components/" + segment(typ) + "/" + segment(identifier)
}

// whichPath is the path of one version.
func whichPath(w component.Which, rest string) (string, error) {
	if err := w.Check(); err != nil {
		return "", err
	}
	switch {
	case w.UUID != "":
		return "/v1/components/-/" + segment(w.UUID) + rest, nil
	case w.Version == nil || *w.Version == component.Latest:
		return namePath(w.Type, w.Identifier) + "/" + wire.Newest + rest, nil
	}
	return namePath(w.Type, w.Identifier) + "/" + strconv.Itoa(*w.Version) + rest, nil
}

// truths is a query of what is true: names, each before its value.
func truths(pairs ...any) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			q.Set(pairs[i].(string), "true")
		}
	}
	return q
}

// about asks something about one version.
func about[T any](ctx context.Context, a *Components, w component.Which, rest string, query url.Values) (out T, err error) {
	path, err := whichPath(w, rest)
	if err != nil {
		return out, err
	}
	if query == nil {
		query = url.Values{}
	}
	if w.Hidden {
		query.Set("hidden", "true")
	}
	return get[T](ctx, a.c, path, query)
}

// Show implements component.API.
func (a *Components) Show(ctx context.Context, w component.Which) (any, error) {
	return component.ShowFrom(ctx, a, w)
}

// List implements component.API.
func (a *Components) List(ctx context.Context, typ string, hidden bool) ([]component.Listed, error) {
	out := []component.Listed{}
	query := truths("hidden", hidden)
	if typ != "" {
		query.Set("type", typ)
	}
	query.Set("first", strconv.Itoa(page.MaxFirst))
	for {
		some, err := get[page.Page[component.Listed]](ctx, a.c, "/v1/components", query)
		out = append(out, some.Data...)
		if err != nil || !some.Info.HasNextPage {
			return out, err
		}
		query.Set("cursor", *some.Info.EndCursor)
	}
}

// Versions implements component.API.
func (a *Components) Versions(ctx context.Context, typ, identifier string, hidden bool) ([]component.Shown, error) {
	if typ == "" || identifier == "" {
		return []component.Shown{}, nil // nothing has no name
	}
	out, err := get[wire.List[component.Shown]](ctx, a.c, namePath(typ, identifier), truths("hidden", hidden))
	return out.Data, err
}

// Record implements component.API.
func (a *Components) Record(ctx context.Context, w component.Which) (json.RawMessage, error) {
	return about[json.RawMessage](ctx, a, w, "", nil)
}

// Load implements component.API.
func (a *Components) Load(ctx context.Context, w component.Which) (component.Component, error) {
	parts, err := about[wire.List[component.Part]](ctx, a, w, "", params("form", wire.FormParts))
	if err != nil {
		return nil, err
	}
	return component.Assemble(parts.Data, a.c.Artifacts())
}

// Rows implements component.API.
func (a *Components) Rows(ctx context.Context, d *component.Dataset) iter.Seq2[json.RawMessage, error] {
	return component.RowsFrom(ctx, d, a.c.Query().Execute)
}

// Parents implements component.API.
func (a *Components) Parents(ctx context.Context, w component.Which) ([]component.Ref, error) {
	out, err := about[wire.List[component.Ref]](ctx, a, w, "/parents", nil)
	return out.Data, err
}

// Children implements component.API.
func (a *Components) Children(ctx context.Context, w component.Which) ([]component.Ref, error) {
	out, err := about[wire.List[component.Ref]](ctx, a, w, "/children", nil)
	return out.Data, err
}

// Artifacts implements component.API.
func (a *Components) Artifacts(ctx context.Context, w component.Which) ([]artifact.Digest, error) {
	out, err := about[wire.List[artifact.Digest]](ctx, a, w, "/artifacts", nil)
	return out.Data, err
}

// Users implements component.API.
func (a *Components) Users(ctx context.Context, digest artifact.Digest) ([]component.Ref, error) {
	return a.c.Artifacts().users(ctx, digest)
}

// Remove implements component.API.
func (a *Components) Remove(ctx context.Context, w component.Which, o component.RemoveOptions) (gone component.Removed, err error) {
	path, err := whichPath(w, "")
	if err != nil {
		return gone, err
	}
	if w.UUID == "" && w.Version == nil {
		path = namePath(w.Type, w.Identifier) // all of them
	}
	q := truths("force", o.Force, "recursive", o.Recursive, "dryRun", o.DryRun)
	err = a.c.do(ctx, request{method: http.MethodDelete, path: path, query: q}, &gone)
	return gone, err
}

// Unhide implements component.API.
func (a *Components) Unhide(ctx context.Context, w component.Which) ([]component.Ref, error) {
	out, err := post[wire.List[component.Ref]](ctx, a.c, "/v1/unhide", w)
	return out.Data, err
}

// Purge implements component.API.
func (a *Components) Purge(ctx context.Context, w component.Which) ([]component.Ref, error) {
	out, err := post[wire.List[component.Ref]](ctx, a.c, "/v1/purge", w)
	return out.Data, err
}

// Drop implements component.API.
func (a *Components) Drop(ctx context.Context, o component.DropOptions) error {
	return a.c.do(ctx, request{method: http.MethodPost, path: "/v1/drop", body: struct {
		Confirm string `json:"confirm"`
		Data    bool   `json:"data,omitempty"`
	}{o.Confirm, o.Data}}, nil)
}

// Predict implements component.API.
func (a *Components) Predict(context.Context, string, any) (any, error) {
	return nil, component.NoEngine("predict")
}

// Validate implements component.API.
func (a *Components) Validate(context.Context, string) (any, error) {
	return nil, component.NoEngine("validate")
}
