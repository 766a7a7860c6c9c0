package component

import (
	"context"
	"encoding/json"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Part is one version of those that a component is made of.
type Part struct {
	UUID     string            `json:"uuid"`
	Version  int               `json:"version"`
	Record   json.RawMessage   `json:"record"`             // with references for children and large bytes
	Children map[string]string `json:"children,omitempty"` // UUIDs by the role of the child
}

// Parts returns a component as it is stored, and then all that it leads to,
// each once: what [Assemble] makes the component of elsewhere. Values that must
// not be shown are masked. errs.NotFound.
func (s *Service) Parts(ctx context.Context, w Which) ([]Part, error) {
	r, err := s.record(ctx, w)
	if err != nil {
		return nil, err
	}
	parts, err := s.parts(ctx, r)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		v, err := parse(p.Record)
		if err == nil {
			parts[i].Record, err = appendCanonical(nil, masked(v))
		}
		if err != nil {
			return nil, unreadable(p.UUID, err)
		}
	}
	return parts, nil
}

// parts finds a record and what it leads to, level by level.
func (s *Service) parts(ctx context.Context, root Record) ([]Part, error) {
	var out []Part
	at := map[string]int{}
	next := []Record{root}
	for len(next) > 0 {
		var parents []string
		for _, r := range next {
			at[r.UUID] = len(out)
			out = append(out, Part{UUID: r.UUID, Version: r.Version, Record: r.Body})
			parents = append(parents, r.UUID)
		}
		edges, err := s.store.Edges(ctx, parents, nil)
		if err != nil {
			return nil, err
		}
		var wanted []string
		for _, e := range edges {
			p := &out[at[e.Parent]]
			if p.Children == nil {
				p.Children = map[string]string{}
			}
			p.Children[e.Role] = e.Child
			if _, known := at[e.Child]; !known {
				wanted = append(wanted, e.Child)
			}
		}
		next = nil
		if len(wanted) > 0 {
			if next, err = s.store.Find(ctx, Filter{UUIDs: wanted, Hidden: true}); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// loaded makes a component of a record, and of those that it leads to.
func (s *Service) loaded(ctx context.Context, root Record) (Component, error) {
	parts, err := s.parts(ctx, root)
	if err != nil {
		return nil, err
	}
	if s.opt.Artifacts == nil { // a nil *artifact.Store is no nil Opener
		return assemble(parts, nil)
	}
	return assemble(parts, s.opt.Artifacts)
}

// Assemble makes the component that the first of the parts is, with the others
// inside it. Its large bytes are read from an artifact store when they are asked
// for.
func Assemble(parts []Part, from artifact.API) (Component, error) {
	if from == nil {
		return assemble(parts, nil)
	}
	return assemble(parts, from)
}

func assemble(parts []Part, from Opener) (Component, error) {
	if len(parts) == 0 {
		return nil, errs.New(errs.Internal, "a component has no parts")
	}
	all := map[string]Component{}
	for _, p := range parts {
		c, err := revive(p, from)
		if err != nil {
			return nil, err
		}
		all[p.UUID] = c
	}
	for _, p := range parts {
		parent := all[p.UUID]
		for _, s := range children(parent) {
			if c := all[p.Children[s.role]]; c != nil {
				put(parent, s.role, Child{Component: c, Ref: s.child.Ref})
			}
		}
	}
	return all[parts[0].UUID], nil
}

// revive makes a component of one record.
func revive(p Part, from Opener) (Component, error) {
	c, err := decodeRecord(p.Record)
	if err != nil {
		return nil, unreadable(p.UUID, err)
	}
	c.base().Version, c.base().UUID = &p.Version, p.UUID
	attach(c, from)
	return c, nil
}

func attach(c Component, from Opener) {
	_, held, back := contents(c)
	for _, b := range held {
		b.from = from
	}
	back()
}

// Attach says where a component, without those inside it, has its large bytes.
// [Service.Plan] then counts on them, as on bytes that will be put before they
// are applied.
func Attach(c Component, from Opener) { attach(c, from) }

func unreadable(which string, err error) error {
	return errs.Wrap(errs.Internal, err, "the record of %s cannot be read", which)
}
