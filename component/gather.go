package component

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// node is one component of an apply.
type node struct {
	c    Component
	name Name
	kids []*kid
	body []byte // its record as declared
	// kept is the component with what is stored of it and was not declared.
	kept     Component
	keptBody []byte

	head   Head
	exact  *Record // the version that the declaration names, if it is there
	hash   string
	breaks string
	now    *Record // what it becomes: a new version, or what is there
	act    Action
	depth  int // 0: not looked at, 1: being looked at, 2: done
}

// kid is one child of a node: a node itself, or a record that is there.
type kid struct {
	slot
	node   *node
	record *Record
}

func (k *kid) breakHash() string {
	if k.node != nil {
		return k.node.breaks
	}
	return k.record.Break
}

func (k *kid) now() *Record {
	if k.node != nil {
		return k.node.now
	}
	return k.record
}

// graph is the components of an apply with what they lead to.
type graph struct {
	inline int
	nodes  map[Name]*node
	order  []*node // children before their parents
	roots  []*node
}

// gather finds all components inside those given, checks each, and joins them.
func (s *Service) gather(ctx context.Context, cs []Component) (*graph, error) {
	g, err := declared(cs, s.opt.Inline)
	if err != nil {
		return nil, err
	}
	if err := s.look(ctx, g); err != nil {
		return nil, err
	}
	for _, name := range g.names() {
		if err := g.sort(g.nodes[name], nil); err != nil {
			return nil, err
		}
	}
	return g, s.acyclic(ctx, g)
}

// declared are all components inside those given, each checked as far as that
// needs no database.
func declared(cs []Component, inline int) (*graph, error) {
	g := &graph{inline: inline, nodes: map[Name]*node{}}
	for _, c := range cs {
		if _, err := NameOf(c); err != nil {
			return nil, err
		}
		n, err := g.add(c, nil)
		if err != nil {
			return nil, err
		}
		g.roots = append(g.roots, n)
	}
	return g, nil
}

