package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/component"
)

// Components implements store.Tx.
func (s *Store) Components() component.Store { return components{at: s} }

// Components implements store.Tx.
func (t tx) Components() component.Store { return components{at: t} }

// components serves the port of components over the data.
type components struct{ at access }

var _ component.Store = components{}

// metadata is what the room of components keeps.
type metadata struct {
	records  map[string]component.Record // by UUID
	next     map[component.Name]int
	edges    map[string][]component.Edge // by parent
	holdings map[component.Owner][]string
	journal  map[string]component.Entry
}

func newMetadata() metadata {
	return metadata{records: map[string]component.Record{}, next: map[component.Name]int{},
		edges:    map[string][]component.Edge{},
		holdings: map[component.Owner][]string{}, journal: map[string]component.Entry{}}
}

func copied(r component.Record) component.Record {
	r.Body = bytes.Clone(r.Body)
	return r
}

// Heads implements component.Store.
func (c components) Heads(ctx context.Context, names []component.Name) (heads []component.Head, err error) {
	err = c.at.read(ctx, func(d *data) error {
		heads = make([]component.Head, len(names))
		for i, n := range names {
			heads[i].Next = d.meta.next[n]
		}
		for _, r := range d.meta.records {
			for i, n := range names {
				if r.Name == n && !r.Hidden && (heads[i].UUID == "" || heads[i].Version < r.Version) {
					heads[i].Record = copied(r)
				}
			}
		}
		return nil
	})
	return heads, err
}

func compareRecords(a, b component.Record) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Identifier, b.Identifier), cmp.Compare(a.Version, b.Version))
}

func chosen(r component.Record, f component.Filter) bool {
	switch {
	case f.Type != "" && r.Type != f.Type, f.Identifier != "" && r.Identifier != f.Identifier:
	case f.Version != nil && r.Version != *f.Version, r.Hidden && !f.Hidden:
	case f.UUIDs != nil && !slices.Contains(f.UUIDs, r.UUID):
	default:
		return true
	}
	return false
}

// Find implements component.Store.
func (c components) Find(ctx context.Context, f component.Filter) (found []component.Record, err error) {
	err = c.at.read(ctx, func(d *data) error {
		for _, r := range d.meta.records {
			if chosen(r, f) {
				found = append(found, copied(r))
			}
		}
		slices.SortFunc(found, compareRecords)
		if f.Newest {
			found = newest(found)
		}
		if f.After != nil {
			found = slices.DeleteFunc(found, func(r component.Record) bool { return compareRecords(r, component.Record{Ref: *f.After}) <= 0 })
		}
		if f.Limit > 0 && len(found) > f.Limit {
			found = found[:f.Limit]
		}
		for i := range found {
			if f.Bare {
				found[i].Body = nil
			}
		}
		return nil
	})
	return found, err
}

func newest(sorted []component.Record) (out []component.Record) {
	for i, r := range sorted {
		if i == len(sorted)-1 || sorted[i+1].Name != r.Name {
			out = append(out, r)
		}
	}
	return out
}

// Edges implements component.Store.
func (c components) Edges(ctx context.Context, parents, children []string) (found []component.Edge, err error) {
	err = c.at.read(ctx, func(d *data) error {
		for parent, edges := range d.meta.edges {
			for _, e := range edges {
				if slices.Contains(parents, parent) || slices.Contains(children, e.Child) {
					found = append(found, e)
				}
			}
		}
		slices.SortFunc(found, func(a, b component.Edge) int {
			return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Role, b.Role))
		})
		return nil
	})
	return found, err
}

// Commit implements component.Store.
func (c components) Commit(ctx context.Context, b component.Batch) error {
	return c.at.write(ctx, func(d *data) error {
		for _, step := range []func(*data, component.Batch) error{settle, create, update, hide, erase, link, hold} {
			if err := step(d, b); err != nil {
				return err
			}
		}
		return nil
	})
}

func settle(d *data, b component.Batch) error {
	for _, id := range b.Settled {
		if _, ok := d.meta.journal[id]; !ok {
			return component.Unsettled(id)
		}
		remove(d, d.meta.journal, id)
	}
	if b.Reset {
		old := d.meta
		d.undo = append(d.undo, func() { d.meta = old })
		d.meta = newMetadata()
		d.meta.journal = old.journal
		for owner, digests := range old.holdings {
			if owner.Kind != component.ComponentOwner {
				d.meta.holdings[owner] = digests
			}
		}
	}
	return nil
}

