package mysql

import "github.com/varvedb/varve/query"

// Query implements store.Tx.
func (s *Store) Query() query.Store { return query.Unserved{Why: "not yet served"} }

// Query implements store.Tx.
func (in inner) Query() query.Store { return query.Unserved{Why: "not yet served"} }
