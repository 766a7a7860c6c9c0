package component

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/errs"
)

// Declare writes a component as a declaration for people and other databases:
// as [Encode] does, but without what looks like a secret.
func Declare(c Component) ([]byte, error) {
	doc, err := document(c, encoder{derived: true, whole: true, identity: true})
	if err != nil {
		return nil, err
	}
	return appendCanonical(nil, masked(doc))
}

// Flat is one component of those that [Flatten] finds.
type Flat struct {
	Component Component
	Name      Name
	UUID      string // "": it is not stored
	// Declaration has references in place of components, and neither versions
	// nor UUIDs, which mean nothing in another database. What looks like a
	// secret is not in it.
	Declaration json.RawMessage
	// Blobs are the digests of what it has in the artifact store.
	Blobs []string
	// Sources are the listeners whose outputs its query reads. They are not
	// inside it.
	Sources []string
}

// Flatten lists a component and those inside it, each once and behind those
// that it has inside. All must be there, as [Service.Load] gives them:
// errs.Invalid for a reference to one that is not. errs.Conflict for two
// versions of one component, since one apply makes one of each.
func Flatten(c Component) ([]Flat, error) {
	f := flattener{found: map[Name]Flat{}}
	err := f.add(c, nil)
	return f.list, err
}

// Meet is errs.Conflict when two components of one name are not the same
// version, or, not stored, differ.
func (f Flat) Meet(other Flat) error {
	if f.UUID == other.UUID && bytes.Equal(f.Declaration, other.Declaration) {
		return nil
	}
	return errs.Field(errs.Conflict, f.Name.String(), "is there in two versions; apply what has the older one again, so that both have the newer")
}

type flattener struct {
	found map[Name]Flat
	list  []Flat
}

func (f *flattener) add(c Component, above []Name) error {
	name := nameOf(c)
	if len(above) > maxDepth {
		return errs.Field(errs.Invalid, name.String(), "is nested more than %d deep", maxDepth)
	}
	flat, err := flatten(c)
	if err != nil {
		return at(name.String(), err)
	}
	if was, ok := f.found[name]; ok {
		return was.Meet(flat)
	}
	f.found[name] = flat
	for _, s := range children(c) {
		if err := f.add(s.child.Component, append(above, name)); err != nil {
			return err
		}
	}
	f.list = append(f.list, flat)
	return nil
}

func flatten(c Component) (Flat, error) {
	alone := clone(c)
	for _, s := range children(alone) {
		if s.child.Component == nil {
			return Flat{}, errs.Field(errs.Invalid, s.role, "is a reference, and what it leads to is not known here")
		}
		put(alone, s.role, Child{Ref: Ref{Name: s.child.name(), Version: Latest}})
	}
	doc, err := document(alone, encoder{derived: true})
	if err != nil {
		return Flat{}, err
	}
	flat := Flat{Component: c, Name: nameOf(c), UUID: c.base().UUID, Blobs: Blobs(c)}
	if flat.Declaration, err = appendCanonical(nil, masked(doc)); err != nil {
		return Flat{}, err
	}
	for _, s := range sources(c) {
		flat.Sources = append(flat.Sources, s.child.Ref.Identifier)
	}
	return flat, nil
}

// Blobs lists the digests of what a component, without those inside it, has in
// the artifact store.
func Blobs(c Component) []string {
	var out []string
	_, held, _ := contents(c)
	for _, b := range held {
		if b.Digest != "" {
			out = append(out, b.Digest)
		}
	}
	return out
}
