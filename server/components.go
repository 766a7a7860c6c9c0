package server

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/component/yaml"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

// planRoute is asked by those who read too.
const planRoute = "/v1/plan"

// fillRoute too: it looks at nothing that is stored.
const fillRoute = "/v1/fill"

const (
	componentsPath = "/v1/components"
	componentPath  = componentsPath + "/{type}/{identifier}"
	versionPath    = componentPath + "/{version}"
	uuidPath       = componentsPath + "/-/{uuid}"
)

type componentName struct {
	Type       string `path:"type" doc:"the type_id"`
	Identifier string `path:"identifier"`
}

type componentVersion struct {
	Type       string `path:"type" doc:"the type_id"`
	Identifier string `path:"identifier"`
	Version    string `path:"version" doc:"a number from 0, or newest"`
}

type componentUUID struct {
	UUID string `path:"uuid"`
}

type componentList struct {
	Type   string `query:"type" doc:"of this type only"`
	Hidden flag   `query:"hidden" doc:"with those whose versions are all hidden"`
	Cut
}

func (s *Server) componentRoutes() {
	const tag = "components"
	policy := asks("policy", "always: a version of every declaration; else there is one where something breaks")
	hidden := asks("hidden", "true: hidden versions are found too")
	reply(s, with(op("plan", http.MethodPost, planRoute, tag, "What an apply would do"), declared(), policy), s.plan)
	reply(s, with(op("apply", http.MethodPost, "/v1/apply", tag, "Store components, all or none"), declared(), policy), s.apply)
	reply(s, with(op("fill", http.MethodPost, fillRoute, tag, "The declarations that a template makes"), jsonBody[fillBody](s.api)), s.fillTemplate)
	reply(s, op("list-components", http.MethodGet, componentsPath, tag, "Components by type and identifier"), s.listComponents)
	reply(s, with(op("list-versions", http.MethodGet, componentPath, tag, "The versions of a component"), nil, hidden), s.listVersions)
	reply(s, with(op("replace-component", http.MethodPut, componentPath, tag, "Overwrite the record of a component in place"), declared(),
		asks("upsert", "true: it is created where it is not there")), s.replaceComponent)
	reply(s, with(op("remove-component", http.MethodDelete, componentPath, tag, "Remove all versions of a component"), nil, removing()...), s.removeComponent)

	versioned(s, op("get-component", http.MethodGet, "", tag, "A version of a component"), s.getVersion,
		asks("form", "record: as it is stored; whole: as a declaration, with those inside it; parts: with what it leads to in pieces"), hidden)
	versioned(s, op("get-parents", http.MethodGet, "/parents", tag, "The versions that have a component inside them"), s.getParents, hidden)
	versioned(s, op("get-children", http.MethodGet, "/children", tag, "The versions that a component has inside it"), s.getChildren, hidden)
	versioned(s, op("get-component-artifacts", http.MethodGet, "/artifacts", tag, "The artifacts that a version names"), s.getHeld, hidden)
	versioned(s, op("remove-version", http.MethodDelete, "", tag, "Remove a version of a component"), s.removeVersion, removing()...)

	reply(s, with(op("unhide", http.MethodPost, "/v1/unhide", tag, "Show hidden versions again"), jsonBody[component.Which](s.api)), s.unhide)
	reply(s, with(op("purge", http.MethodPost, "/v1/purge", tag, "Remove hidden versions that nobody uses"), jsonBody[component.Which](s.api)), s.purge)
	done(s, with(op("drop", http.MethodPost, "/v1/drop", tag, "Forget all components"), jsonBody[dropBody](s.api)), s.drop)
}

// asks describes a parameter that a handler reads itself.
func asks(name, about string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
}

func removing() []*huma.Param {
	return []*huma.Param{asks("force", "true: versions in use are hidden"), asks("recursive", "true: with what is inside and used by nobody else"),
		asks("dryRun", "true: remove nothing, and say what would be")}
}

// versioned registers an operation on a version of a component under both of
// its names.
func versioned[T any](s *Server, o huma.Operation, fn func(context.Context, *call, component.Which) (T, error), params ...*huma.Param) {
	rest := o.Path
	o.Parameters, o.Path = params, versionPath+rest
	reply(s, o, func(ctx context.Context, c *call, in *componentVersion) (none T, err error) {
		w := component.Newest(in.Type, in.Identifier)
		if in.Version != wire.Newest {
			n, err := strconv.Atoi(in.Version)
			if err != nil || n < 0 {
				return none, errs.Field(errs.Invalid, "version", "is a number from 0, or %q", wire.Newest)
			}
			w.Version = &n
		}
		return fn(ctx, c, w)
	})
	o.OperationID, o.Path, o.Responses = o.OperationID+"-by-uuid", uuidPath+rest, nil
	o.Parameters = append([]*huma.Param{}, params...)
	reply(s, o, func(ctx context.Context, c *call, in *componentUUID) (T, error) {
		return fn(ctx, c, component.ByUUID(in.UUID))
	})
}

