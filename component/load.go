package component

import (
	"context"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Which names a stored component: by its UUID, or by type and identifier, with
// a version or else the newest.
type Which struct {
	Type       string `json:"type_id,omitempty"`
	Identifier string `json:"identifier,omitempty"`
	// Version nil or [Latest]: the newest visible one.
	Version *int `json:"version,omitempty"`
	// UUID wins over everything else.
	UUID string `json:"uuid,omitempty"`
	// Hidden: hidden versions count too.
	Hidden bool `json:"hidden,omitempty"`
}

// Newest names the newest version of a component.
func Newest(typ, identifier string) Which { return Which{Type: typ, Identifier: identifier} }

// Version names one version of a component.
func Version(typ, identifier string, version int) Which {
	return Which{Type: typ, Identifier: identifier, Version: &version}
}

// ByUUID names a version by its UUID.
func ByUUID(uuid string) Which { return Which{UUID: uuid} }

func (w Which) ref() Ref {
	r := Ref{Name: Name{kindOf(w.Type), w.Identifier}, Version: Latest, UUID: w.UUID}
	if w.Version != nil {
		r.Version = *w.Version
	}
	return r
}

// kindOf is a type under its present name.
func kindOf(typ string) string {
	if c, ok := blank(typ); ok {
		return c.Type()
	}
	return typ
}

// record finds what is named. errs.NotFound; errs.Invalid when nothing is
// named, or when a version is and no identifier.
func (s *Service) record(ctx context.Context, w Which) (Record, error) {
	if w.UUID != "" {
		found, err := s.store.Find(ctx, Filter{UUIDs: []string{w.UUID}, Hidden: true})
		if err == nil && (len(found) == 0 || found[0].Hidden && !w.Hidden) {
			err = errs.Field(errs.NotFound, "uuid", "there is no component with the UUID %q", w.UUID)
		}
		if err != nil {
			return Record{}, err
		}
		return found[0], nil
	}
	if err := w.Check(); err != nil {
		return Record{}, err
	}
	ref := w.ref()
	f := Filter{Type: ref.Type, Identifier: ref.Identifier, Hidden: w.Hidden, Newest: true}
	if ref.Version != Latest {
		f.Version = &ref.Version
	}
	found, err := s.store.Find(ctx, f)
	if err == nil && len(found) == 0 {
		err = absent(ref)
	}
	if err != nil {
		return Record{}, err
	}
	return found[0], nil
}

// Load returns a stored component with its version and UUID, and those inside
// it, each the version that it was applied with. Large bytes are read when they
// are asked for. errs.NotFound.
func (s *Service) Load(ctx context.Context, w Which) (Component, error) {
	r, err := s.record(ctx, w)
	if err != nil {
		return nil, err
	}
	return s.loaded(ctx, r)
}

// Names tells whether a component is of the type and identifier.
func (w Which) Names(c Component) bool {
	return nameOf(c) == Name{kindOf(w.Type), w.Identifier}
}

// Check refuses what names no component: errs.Invalid.
func (w Which) Check() error {
	if w.UUID == "" && (w.Type == "" || w.Identifier == "") {
		return errs.Field(errs.Invalid, "identifier", "a component is named by its type and identifier, or by its UUID")
	}
	return nil
}

// Parents returns the versions that have a component inside them, hidden ones
// too. errs.NotFound when it is not there.
func (s *Service) Parents(ctx context.Context, w Which) ([]Ref, error) {
	return s.related(ctx, w, func(uuid string) ([]Edge, error) { return s.store.Edges(ctx, nil, []string{uuid}) }, func(e Edge) string { return e.Parent })
}

// Children returns the versions that a component has inside it. errs.NotFound
// when it is not there.
func (s *Service) Children(ctx context.Context, w Which) ([]Ref, error) {
	return s.related(ctx, w, func(uuid string) ([]Edge, error) { return s.store.Edges(ctx, []string{uuid}, nil) }, func(e Edge) string { return e.Child })
}

func (s *Service) related(ctx context.Context, w Which, edges func(string) ([]Edge, error), end func(Edge) string) ([]Ref, error) {
	r, err := s.record(ctx, w)
	if err != nil {
		return nil, err
	}
	found, err := edges(r.UUID)
	if err != nil {
		return nil, err
	}
	uuids := []string{}
	for _, e := range found {
		uuids = append(uuids, end(e))
	}
	return s.refs(ctx, uuids)
}

// refs are the names of versions, in order and each once.
func (s *Service) refs(ctx context.Context, uuids []string) ([]Ref, error) {
	out := []Ref{}
	if len(uuids) == 0 {
		return out, nil
	}
	found, err := s.store.Find(ctx, Filter{UUIDs: uuids, Hidden: true, Bare: true})
	for _, r := range found {
		out = append(out, r.Ref)
	}
	return out, err
}

// Artifacts returns the digests that a component's record names. errs.NotFound
// when it is not there.
func (s *Service) Artifacts(ctx context.Context, w Which) ([]artifact.Digest, error) {
	r, err := s.record(ctx, w)
	if err != nil {
		return nil, err
	}
	c, err := decodeRecord(r.Body)
	if err != nil {
		return nil, unreadable(r.Ref.String(), err)
	}
	out := []artifact.Digest{}
	_, held, _ := contents(c)
	for _, b := range held {
		if b.Digest != "" {
			out = append(out, artifact.Digest(b.Digest))
		}
	}
	return out, nil
}

// Users returns the components that name an artifact. None is no error.
func (s *Service) Users(ctx context.Context, digest artifact.Digest) ([]Ref, error) {
	owners, err := s.store.Owners(ctx, string(digest))
	if err != nil {
		return nil, err
	}
	var uuids []string
	for _, o := range owners {
		if o.Kind == ComponentOwner {
			uuids = append(uuids, o.ID)
		}
	}
	return s.refs(ctx, uuids)
}