func (g *graph) names() []Name {
	names := make([]Name, 0, len(g.nodes))
	for n := range g.nodes {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b Name) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// add takes a component and those inside it. above are the components that it
// is inside of.
func (g *graph) add(c Component, above []Name) (*node, error) {
	name := nameOf(c)
	if slices.Contains(above, name) {
		return nil, cycle(append(above, name))
	}
	if len(above) > maxDepth {
		return nil, errs.Field(errs.Invalid, name.String(), "is nested more than %d deep", maxDepth)
	}
	c = clone(c)
	if err := check(c); err != nil {
		return nil, err
	}
	body, err := encodeRecord(c, g.inline)
	if err != nil {
		return nil, at(name.String(), err)
	}
	n := g.nodes[name]
	if n != nil && !bytes.Equal(n.body, body) {
		return nil, errs.Field(errs.Invalid, name.String(), "stands twice, and differs; give one of them another identifier, or refer to the other as %s", Ref{Name: name, Version: Latest}.Link())
	}
	if n == nil {
		n = &node{c: c, name: name, body: body}
		g.nodes[name] = n
		for _, slot := range append(children(c), sources(c)...) {
			n.kids = append(n.kids, &kid{slot: slot})
		}
	}
	for _, s := range children(c) {
		if s.child.Component == nil || s.child.bound() {
			continue
		}
		if _, err := g.add(s.child.Component, append(above, name)); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// sources are the listeners whose outputs a component's query reads.
func sources(c Component) (out []slot) {
	for _, f := range fieldsOf(c) {
		if f.name != "select" || f.empty() {
			continue
		}
		q, err := question(f.value.Bytes())
		if err != nil || q.Select == nil {
			continue
		}
		for _, name := range q.Select.Outputs {
			child := To("listener", name)
			out = append(out, slot{role: "select.outputs." + name, child: &child, typ: "listener"})
		}
	}
	return out
}

func cycle(names []Name) error {
	first := slices.Index(names, names[len(names)-1])
	var path []string
	for _, n := range names[max(first, 0):] {
		path = append(path, n.String())
	}
	return errs.Field(errs.Invalid, path[0], "leads to itself: %s", strings.Join(path, " → "))
}

// sort puts a node behind its children.
func (g *graph) sort(n *node, above []Name) error {
	above = append(above, n.name)
	switch n.depth {
	case 1:
		return cycle(above)
	case 2:
		return nil
	}
	n.depth = 1
	for _, k := range n.kids {
		if k.node != nil {
			if err := g.sort(k.node, above); err != nil {
				return err
			}
		}
	}
	n.depth = 2
	g.order = append(g.order, n)
	return nil
}

// look finds out what is stored of the components and of what they refer to.
func (s *Service) look(ctx context.Context, g *graph) error {
	wanted := g.names()
	var uuids []string
	var outside []*kid
	for _, name := range g.names() {
		for _, k := range g.nodes[name].kids {
			switch {
			case k.child.bound() && k.child.Ref.UUID != "":
				uuids = append(uuids, k.child.Ref.UUID)
			case k.child.bound():
			case g.nodes[k.child.name()] != nil:
				k.node = g.nodes[k.child.name()]
				continue
			default:
				wanted = append(wanted, k.child.name())
			}
			outside = append(outside, k)
		}
	}
	heads, err := s.store.Heads(ctx, wanted)
	if err != nil {
		return err
	}
	found := map[Name]Head{}
	for i, name := range wanted {
		found[name] = heads[i]
	}
	byUUID, err := s.records(ctx, uuids)
	if err != nil {
		return err
	}
	for _, n := range g.nodes {
		n.head = found[n.name]
		if v := n.c.base().Version; v != nil {
			if n.exact, err = s.version(ctx, n.name, *v, n.head); err != nil {
				return err
			}
		}
	}
	for _, k := range outside {
		if err := s.resolve(ctx, k, found, byUUID); err != nil {
			return err
		}
	}
	for name, n := range g.nodes {
		for _, k := range n.kids {
			if k.node == nil && k.record == nil {
				return errs.Field(errs.Invalid, name.String()+"."+k.role, "%s is not there; apply it before this, or with it", k.child.link())
			}
			if k.record != nil {
				if err := at(name.String()+"."+k.role, takes(k.slot, k.record.Name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// version is a version of a component, nil when it is not there.
func (s *Service) version(ctx context.Context, n Name, version int, head Head) (*Record, error) {
	if head.UUID != "" && head.Version == version {
		return &head.Record, nil
	}
	found, err := s.store.Find(ctx, Filter{Type: n.Type, Identifier: n.Identifier, Version: &version, Hidden: true})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// records are those with UUIDs, by them.
func (s *Service) records(ctx context.Context, uuids []string) (map[string]Record, error) {
	out := map[string]Record{}
	if len(uuids) == 0 {
		return out, nil
	}
	found, err := s.store.Find(ctx, Filter{UUIDs: uuids, Hidden: true})
	for _, r := range found {
		out[r.UUID] = r
	}
	return out, err
}

func (s *Service) resolve(ctx context.Context, k *kid, heads map[Name]Head, byUUID map[string]Record) (err error) {
	switch ref := k.child.Ref; {
	case k.child.bound() && ref.UUID != "":
		if r, ok := byUUID[ref.UUID]; ok && (ref.Type == "" || r.Name == ref.Name) {
			k.record = &r
		}
	case k.child.bound():
		k.record, err = s.version(ctx, ref.Name, ref.Version, Head{})
	default:
		if h := heads[k.child.name()]; h.UUID != "" {
			k.record = &h.Record
		}
	}
	return err
}

// acyclic refuses components that stored ones, to which they refer, lead back
// to.
func (s *Service) acyclic(ctx context.Context, g *graph) error {
	known := false
	var next []string
	users, seen := map[string]Name{}, map[string]bool{}
	for _, n := range g.order {
		known = known || n.head.Next > 0
		for _, k := range n.kids {
			if k.record != nil {
				next = append(next, k.record.UUID)
				users[k.record.UUID], seen[k.record.UUID] = n.name, true
			}
		}
	}
	if !known {
		return nil
	}
	for len(next) > 0 {
		edges, err := s.store.Edges(ctx, next, nil)
		if err != nil {
			return err
		}
		next = nil
		for _, e := range edges {
			if !seen[e.Child] {
				seen[e.Child] = true
				users[e.Child] = users[e.Parent]
				next = append(next, e.Child)
			}
		}
	}
	for _, n := range g.order {
		if n.head.UUID != "" && seen[n.head.UUID] && g.reaches(n, users[n.head.UUID]) {
			return errs.Field(errs.Invalid, n.name.String(), "leads to itself through %s, which is stored", users[n.head.UUID])
		}
	}
	return nil
}

// reaches tells whether one node leads to another, or is it.
func (g *graph) reaches(from *node, to Name) bool {
	if from.name == to {
		return true
	}
	return slices.ContainsFunc(from.kids, func(k *kid) bool { return k.node != nil && g.reaches(k.node, to) })
}
