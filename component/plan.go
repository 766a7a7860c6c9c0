package component

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Verb is what is done with a component.
type Verb string

// The verbs.
const (
	Create    Verb = "create"    // its first version
	Recreate  Verb = "recreate"  // a further one, since something broke or a new one was asked for
	Revise    Verb = "update"    // its record, in place
	Unchanged Verb = "unchanged" // nothing
)

// Change is one difference between a record and a declaration. Values are
// nil where there is none.
type Change struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old,omitempty"`
	New   json.RawMessage `json:"new,omitempty"`
	// Breaks: it makes a new version.
	Breaks bool `json:"breaks,omitempty"`
}

// Action is what is done with one component, and why.
type Action struct {
	Do Verb `json:"do"`
	Ref
	Changes []Change `json:"changes,omitempty"`
	Status  Status   `json:"status"`
	Reason  string   `json:"reason,omitempty"`
}

// Plan is what an apply does, in its order: children before their parents.
// Versions that are yet to be made have no UUID.
type Plan struct {
	Actions   []Action `json:"actions"`
	Created   []Ref    `json:"created"` // new versions, of new components and of others
	Updated   []Ref    `json:"updated"`
	Unchanged []Ref    `json:"unchanged"`
	Tables    []string `json:"tables"` // that are made
	// Jobs are those that run afterwards. None do before there is an engine.
	Jobs []string `json:"jobs"`
}

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Created)+len(p.Updated)+len(p.Tables) == 0 }

// Plan tells what [Service.Apply] would do with the same components now, and
// does nothing.
func (s *Service) Plan(ctx context.Context, cs ...Component) (Plan, error) {
	w, err := s.work(ctx, cs, false)
	if err != nil {
		return Plan{}, err
	}
	return w.plan(), nil
}

// work is a plan with what it takes to do it.
type work struct {
	*graph
	edges   map[string][]Edge // of stored parents
	tables  []physical
	inPlace bool
}

// work plans. in place, records are replaced whatever changed.
func (s *Service) work(ctx context.Context, cs []Component, inPlace bool) (*work, error) {
	g, err := s.gather(ctx, cs)
	if err != nil {
		return nil, err
	}
	w := &work{graph: g, inPlace: inPlace}
	if w.edges, err = s.edgesOf(ctx, g); err != nil {
		return nil, err
	}
	for _, n := range g.order {
		if err := s.decide(n, w); err != nil {
			return nil, err
		}
	}
	if err := s.payable(ctx, w); err != nil {
		return nil, err
	}
	if w.tables, err = s.missingTables(ctx, g); err != nil {
		return nil, err
	}
	return w, s.answerable(ctx, w)
}

// answerable tells whether the data sets whose rows are kept now can be asked
// for, before anything is done.
func (s *Service) answerable(ctx context.Context, w *work) error {
	var planned []query.Table
	for _, t := range w.tables {
		planned = append(planned, t.Table)
	}
	for _, n := range w.order {
		if !n.snapshots() {
			continue
		}
		q, err := selection(n.c.(*Dataset))
		if err == nil {
			err = s.opt.Data.Check(ctx, *q, planned...)
		}
		if err != nil {
			return at(n.name.String()+".select", err)
		}
	}
	return nil
}

func (s *Service) edgesOf(ctx context.Context, g *graph) (map[string][]Edge, error) {
	var parents []string
	for _, n := range g.order {
		if n.head.UUID != "" {
			parents = append(parents, n.head.UUID)
		}
		if n.exact != nil && n.exact.UUID != n.head.UUID {
			parents = append(parents, n.exact.UUID)
		}
	}
	out := map[string][]Edge{}
	if len(parents) == 0 {
		return out, nil
	}
	edges, err := s.store.Edges(ctx, parents, nil)
	for _, e := range edges {
		out[e.Parent] = append(out[e.Parent], e)
	}
	return out, err
}

// decide says what is done with a node, whose children are decided.
func (s *Service) decide(n *node, w *work) error {
	var err error
	n.hash, n.breaks, err = hashes(n.c, func(sl slot) (string, error) {
		for _, k := range n.kids {
			if k.child.link() == sl.child.link() {
				return k.breakHash(), nil
			}
		}
		return "", errs.New(errs.Internal, "the child %s of %s was not looked up", sl.child.link(), n.name)
	})
	if err != nil {
		return at(n.name.String(), err)
	}
	n.act.Ref = Ref{Name: n.name}
	n.act.Status, n.act.Reason = engineless(n.name.Type)
	before := &n.head.Record
	if n.exact != nil {
		ok, err := n.same(n.exact, w)
		if err != nil {
			return err
		}
		if ok || w.inPlace {
			before = n.exact
		}
	} else if v := n.c.base().Version; v != nil {
		switch {
		case w.inPlace:
			return absent(Ref{Name: n.name, Version: *v})
		case *v != n.head.Next:
			return errs.Field(errs.Invalid, n.name.String()+".version", "is %d, which is not there, and the next one is %d", *v, n.head.Next)
		}
		return n.renew(before, w)
	}
	if before.UUID == "" || s.policy == Always && !w.inPlace && before != n.exact {
		return n.renew(before, w)
	}
	if before.Hidden {
		return errs.Field(errs.Conflict, n.name.String()+".version", "%s is hidden; unhide it first", before.Ref)
	}
	same, err := n.same(before, w)
	if err != nil {
		return err
	}
	if !same && n.breaks != before.Break && !w.inPlace {
		return n.renew(before, w)
	}
	return n.keep(before, w, same)
}