// declared describes a body of declarations.
func declared() map[string]any {
	one := &huma.Schema{Type: huma.TypeObject, Required: []string{"type_id", "identifier"}, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{"type_id": {Type: huma.TypeString}, "identifier": {Type: huma.TypeString}}}
	return map[string]any{bodyKey: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		wire.TypeJSON: {Schema: &huma.Schema{AnyOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one}}, Description: "a component or a list of them"}},
		wire.TypeYAML: {Schema: &huma.Schema{Type: huma.TypeString, Description: "documents that are each a component or a list of them"}},
	}}}
}

// declarations reads the body of a call.
func (s *Server) declarations(c *call) ([]component.Component, error) {
	if isYAML(c.r.Header.Get("Content-Type")) {
		buf := s.buffers.get()
		defer s.buffers.put(buf)
		if err := s.read(c, buf); err != nil {
			return nil, err
		}
		return yaml.Read(bytes.NewReader(buf.Bytes()))
	}
	var raw json.RawMessage
	if err := s.body(c, &raw); err != nil {
		return nil, err
	}
	return component.DecodeAll(raw)
}

// isYAML tells whether a media type is YAML.
func isYAML(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == wire.TypeYAML || t == "application/x-yaml" || t == "text/yaml" || t == "text/x-yaml")
}

// components is the room of components for callers that may see it: it is
// everybody's. changes: for those that may change it.
func (c *call) components(changes bool) (*component.Service, error) {
	switch {
	case c.db.Components == nil:
		return nil, errs.New(errs.Unsupported, "this database keeps no components")
	case c.actor != "":
		return nil, errs.New(errs.Forbidden, "components are everybody's, so they are not for calls that act for a user")
	case changes && !c.may(keys.Admin):
		return nil, errs.New(errs.Forbidden, "components are changed by keys with the scope %q", keys.Admin)
	}
	return c.db.Components, nil
}

// truth is a parameter that is true or not.
func truth(q url.Values, name string) (bool, error) { return flag(q.Get(name)).parse(name, false) }

// found is the room and the parameters of a read.
func (c *call) found(w *component.Which) (*component.Service, url.Values, error) {
	room, err := c.components(false)
	if err != nil {
		return nil, nil, err
	}
	q, err := parameters(c)
	if err == nil {
		w.Hidden, err = truth(q, "hidden")
	}
	return room, q, err
}

func (s *Server) listComponents(ctx context.Context, c *call, in *componentList) (page.Page[component.Listed], error) {
	none := page.Page[component.Listed]{}
	request, err := in.request(c)
	if err != nil {
		return none, err
	}
	var w component.Which
	room, _, err := c.found(&w)
	if err != nil {
		return none, err
	}
	return room.Page(ctx, in.Type, w.Hidden, request)
}

func (s *Server) listVersions(ctx context.Context, c *call, in *componentName) (wire.List[component.Shown], error) {
	var w component.Which
	room, _, err := c.found(&w)
	if err != nil {
		return wire.List[component.Shown]{}, err
	}
	versions, err := room.Versions(ctx, in.Type, in.Identifier, w.Hidden)
	return wire.ListOf(versions), err
}

func (s *Server) getVersion(ctx context.Context, c *call, w component.Which) (json.RawMessage, error) {
	room, q, err := c.found(&w)
	if err != nil {
		return nil, err
	}
	switch q.Get("form") {
	case "", wire.FormRecord:
		return room.Record(ctx, w)
	case wire.FormParts, wire.FormWhole:
	default:
		return nil, errs.Field(errs.Invalid, "form", "is %s, %s or %s", wire.FormRecord, wire.FormWhole, wire.FormParts)
	}
	parts, err := room.Parts(ctx, w)
	if err != nil {
		return nil, err
	}
	if q.Get("form") == wire.FormParts {
		return json.Marshal(wire.ListOf(parts))
	}
	whole, err := component.Assemble(parts, nil)
	if err != nil {
		return nil, err
	}
	return component.Encode(whole)
}

// related makes a handler of what tells versions that are near another.
func related[T any](of func(*component.Service, context.Context, component.Which) ([]T, error)) func(context.Context, *call, component.Which) (wire.List[T], error) {
	return func(ctx context.Context, c *call, w component.Which) (wire.List[T], error) {
		room, _, err := c.found(&w)
		if err != nil {
			return wire.List[T]{}, err
		}
		found, err := of(room, ctx, w)
		return wire.ListOf(found), err
	}
}

func (s *Server) getParents(ctx context.Context, c *call, w component.Which) (wire.List[component.Ref], error) {
	return related((*component.Service).Parents)(ctx, c, w)
}

func (s *Server) getChildren(ctx context.Context, c *call, w component.Which) (wire.List[component.Ref], error) {
	return related((*component.Service).Children)(ctx, c, w)
}

func (s *Server) getHeld(ctx context.Context, c *call, w component.Which) (wire.List[artifact.Digest], error) {
	return related((*component.Service).Artifacts)(ctx, c, w)
}
