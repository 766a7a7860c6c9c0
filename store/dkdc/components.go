package dkdc

import "github.com/varvedb/varve/component"

// Components implements store.Tx.
func (s *Store) Components() component.Store { return noComponents }

func (inside) Components() component.Store { return noComponents }

var noComponents = component.Unserved{Why: "a file of dkdc's keeps no components; open SQLite, PostgreSQL or MySQL for them, or name one with metadata"}