// same tells whether a declaration is what is stored: by its prints, or, where
// a newer version of Varve stored fields that are not known here, word for
// word.
func (n *node) same(r *Record, w *work) (bool, error) {
	if err := n.inherit(r, w); err != nil {
		return false, err
	}
	if n.hash == r.Hash && n.breaks == r.Break {
		return true, nil
	}
	return len(n.kept.base().Extra) > 0 && bytes.Equal(n.keptBody, r.Body) && !n.moved() && !n.rejoined(w.edges[r.UUID]), nil
}

// moved tells whether a child that breaks has a new version.
func (n *node) moved() bool {
	return slices.ContainsFunc(n.kids, func(k *kid) bool {
		return k.breaks && k.node != nil && (k.node.act.Do == Create || k.node.act.Do == Recreate)
	})
}

// renew plans a new version.
func (n *node) renew(before *Record, w *work) error {
	n.act.Do, n.act.Version = Create, n.head.Next
	if n.head.Next > 0 {
		n.act.Do = Recreate
	}
	n.now = &Record{Ref: n.act.Ref, Hash: n.hash, Break: n.breaks, Status: n.act.Status, Reason: n.act.Reason}
	if before.UUID == "" {
		return nil
	}
	return n.compare(before, w)
}

// keep plans an update in place, or nothing.
func (n *node) keep(before *Record, w *work, same bool) error {
	n.c, n.body = n.kept, n.keptBody
	n.act.Ref, n.now = before.Ref, before
	same = same && !n.rejoined(w.edges[before.UUID])
	if w.inPlace {
		same = same && bytes.Equal(n.body, before.Body)
	}
	if same {
		n.act.Do, n.act.Status, n.act.Reason = Unchanged, before.Status, before.Reason
		return nil
	}
	n.act.Do = Revise
	updated := *before
	updated.Hash, updated.Break, updated.Status, updated.Reason = n.hash, n.breaks, n.act.Status, n.act.Reason
	n.now = &updated
	return n.compare(before, w)
}

// rejoined tells whether the children are other versions than the edges say.
func (n *node) rejoined(edges []Edge) bool {
	have := map[string]string{}
	for _, e := range edges {
		have[e.Role] = e.Child
	}
	for _, k := range n.kids {
		if have[k.role] != k.now().UUID {
			return true
		}
	}
	return len(have) != len(n.kids)
}

// inherit takes over what was found out about a component, not declared: it
// stays when the record is updated in place, as do fields of newer versions.
func (n *node) inherit(before *Record, w *work) error {
	if bytes.Equal(n.body, before.Body) { // nothing was found out that is not declared
		n.kept, n.keptBody = n.c, n.body
		return nil
	}
	old, err := decodeRecord(before.Body)
	if err != nil {
		return errs.Wrap(errs.Internal, err, "the record of %s cannot be read", before.Ref)
	}
	was := map[string]field{}
	for _, f := range fieldsOf(old) {
		was[f.name] = f
	}
	n.kept = clone(n.c)
	for _, f := range fieldsOf(n.kept) {
		if f.derived && f.empty() {
			f.value.Set(was[f.name].value)
		}
	}
	if extra := old.base().Extra; len(extra) > 0 {
		merged := mapped(extra)
		maps.Copy(merged, n.c.base().Extra)
		n.kept.base().Extra = merged
	}
	n.keptBody, err = encodeRecord(n.kept, w.inline)
	return err
}