func create(d *data, b component.Batch) error {
	for _, r := range b.Create {
		if next := d.meta.next[r.Name]; r.Version != next {
			return component.Taken(r.Ref, next)
		}
		r.Revision, r.Created, r.Updated = 1, b.At, b.At
		put(d, d.meta.next, r.Name, r.Version+1)
		put(d, d.meta.records, r.UUID, copied(r))
	}
	return nil
}

// changed returns a record as it was expected, with its next revision.
func changed(d *data, b component.Batch, uuid string, revision int64) (component.Record, error) {
	r, ok := d.meta.records[uuid]
	if !ok || r.Revision != revision {
		return r, component.Changed(uuid)
	}
	r.Revision++
	r.Updated = b.At
	return r, nil
}

func update(d *data, b component.Batch) error {
	for _, u := range b.Update {
		r, err := changed(d, b, u.UUID, u.Expect)
		if err != nil {
			return err
		}
		r.Hash, r.Break, r.Status, r.Reason, r.Body = u.Hash, u.Break, u.Status, u.Reason, bytes.Clone(u.Body)
		put(d, d.meta.records, r.UUID, r)
	}
	return nil
}

func hide(d *data, b component.Batch) error {
	for hidden, list := range map[bool][]component.Expected{true: b.Hide, false: b.Unhide} {
		for _, e := range list {
			r, err := changed(d, b, e.UUID, e.Revision)
			if err != nil {
				return err
			}
			r.Hidden = hidden
			put(d, d.meta.records, r.UUID, r)
		}
	}
	return nil
}

func erase(d *data, b component.Batch) error {
	for _, e := range b.Delete {
		if _, err := changed(d, b, e.UUID, e.Revision); err != nil {
			return err
		}
		remove(d, d.meta.records, e.UUID)
		remove(d, d.meta.edges, e.UUID)
		remove(d, d.meta.holdings, component.Owner{Kind: component.ComponentOwner, ID: e.UUID})
	}
	return nil
}

func link(d *data, b component.Batch) error {
	for _, c := range b.Children {
		if _, ok := d.meta.records[c.Parent]; !ok {
			return component.Changed(c.Parent)
		}
		put(d, d.meta.edges, c.Parent, slices.Clone(c.Edges))
		for _, e := range c.Edges {
			if _, ok := d.meta.records[e.Child]; !ok {
				return component.Childless(e)
			}
		}
	}
	for _, e := range b.Delete {
		for parent, edges := range d.meta.edges {
			if slices.ContainsFunc(edges, func(have component.Edge) bool { return have.Child == e.UUID }) {
				return component.InUse(e.UUID, parent)
			}
		}
	}
	return nil
}

func hold(d *data, b component.Batch) error {
	for _, h := range b.Holdings {
		for _, digest := range h.Digests {
			if _, ok := d.artifacts[artifact.Digest(digest)]; !ok {
				return component.Unkept(digest)
			}
		}
		if len(h.Digests) == 0 {
			remove(d, d.meta.holdings, h.Owner)
		} else {
			put(d, d.meta.holdings, h.Owner, slices.Clone(h.Digests))
		}
	}
	return nil
}

// Owners implements component.Store.
func (c components) Owners(ctx context.Context, digest string) (owners []component.Owner, err error) {
	err = c.at.read(ctx, func(d *data) error {
		owners = d.owners(digest)
		return nil
	})
	return owners, err
}

func (d *data) owners(digest string) (owners []component.Owner) {
	for owner, digests := range d.meta.holdings {
		if slices.Contains(digests, digest) {
			owners = append(owners, owner)
		}
	}
	slices.SortFunc(owners, func(a, b component.Owner) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return owners
}

// Begin implements component.Journal.
func (c components) Begin(ctx context.Context, e component.Entry) error {
	return c.at.write(ctx, func(d *data) error {
		e.Body = bytes.Clone(e.Body)
		put(d, d.meta.journal, e.ID, e)
		return nil
	})
}

// Begun implements component.Journal.
func (c components) Begun(ctx context.Context, before time.Time) (found []component.Entry, err error) {
	err = c.at.read(ctx, func(d *data) error {
		for _, e := range d.meta.journal {
			if e.At.Before(before) {
				found = append(found, e)
			}
		}
		slices.SortFunc(found, func(a, b component.Entry) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
		})
		return nil
	})
	return found, err
}
