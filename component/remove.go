package component

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// RemoveOptions tune [Service.Remove].
type RemoveOptions struct {
	// Force hides versions that others use, and removes the rest.
	Force bool
	// Recursive removes what is inside, too, unless others use it.
	Recursive bool
	// DryRun tells what would be done, and does nothing.
	DryRun bool
}

// Removed is what a removal did.
type Removed struct {
	Removed []Ref `json:"removed"`
	Hidden  []Ref `json:"hidden"`
}

// Remove removes the version that is named, or all versions of a component.
// A version that others have inside them is errs.Conflict, which names them,
// and nothing is removed; with Force it is hidden: it shows no more, and those
// that have it still load. A version that is not there is errs.NotFound; a
// component without versions is no error. Artifacts that nobody else names are
// left to sweeps. Tables of the databackend stay.
func (s *Service) Remove(ctx context.Context, w Which, o RemoveOptions) (Removed, error) {
	return again(ctx, func() (Removed, error) {
		targets, err := s.targets(ctx, w)
		if err != nil {
			return Removed{}, err
		}
		r := &removal{gone: map[string]Record{}, hidden: map[string]Record{}}
		for _, t := range targets {
			r.gone[t.UUID] = t
		}
		if o.Recursive {
			if err := s.descend(ctx, r, o.Force); err != nil {
				return Removed{}, err
			}
		}
		if err := s.spare(ctx, r, o.Force); err != nil {
			return Removed{}, err
		}
		return s.removed(ctx, r, o.DryRun)
	})
}

// targets are the versions that are named, hidden ones among them.
func (s *Service) targets(ctx context.Context, w Which) ([]Record, error) {
	w.Hidden = true
	if w.UUID != "" || w.Version != nil {
		r, err := s.record(ctx, w)
		return []Record{r}, err
	}
	if err := w.Check(); err != nil {
		return nil, err
	}
	return s.store.Find(ctx, Filter{Type: kindOf(w.Type), Identifier: w.Identifier, Hidden: true, Bare: true})
}

// removal is what a removal is about to do, by UUID.
type removal struct {
	gone   map[string]Record
	hidden map[string]Record
	below  map[string]bool // came by descending
}

// descend takes what is inside along. What others use stays, and fails the
// removal unless it is forced.
func (s *Service) descend(ctx context.Context, r *removal, force bool) error {
	r.below = map[string]bool{}
	next := keys(r.gone)
	for len(next) > 0 {
		edges, err := s.store.Edges(ctx, next, nil)
		if err != nil {
			return err
		}
		var wanted []string
		for _, e := range edges {
			if _, ok := r.gone[e.Child]; !ok && !slices.Contains(wanted, e.Child) {
				wanted = append(wanted, e.Child)
			}
		}
		next = wanted
		found, err := s.records(ctx, wanted)
		if err != nil {
			return err
		}
		for uuid, rec := range found {
			r.gone[uuid], r.below[uuid] = rec, true
		}
	}
	if !force {
		return nil
	}
	for { // what others use stays, and then what that uses
		users, err := s.users(ctx, r)
		if err != nil {
			return err
		}
		left := len(r.gone)
		for uuid := range users {
			if r.below[uuid] {
				delete(r.gone, uuid)
			}
		}
		if len(r.gone) == left {
			return nil
		}
	}
}

// users are the edges from what stays to what goes, by the UUID of the latter.
func (s *Service) users(ctx context.Context, r *removal) (map[string][]Edge, error) {
	out := map[string][]Edge{}
	if len(r.gone) == 0 {
		return out, nil
	}
	edges, err := s.store.Edges(ctx, nil, keys(r.gone))
	for _, e := range edges {
		if _, goes := r.gone[e.Parent]; !goes {
			out[e.Child] = append(out[e.Child], e)
		}
	}
	return out, err
}

// spare takes out of a removal what others use: it is hidden, or fails it.
func (s *Service) spare(ctx context.Context, r *removal, force bool) error {
	for {
		users, err := s.users(ctx, r)
		if err != nil || len(users) == 0 {
			return err
		}
		if !force {
			return s.inUse(ctx, r, users)
		}
		for uuid := range users {
			r.hidden[uuid] = r.gone[uuid]
			delete(r.gone, uuid)
		}
	}
}

// inUse says who uses what.
func (s *Service) inUse(ctx context.Context, r *removal, users map[string][]Edge) error {
	var parents []string
	for _, edges := range users {
		for _, e := range edges {
			parents = append(parents, e.Parent)
		}
	}
	names, err := s.records(ctx, parents)
	if err != nil {
		return err
	}
	var says []string
	for uuid, edges := range users {
		var by []string
		for _, e := range edges {
			by = append(by, names[e.Parent].Ref.String())
		}
		slices.Sort(by)
		says = append(says, r.gone[uuid].Ref.String()+" is involved in other components: "+strings.Join(slices.Compact(by), ", "))
	}
	slices.Sort(says)
	return inUse{&errs.Error{Kind: errs.Conflict, Field: "identifier",
		Detail: strings.Join(says, "; ") + "; remove those first, or hide this by force"}}
}

