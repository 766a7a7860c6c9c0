package mysql

import "github.com/varvedb/varve/component"

// Components implements store.Tx.
func (s *Store) Components() component.Store { return component.Unserved{Why: "not yet served"} }

// Components implements store.Tx.
func (in inner) Components() component.Store { return component.Unserved{Why: "not yet served"} }
