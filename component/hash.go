package component

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/varvedb/varve/errs"
)

// hashes are the two prints of a component.
//
// The first covers everything that was declared. A child is in it by its
// reference alone, so that a new version of it changes nothing here.
//
// The second covers the fields that break, and of each child in such a field
// the child's own second print: what breaks a model breaks its listener,
// whether or not the listener's record says anything else than before.
func hashes(c Component, broken func(slot) (string, error)) (hash, breaking string, err error) {
	all, err := document(c, encoder{sums: true})
	if err == nil {
		hash, err = digest(all)
	}
	if err != nil {
		return "", "", err
	}
	part, err := document(c, encoder{sums: true, breaking: true, broken: broken})
	if err == nil {
		breaking, err = digest(part)
	}
	return hash, breaking, err
}

func digest(doc map[string]any) (string, error) {
	raw, err := appendCanonical(nil, doc)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), err
}

// Hashes are the prints of a component whose children are all inside it: of
// everything, and of what breaks.
func Hashes(c Component) (hash, breaking string, err error) {
	return hashes(c, func(s slot) (string, error) {
		if s.child.Component == nil {
			return "", errs.Field(errs.Invalid, s.role, "is a reference, and what it leads to is not known here")
		}
		_, breaking, err := Hashes(s.child.Component)
		return breaking, err
	})
}