// compare lists what differs from what is stored.
func (n *node) compare(before *Record, w *work) error {
	old, err := parse(before.Body)
	if err != nil {
		return errs.Wrap(errs.Internal, err, "the record of %s cannot be read", before.Ref)
	}
	now, err := parse(n.body)
	if err != nil {
		return err
	}
	was, is := old.(map[string]any), now.(map[string]any)
	all := mapped(was)
	maps.Copy(all, is)
	breaks := map[string]bool{}
	for _, f := range fieldsOf(n.c) {
		breaks[f.name] = f.breaks
		if f.derived && !w.inPlace {
			delete(all, f.name)
		}
	}
	for _, name := range sortedKeys(all) {
		c := Change{Field: name, Breaks: breaks[name]}
		if c.Old, err = shown(was, name); err != nil {
			return err
		}
		if c.New, err = shown(is, name); err != nil {
			return err
		}
		if !bytes.Equal(c.Old, c.New) {
			n.act.Changes = append(n.act.Changes, c)
		}
	}
	n.act.Changes = append(n.act.Changes, n.steps(w.edges[before.UUID])...)
	return nil
}

// shown is a field as a plan shows it.
func shown(doc map[string]any, name string) (json.RawMessage, error) {
	v, ok := doc[name]
	if !ok {
		return nil, nil
	}
	return appendCanonical(nil, masked(v))
}

// steps are children that have another version now than before.
func (n *node) steps(edges []Edge) (out []Change) {
	for _, k := range n.kids {
		for _, e := range edges {
			if e.Role == k.role && e.Child != k.now().UUID && k.now().Name == k.child.name() {
				text := strconv.Quote(k.now().Name.String() + " version " + strconv.Itoa(k.version()))
				out = append(out, Change{Field: k.role, New: json.RawMessage(text), Breaks: k.breaks && k.node != nil && k.node.act.Do == Recreate && n.act.Do == Recreate})
			}
		}
	}
	return out
}

func (k *kid) version() int {
	if k.node != nil {
		return k.node.act.Version
	}
	return k.record.Version
}

// plan is the work as it is told.
func (w *work) plan() Plan {
	p := Plan{Actions: []Action{}, Created: []Ref{}, Updated: []Ref{}, Unchanged: []Ref{}, Tables: []string{}, Jobs: []string{}}
	for _, n := range w.order {
		p.Actions = append(p.Actions, n.act)
		switch n.act.Do {
		case Create, Recreate:
			p.Created = append(p.Created, n.act.Ref)
		case Revise:
			p.Updated = append(p.Updated, n.act.Ref)
		case Unchanged:
			p.Unchanged = append(p.Unchanged, n.act.Ref)
		}
	}
	for _, t := range w.tables {
		p.Tables = append(p.Tables, t.Name)
	}
	return p
}

// payable tells whether the bytes of what is written can be kept, before
// anything is.
func (s *Service) payable(ctx context.Context, w *work) error {
	for _, n := range w.order {
		if n.act.Do == Unchanged {
			continue
		}
		paths, at, _ := contents(n.c)
		for i, b := range at {
			field := n.name.String() + "." + paths[i]
			if b.Data != nil && len(b.Data) <= s.opt.Inline {
				continue
			}
			if s.opt.Artifacts == nil {
				return errs.Field(errs.Unsupported, field, "is too large for a record, and there is no artifact store; name one with artifacts")
			}
			if b.Data != nil {
				continue
			}
			if b.from != nil && b.from != Opener(s.opt.Artifacts) {
				continue // they are at hand, and on their way
			}
			if _, err := s.opt.Artifacts.Stat(ctx, artifact.Digest(b.Digest)); err != nil {
				return unkept(field, err)
			}
		}
		if n.snapshots() && (s.opt.Data == nil || s.opt.Artifacts == nil) {
			return errs.Field(errs.Unsupported, n.name.String()+".pin", "needs a databackend and an artifact store to keep rows in")
		}
	}
	return nil
}

// unkept is the error for bytes that a declaration names and that are not
// there.
func unkept(field string, err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.Field(errs.Invalid, field, "names an artifact that is not there; put it first")
	}
	return err
}

// snapshots tells whether it is a data set whose rows are kept now.
func (n *node) snapshots() bool {
	d, ok := n.c.(*Dataset)
	return ok && d.Pin && d.RawData.IsZero() && n.act.Do != Unchanged
}

// String is the plan as people read it.
func (p Plan) String() string {
	var b strings.Builder
	for _, a := range p.Actions {
		b.WriteString(string(a.Do) + " " + a.Ref.String() + "\n")
		for _, c := range a.Changes {
			b.WriteString("    " + c.String() + "\n")
		}
	}
	for _, t := range p.Tables {
		b.WriteString("make the table " + t + "\n")
	}
	return b.String()
}

// String is the change as people read it.
func (c Change) String() string {
	s := c.Field + ": "
	switch {
	case c.Old == nil:
		s += string(c.New)
	case c.New == nil:
		s += string(c.Old) + " → nothing"
	default:
		s += string(c.Old) + " → " + string(c.New)
	}
	if c.Breaks {
		s += " (breaks)"
	}
	return s
}
