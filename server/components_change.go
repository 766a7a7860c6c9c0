package server

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

// dropBody says that all components are to be forgotten.
type dropBody struct {
	Confirm string `json:"confirm" doc:"the name of the database"`
	Data    bool   `json:"data,omitempty" doc:"drop the tables that components declared, with their rows"`
}

// fillBody is a template and the values of its variables.
type fillBody struct {
	Template json.RawMessage            `json:"template" doc:"the declaration of a template"`
	Values   map[string]json.RawMessage `json:"values,omitempty" doc:"by the names of variables"`
}

// strictly decodes a T in which nothing stands that is not known: a misspelled
// name must not mean everything.
type strictly[T any] struct{ v T }

// UnmarshalJSON implements json.Unmarshaler.
func (s *strictly[T]) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s.v); err != nil || d.More() {
		return errs.New(errs.Invalid, "the body is no JSON object of the fields that belong here")
	}
	return nil
}

// declaredTo is the room as a call with a policy uses it, and what it declares.
func (s *Server) declaredTo(c *call, changes bool) (component.API, []component.Component, error) {
	room, err := c.components(changes)
	if err != nil {
		return nil, nil, err
	}
	q, err := parametersOf(c, "policy", "upsert")
	if err != nil {
		return nil, nil, err
	}
	policy := component.Policy(q.Get("policy"))
	if policy != component.OnChange && policy != component.Always {
		return nil, nil, errs.Field(errs.Invalid, "policy", "is %q, or absent", component.Always)
	}
	cs, err := s.declarations(c)
	warnInHeader(c)
	return room.Versioned(policy), cs, err
}

func (s *Server) plan(ctx context.Context, c *call, _ *struct{}) (component.Plan, error) {
	room, cs, err := s.declaredTo(c, false)
	if err != nil {
		return component.Plan{}, err
	}
	return room.Plan(ctx, cs...)
}

func (s *Server) apply(ctx context.Context, c *call, _ *struct{}) (component.Result, error) {
	room, cs, err := s.declaredTo(c, true)
	if err != nil {
		return component.Result{}, err
	}
	return room.Apply(ctx, cs...)
}

// fillTemplate says what a template makes, and stores nothing.
func (s *Server) fillTemplate(_ context.Context, c *call, _ *struct{}) (none wire.List[json.RawMessage], err error) {
	if _, err := c.components(false); err != nil {
		return none, err
	}
	var body strictly[fillBody]
	if err := s.body(c, &body); err != nil {
		return none, err
	}
	given, err := component.Decode(body.v.Template)
	if err != nil {
		return none, err
	}
	template, ok := given.(*component.Template)
	if !ok {
		return none, errs.Field(errs.Invalid, "template", "is a %s; only a template is filled", given.Type())
	}
	values := make(map[string]any, len(body.v.Values))
	for name, value := range body.v.Values {
		values[name] = value
	}
	made, err := template.Fill(values)
	if err != nil {
		return none, err
	}
	declared := make([]json.RawMessage, len(made))
	for i, m := range made {
		if declared[i], err = component.Encode(m); err != nil {
			return none, err
		}
	}
	return wire.ListOf(declared), nil
}

func (s *Server) replaceComponent(ctx context.Context, c *call, in *componentName) (component.Ref, error) {
	none := component.Ref{}
	room, cs, err := s.declaredTo(c, true)
	if err != nil {
		return none, err
	}
	upsert, err := truth(c.r.URL.Query(), "upsert")
	if err != nil {
		return none, err
	}
	if len(cs) != 1 {
		return none, errs.New(errs.Invalid, "one component is replaced at a time")
	}
	named := component.Newest(in.Type, in.Identifier)
	if !named.Names(cs[0]) {
		return none, errs.Field(errs.Invalid, "identifier", "is not the component of the path")
	}
	return room.Replace(ctx, cs[0], component.Upsert(upsert))
}

func (s *Server) removeComponent(ctx context.Context, c *call, in *componentName) (component.Removed, error) {
	return s.removeVersions(ctx, c, component.Newest(in.Type, in.Identifier))
}

// removeVersion removes one version: where a path says that it is the newest,
// a path without it would mean all.
func (s *Server) removeVersion(ctx context.Context, c *call, w component.Which) (component.Removed, error) {
	if w.UUID == "" && w.Version == nil {
		newest := component.Latest
		w.Version = &newest
	}
	return s.removeVersions(ctx, c, w)
}

func (s *Server) removeVersions(ctx context.Context, c *call, w component.Which) (none component.Removed, err error) {
	room, err := c.components(true)
	if err != nil {
		return none, err
	}
	q, err := parametersOf(c, "force", "recursive", "dryRun", "hidden")
	if err != nil {
		return none, err
	}
	var o component.RemoveOptions
	for name, into := range map[string]*bool{"force": &o.Force, "recursive": &o.Recursive, "dryRun": &o.DryRun} {
		if *into, err = truth(q, name); err != nil {
			return none, err
		}
	}
	return room.Remove(ctx, w, o)
}

// meant are the versions that the body of a change names.
func (s *Server) meant(c *call) (*component.Service, component.Which, error) {
	room, err := c.components(true)
	if err != nil {
		return nil, component.Which{}, err
	}
	var w strictly[component.Which]
	err = s.body(c, &w)
	return room, w.v, err
}

func (s *Server) unhide(ctx context.Context, c *call, _ *struct{}) (wire.List[component.Ref], error) {
	room, w, err := s.meant(c)
	if err != nil {
		return wire.List[component.Ref]{}, err
	}
	shown, err := room.Unhide(ctx, w)
	return wire.ListOf(shown), err
}

func (s *Server) purge(ctx context.Context, c *call, _ *struct{}) (wire.List[component.Ref], error) {
	room, w, err := s.meant(c)
	if err != nil {
		return wire.List[component.Ref]{}, err
	}
	purged, err := room.Purge(ctx, w)
	return wire.ListOf(purged), err
}

func (s *Server) drop(ctx context.Context, c *call, _ *struct{}) error {
	room, err := c.components(true)
	if err != nil {
		return err
	}
	var body strictly[dropBody]
	if err := s.body(c, &body); err != nil {
		return err
	}
	return room.Drop(ctx, component.DropOptions{Confirm: body.v.Confirm, Data: body.v.Data})
}
