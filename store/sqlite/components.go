package sqlite

import "github.com/varvedb/varve/component"

// Components implements store.Tx.
func (s *Store) Components() component.Store { return component.Unserved{Why: "not yet served"} }

// Components implements store.Tx.
func (t *tx) Components() component.Store { return component.Unserved{Why: "not yet served"} }
