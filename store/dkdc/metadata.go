package dkdc

import "github.com/varvedb/varve/artifact"

// Artifacts implements store.Tx: metadata stands in the file beside.
func (s *Store) Artifacts() artifact.Index { return s.beside.Artifacts() }

func (inside) Artifacts() artifact.Index {
	return artifact.Unserved{Engine: "a transaction on a file of dkdc's"}
}