// removed does what is left of a removal.
func (s *Service) removed(ctx context.Context, r *removal, dry bool) (Removed, error) {
	out := Removed{Removed: []Ref{}, Hidden: []Ref{}}
	b := Batch{At: s.opt.Now().UTC()}
	for _, rec := range r.gone {
		out.Removed = append(out.Removed, rec.Ref)
		b.Delete = append(b.Delete, Expected{rec.UUID, rec.Revision})
	}
	for _, rec := range r.hidden {
		if !rec.Hidden {
			out.Hidden = append(out.Hidden, rec.Ref)
			b.Hide = append(b.Hide, Expected{rec.UUID, rec.Revision})
		}
	}
	out.Removed, out.Hidden = sorted(out.Removed), sorted(out.Hidden)
	if dry || len(b.Delete)+len(b.Hide) == 0 {
		return out, nil
	}
	if err := s.store.Commit(ctx, b); err != nil {
		return Removed{}, err
	}
	s.opt.Log.InfoContext(ctx, "components removed", "removed", len(out.Removed), "hidden", len(out.Hidden))
	return out, nil
}

// Unhide shows hidden versions again: the one that is named, or all of a
// component. errs.NotFound when the version is not there.
func (s *Service) Unhide(ctx context.Context, w Which) ([]Ref, error) {
	return again(ctx, func() ([]Ref, error) {
		targets, err := s.targets(ctx, w)
		if err != nil {
			return nil, err
		}
		out := []Ref{}
		b := Batch{At: s.opt.Now().UTC()}
		for _, t := range targets {
			if t.Hidden {
				out = append(out, t.Ref)
				b.Unhide = append(b.Unhide, Expected{t.UUID, t.Revision})
			}
		}
		if len(out) == 0 {
			return out, nil
		}
		return sorted(out), s.store.Commit(ctx, b)
	})
}

// Purge removes hidden versions that nobody uses any more: of one component,
// or of all when none is named.
func (s *Service) Purge(ctx context.Context, w Which) ([]Ref, error) {
	return again(ctx, func() ([]Ref, error) {
		found, err := s.store.Find(ctx, Filter{Type: w.Type, Identifier: w.Identifier, Version: w.Version, Hidden: true, Bare: true})
		if err != nil {
			return nil, err
		}
		r := &removal{gone: map[string]Record{}, hidden: map[string]Record{}}
		for _, rec := range found {
			if rec.Hidden && (w.UUID == "" || rec.UUID == w.UUID) {
				r.gone[rec.UUID] = rec
			}
		}
		if err := s.spare(ctx, r, true); err != nil {
			return nil, err
		}
		done, err := s.removed(ctx, r, false)
		return done.Removed, err
	})
}

// DropOptions tune [Service.Drop].
type DropOptions struct {
	// Confirm is the name of the database, see [Options.Name].
	Confirm string
	// Data drops the tables that components declared, with their rows; those that
	// others made stay.
	Data bool
}

// Drop forgets all components, with their versions, and lets artifacts be
// swept. It cannot be undone, so it is errs.Invalid unless Confirm says the
// name of the database. Rows of users' tables stay unless Data is set.
func (s *Service) Drop(ctx context.Context, o DropOptions) error {
	if s.opt.Name == "" || o.Confirm != s.opt.Name {
		return errs.Field(errs.Invalid, "confirm", "is not the name of the database; nothing was dropped. To forget everything, confirm with its name, %q", s.opt.Name)
	}
	if o.Data && s.opt.Data == nil {
		return errs.Field(errs.Unsupported, "data", "there is no databackend whose tables could be dropped")
	}
	var tables []string
	if o.Data {
		var err error
		if tables, err = s.droppable(ctx); err != nil {
			return err
		}
	}
	if err := s.store.Commit(ctx, Batch{At: s.opt.Now().UTC(), Reset: true}); err != nil {
		return err
	}
	s.opt.Log.WarnContext(ctx, "all components were dropped", "data", o.Data)
	for _, name := range tables {
		if err := s.opt.Data.DropTable(ctx, name); err != nil && !errors.Is(err, errs.NotFound) {
			return err
		}
	}
	return nil
}

// droppable are the tables that components declared, without those that others
// made.
func (s *Service) droppable(ctx context.Context) (names []string, err error) {
	declared, err := s.List(ctx, "table", true)
	if err != nil {
		return nil, err
	}
	for _, d := range declared {
		t, err := s.opt.Data.Describe(ctx, d.Identifier)
		if err != nil && !errors.Is(err, errs.NotFound) {
			return nil, err
		}
		if err == nil && t.Created {
			names = append(names, t.Name)
		}
	}
	return names, nil
}

func keys(m map[string]Record) []string { return sortedKeys(m) }

func compareRefs(a, b Ref) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Identifier, b.Identifier), cmp.Compare(a.Version, b.Version))
}
