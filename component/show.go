package component

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Listed is a component in a list of all.
type Listed struct {
	Name
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// Shown is one version in a list of versions.
type Shown struct {
	Ref
	Hidden  bool      `json:"hidden"`
	Status  Status    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

// Show answers with as much of a name as there is: with the list of all
// components ([]Listed), the identifiers of a type ([]string), the versions of
// a component ([]int), or the record of a version (json.RawMessage). A type or
// an identifier that nothing has is an empty list; a version that is not there
// is errs.NotFound. A version without an identifier is errs.Invalid.
func (s *Service) Show(ctx context.Context, o Which) (any, error) { return ShowFrom(ctx, s, o) }

// ShowFrom is [Service.Show] of what an API lists.
func ShowFrom(ctx context.Context, s API, o Which) (any, error) {
	switch {
	case o.UUID != "":
		return s.Record(ctx, o)
	case o.Version != nil && (o.Identifier == "" || o.Type == ""):
		return nil, errs.Field(errs.Invalid, "identifier", "is None, and version %d of what is meant?", *o.Version)
	case o.Version != nil && *o.Version < Latest:
		return nil, errs.Field(errs.Invalid, "version", "is %d; versions count from 0, and -1 is the newest", *o.Version)
	case o.Version != nil:
		return s.Record(ctx, o)
	case o.Identifier != "" && o.Type == "":
		return nil, errs.Field(errs.Invalid, "type_id", "is missing; types are %v", Types())
	case o.Identifier != "":
		versions, err := s.Versions(ctx, o.Type, o.Identifier, o.Hidden)
		out := []int{}
		for _, v := range versions {
			out = append(out, v.Version)
		}
		return out, err
	case o.Type != "":
		all, err := s.List(ctx, o.Type, o.Hidden)
		out := []string{}
		for _, l := range all {
			out = append(out, l.Identifier)
		}
		return out, err
	}
	return s.List(ctx, "", o.Hidden)
}

// List lists components in the order of type and identifier, of one type or
// of all, each with the status of its newest version.
func (s *Service) List(ctx context.Context, typ string, hidden bool) ([]Listed, error) {
	out := []Listed{}
	var after *Ref
	for {
		some, err := s.some(ctx, typ, hidden, after, 1000)
		out = append(out, some...)
		if err != nil || len(some) < 1000 {
			return out, err
		}
		after = behind(some[999].Name)
	}
}

// Page is one page of List. errs.Invalid: the cursor is not of this listing.
func (s *Service) Page(ctx context.Context, typ string, hidden bool, p page.Request) (page.Page[Listed], error) {
	out := page.Page[Listed]{Data: []Listed{}}
	cursors, question := page.Signer{}, "components "+kindOf(typ) // nothing is hidden from who lists
	var after *Ref
	if p.Cursor != "" {
		place, ok := cursors.Open(question, p.Cursor)
		t, identifier, _ := strings.Cut(place, "/")
		if !ok {
			return out, errs.Field(errs.Invalid, "cursor", "is none of this listing; begin without one")
		}
		after = behind(Name{t, identifier})
	}
	some, err := s.some(ctx, typ, hidden, after, p.Limit()+1)
	if err != nil || len(some) == 0 {
		return out, err
	}
	if len(some) > p.Limit() {
		out.Info.HasNextPage, some = true, some[:p.Limit()]
	}
	first, last := cursors.Cursor(question, some[0].String()), cursors.Cursor(question, some[len(some)-1].String())
	out.Info.StartCursor, out.Info.EndCursor, out.Data = &first, &last, some
	return out, nil
}

// behind is where a list goes on after all versions of a component.
func behind(n Name) *Ref { return &Ref{Name: n, Version: math.MaxInt32} }

// some are components behind one, at most limit.
func (s *Service) some(ctx context.Context, typ string, hidden bool, after *Ref, limit int) ([]Listed, error) {
	if typ != "" {
		typ = kindOf(typ)
	}
	found, err := s.store.Find(ctx, Filter{Type: typ, Hidden: hidden, Newest: true, Bare: true, After: after, Limit: limit})
	out := make([]Listed, 0, len(found))
	for _, r := range found {
		out = append(out, Listed{r.Name, r.Status, r.Reason})
	}
	return out, err
}

// Versions lists the versions of a component in order; none when there is no
// such component.
func (s *Service) Versions(ctx context.Context, typ, identifier string, hidden bool) ([]Shown, error) {
	found, err := s.store.Find(ctx, Filter{Type: kindOf(typ), Identifier: identifier, Hidden: hidden, Bare: true})
	out := []Shown{}
	for _, r := range found {
		out = append(out, Shown{r.Ref, r.Hidden, r.Status, r.Reason, r.Created, r.Updated})
	}
	return out, err
}

// Record is what is stored of a version, as JSON: the fields of the component,
// with references for children and large bytes, and version, uuid, hidden,
// status, reason, hash, break_hash, edition, created_at and updated_at.
// errs.NotFound.
func (s *Service) Record(ctx context.Context, w Which) (json.RawMessage, error) {
	r, err := s.record(ctx, w)
	if err != nil {
		return nil, err
	}
	v, err := parse(r.Body)
	doc, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, errs.Wrap(errs.Internal, err, "the record of %s cannot be read", r.Ref)
	}
	doc = masked(doc).(map[string]any)
	facts, err := generic(map[string]any{"version": r.Version, "uuid": r.UUID, "hidden": r.Hidden, "status": r.Status, "reason": r.Reason,
		"hash": r.Hash, "break_hash": r.Break, "edition": r.Revision, "created_at": r.Created, "updated_at": r.Updated})
	if err != nil {
		return nil, err
	}
	for name, v := range facts.(map[string]any) {
		doc[name] = v
	}
	return appendCanonical(nil, doc)
}

// sorted puts references in order.
func sorted(refs []Ref) []Ref {
	out := append([]Ref{}, refs...)
	slices.SortFunc(out, compareRefs)
	return out
}
